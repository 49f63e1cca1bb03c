"""Which start commands an Airflow version deprecates, lost or does not have yet."""

from __future__ import annotations

import pytest

from builder.airflow.commands import check_command, find_fab_source
from builder.airflow.model import FabSource


@pytest.mark.parametrize(
    ("call", "version", "instead"),
    [
        ("db init", "2.6.3", None),
        ("db init", "2.7.0", "db migrate"),
        ("db init", "2.8.1", "db migrate"),
        ("db init", "3.0.0", "db migrate"),
        ("db init", None, "db migrate"),
        ("db upgrade", "2.10.2", "db migrate"),
        ("db migrate", "2.8.1", None),
        ("db migrate", "2.6.3", "db upgrade"),
        ("db migrate", None, None),
        ("db check", "3.0.0", None),
        ("webserver", "2.11.0", None),
        ("webserver --port 80", "3.0.0", "api-server"),
        ("webserver", None, None),
        ("api-server", "3.2.0", None),
        ("api-server", "2.8.1", "webserver"),
        ("dags backfill x", "2.8.1", None),
        ("dags backfill x", "3.1.0", "backfill create"),
        ("initdb", "1.10.15", None),
        ("initdb", "2.2.0", "db upgrade"),
        ("upgradedb", "2.8.1", "db migrate"),
        ("worker", "2.8.1", "celery worker"),
        ("celery worker", "2.8.1", None),
        ("scheduler", "3.3.0", None),
        ("db migrate", "1.10.9", "upgradedb"),
        ("db migrate", "1.10.15", "upgradedb"),
        ("db upgrade", "1.10.9", "upgradedb"),
        ("db upgrade", "1.10.15", None),
        ("db init", "1.10.9", "initdb"),
        ("celery worker", "1.10.9", "worker"),
        ("users create", "1.10.9", "create_user"),
        ("users create", "1.10.14", None),
        ("triggerer", "2.1.4", ""),
        ("dag-processor", "2.2.5", ""),
        ("jobs check", "2.0.2", ""),
        ("", "2.8.1", None),
    ],
)
def test_judge(call: str, version: str | None, instead: str | None) -> None:
    found = check_command(tuple(call.split()), version)
    assert (" ".join(found.instead) if found else None) == instead


@pytest.mark.parametrize("command", ["users create", "roles list", "sync-perm", "fab-db migrate"])
def test_what_brings_the_commands_that_airflow_3_lost(command: str) -> None:
    call = tuple(command.split())
    sources = [find_fab_source(call, version) for version in (None, "2.10.5", "3.1.3", "3.2.0")]
    assert sources == [None, None, FabSource.AUTH_MANAGER, FabSource.PROVIDER]
    assert find_fab_source(("db", "migrate"), "3.0.2") is None


def describe(words: tuple[str, ...], version: str | None) -> str:
    problem = check_command(words, version)
    assert problem is not None
    return problem.says


def test_the_words_say_what_happened_when() -> None:
    assert "deprecated since Airflow 2.7 and is gone in 3.0; this is 2.8.1" in describe(("db", "init"), "2.8.1")
    assert "removed in Airflow 3.0" in describe(("db", "init"), "3.0.2")
    assert "cannot be read here" in describe(("db", "init"), None)
    assert "came with Airflow 3.0" in describe(("api-server",), "2.8.1")
