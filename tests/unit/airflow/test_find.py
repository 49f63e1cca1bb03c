"""What the table of Airflow answers, and whether its rows agree with each other and with the table of commands."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from builder.airflow import releases
from builder.airflow.commands import CHANGES
from builder.airflow.find import (
    EXECUTORS,
    MIGRATE_COMMANDS,
    REPLACED_ROLES,
    ROLES,
    SHARED_OPTIONS,
    TABLE_READERS,
    WEB_ROLES,
    find_health_since,
    find_named_role,
    find_role,
    find_series,
    find_started_role,
    is_at_least,
    is_before,
    list_read_names,
)
from builder.airflow.model import HttpHealth, KnownRole
from builder.airflow.releases import SERIES
from builder.airflow.variables import API_PORT, CONNECTION

if TYPE_CHECKING:
    from builder.airflow.model import ReleaseSeries

OF_SPECS = tuple(
    dict.fromkeys(known for row in SERIES if row.python_versions for known in (*row.roles, *row.optional_roles))
)


def path(name: str, version: str | None) -> str | None:
    known = find_role(name, version)
    return known.role.health.path if known and isinstance(known.role.health, HttpHealth) else None


def test_the_rows_are_in_order() -> None:
    firsts = [Version(row.first) for row in SERIES]
    assert firsts == sorted(set(firsts))


@pytest.mark.parametrize(
    ("version", "first"),
    [
        ("0.9", "1.0.0"),
        ("1.10.15", "1.0.0"),
        ("2.0.2", "2.0.0"),
        ("2.5.3", "2.4.0"),
        ("2.6.1", "2.6.0"),
        ("2.7.0rc1", "2.6.2"),
        ("2.7.0", "2.7.0"),
        ("3.9.0", "3.3.0"),
        ("latest", None),
        ("", None),
        (None, None),
    ],
)
def test_the_row_of_a_version(version: str | None, first: str | None) -> None:
    row = find_series(version)
    assert (row.first if row else None) == first


@pytest.mark.parametrize("known", ROLES, ids=lambda known: known.name)
def test_a_role_is_told_by_its_words_and_its_name(known: KnownRole) -> None:
    if known.is_lasting:
        words = [one for one in (known.role.command, *known.weak_words) if one]
        assert words
        assert {find_started_role((*one, "--flag")) for one in words} == {known.name}
    if known in OF_SPECS:
        assert find_named_role(f"airflow_{known.name.replace('-', '_')}-1") == known.name
        assert find_named_role(known.name.replace("-", "")) == known.name


@pytest.mark.parametrize("known", OF_SPECS, ids=lambda known: known.name)
def test_a_role_says_how_one_sees_that_it_works(known: KnownRole) -> None:
    assert known.role.health is not None


def test_every_role_is_in_a_row() -> None:
    written = {value for value in vars(releases).values() if isinstance(value, KnownRole)}
    assert written == set(ROLES)


def test_what_a_compose_file_may_start_beside_the_roles_of_a_spec() -> None:
    assert find_started_role(("kerberos",)) == "kerberos"
    assert find_started_role(("edge", "worker", "-q", "one")) == "edge-worker"
    assert find_started_role(("edge", "status")) is None
    assert {"kerberos", "edge-worker", "worker", "flower"} & TABLE_READERS == set()
    assert {"scheduler", "dag-processor", "triggerer", "webserver", "api-server"} <= TABLE_READERS
    assert {"webserver", "api-server"} == WEB_ROLES


def test_the_default_executor_of_each_major_version_runs_tasks_in_the_scheduler() -> None:
    defaults = {row.first[0]: row.executors[0] for row in SERIES if row.executors}
    assert {major: one.name for major, one in defaults.items()} == {"2": "SequentialExecutor", "3": "LocalExecutor"}
    assert all(one.runs_in_scheduler for one in defaults.values())
    assert {one.name for one in EXECUTORS.values() if one.uses_celery} == {"CeleryExecutor", "CeleryKubernetesExecutor"}


def test_what_is_shared_is_named_once() -> None:
    names = [name for option in SHARED_OPTIONS for name in option.names]
    assert len(names) == len(set(names))
    assert {secret.option.name for row in SERIES for secret in row.secrets} <= set(names)


def test_what_ends_is_not_started_for_good() -> None:
    assert find_started_role(("version",)) is None
    assert find_started_role(("db", "migrate")) is None
    assert find_started_role(()) is None


def test_the_role_that_a_version_has() -> None:
    assert path("webserver", "2.8.1") == path("webserver", None) == path("webserver", "1.10.15") == "/health"
    assert path("webserver", "3.0.0") == path("api-server", "2.8.1") == "/api/v2/monitor/health"
    assert path("standalone", "2.8.1") == "/health"
    assert path("standalone", "3.1.0") == "/api/v2/monitor/health"
    assert find_role("standalone", None) is None, "the version decides"
    assert find_role("standalone", "1.10.15") is None
    assert find_role("triggerer", "1.10.15") is not None
    assert find_role("nobody", "2.8.1") is None


def has_health(name: str, version: str | None) -> bool:
    known = find_role(name, version)
    return known is not None and known.role.health is not None


def test_a_check_is_known_of_the_versions_that_have_it() -> None:
    assert not has_health("scheduler", "1.10.15")
    assert not has_health("scheduler", "2.0.2")
    assert has_health("scheduler", "2.1.0")
    assert not has_health("dag-processor", "2.5.3")
    assert has_health("dag-processor", "2.6.0")
    assert [bool(known.health_server) for v in ("2.3.4", "2.4.0") if (known := find_role("scheduler", v))] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("name", "since"),
    [("scheduler", "2.1.0"), ("dag-processor", "2.6.0"), ("triggerer", None), ("webserver", None)],
)
def test_where_the_version_is_not_known_the_newest_check_is_told_with_its_first_version(
    name: str, since: str | None
) -> None:
    known = find_role(name, None)
    assert known is not None
    assert known.role.health is not None
    assert find_health_since(known) == since


def test_the_names_that_a_version_reads() -> None:
    new, old = CONNECTION.names
    assert list_read_names(CONNECTION, "2.2.5") == (old,)
    assert list_read_names(CONNECTION, "2.3.0") == list_read_names(CONNECTION, None) == (new, old)
    assert list_read_names(CONNECTION, "3.0.0") == (new,)
    assert list_read_names(API_PORT, "3.0.0") == API_PORT.names


def test_a_version_that_is_not_known_is_neither_before_nor_after() -> None:
    assert is_at_least("2.10.0", "2.9.0")
    assert is_before("2.9.0", "2.10.0")
    assert not is_before(None, "3.0.0")
    assert not is_at_least("latest", "3.0.0")


def test_migrations_of_versions_that_images_can_have() -> None:
    assert {("db", "migrate"), ("db", "upgrade")} == MIGRATE_COMMANDS


@pytest.mark.parametrize(("before", "after"), list(pairwise(SERIES)), ids=lambda row: row.first)
def test_a_role_that_a_version_lost_has_a_successor_and_a_line_in_the_table_of_commands(
    before: ReleaseSeries, after: ReleaseSeries
) -> None:
    kept = {known.name for known in after.all_roles}
    for known in before.all_roles:
        if known.name in kept:
            continue
        assert known.successor in kept
        successor = find_role(known.successor, after.first)
        assert successor is not None
        changes = {change.words: change for change in CHANGES}
        lost, came = changes[known.role.command], changes[successor.role.command]
        assert (lost.removed, lost.instead) == (after.first, successor.role.command)
        assert (came.added, came.instead) == (after.first, known.role.command)
        assert REPLACED_ROLES[known.name] == known.successor
        assert REPLACED_ROLES[successor.name] == known.name


def test_a_migration_of_another_name_has_a_line_in_the_table_of_commands() -> None:
    changes = {change.words: change for change in CHANGES}
    for before, after in pairwise(SERIES):
        if before.migrate != after.migrate:
            old = changes[before.migrate]
            assert after.first in (old.deprecated, old.removed)
            assert old.instead in (after.migrate, SERIES[-1].migrate)
