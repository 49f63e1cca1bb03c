"""OB211: who can start before the tables are there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from project_factories import project, service
from rule_inputs import context_of, started

from builder.compose.model import Mount
from builder.compose.rules.migrations import find_early_readers

if TYPE_CHECKING:
    from builder.compose.model import Service
    from builder.findings.model import Finding

DONE = {"init": "service_completed_successfully"}


def findings(*services: Service) -> list[Finding]:
    return list(find_early_readers(context_of(*services)))


def of_scheduler(command: str = "scheduler", *, init: str = "db migrate", **keys: Any) -> list[tuple[str, ...]]:
    """Of a scheduler beside a service that migrates."""
    return [one.services for one in findings(started("init", init), started("s", command, **keys))]


@pytest.mark.parametrize("init", ["db migrate", "db upgrade", "db init", "bash -c 'airflow db migrate'", "standalone"])
@pytest.mark.parametrize("depends_on", [{}, ["init"], {"init": "service_started"}])
def test_nothing_makes_it_wait(init: str, depends_on: Any) -> None:
    assert of_scheduler(init=init, depends_on=depends_on) == [("s",)]


@pytest.mark.parametrize(("depends_on", "count"), [([], 0), (["init"], 1)])
def test_a_short_depends_on_is_told_as_too_little(depends_on: Any, count: int) -> None:
    (found,) = findings(started("init", "db migrate"), started("s", "scheduler", depends_on=depends_on))
    assert list(found.details) == ["`depends_on` of s waits only until init has started"][:count]


@pytest.mark.parametrize("condition", ["service_completed_successfully", "service_healthy"])
def test_it_waits(condition: str) -> None:
    assert of_scheduler(depends_on={"init": condition}) == []


@pytest.mark.parametrize(
    "command",
    [
        "bash -c 'airflow db check-migrations && airflow scheduler'",
        "bash -c 'airflow db migrate && airflow scheduler'",
        "bash -c 'sleep 30; exec airflow scheduler'",
        "bash -c './wait-for-it.sh db:5432 && airflow scheduler'",
        "bash /start.sh",
        "celery worker",
        "celery flower",
        "version",
    ],
)
def test_it_sees_to_it_itself_or_needs_no_tables(command: str) -> None:
    assert of_scheduler(command) == []


@pytest.mark.parametrize(
    "keys",
    [
        {"environment": {"_AIRFLOW_DB_MIGRATE": "true"}},
        {"environment": {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://other/airflow"}},
        {"image": "registry.example/airflow:1"},
        {"image": "puckel/docker-airflow:1.10.9"},
        {"entrypoint": ("/wait.sh",)},
    ],
)
def test_about_others_nothing_is_known(keys: dict[str, Any]) -> None:
    assert of_scheduler(**keys) == []


def test_an_entrypoint_that_migrates() -> None:
    environment = {"_AIRFLOW_DB_MIGRATE": "true"}
    script = ("/bin/bash", "-c", "mkdir -p /sources && exec /entrypoint airflow version")
    init = started("init", None, entrypoint=script, environment=environment)
    assert [one.services for one in findings(init, started("s", "scheduler"))] == [("s",)]
    bare = started("init", "bash -c 'airflow version'", entrypoint=(), environment={"_AIRFLOW_DB_MIGRATE": ""})
    assert findings(bare, started("s", "scheduler")) == []
    other = started("init", "airflow version", entrypoint=("tini", "--"), environment=environment)
    assert findings(other, started("s", "scheduler")) == []


def test_waiting_for_one_who_waits_is_enough() -> None:
    web = started("web", "webserver", depends_on=DONE)
    assert findings(started("init", "db migrate"), web, started("s", "scheduler", depends_on=["web"])) == []


def test_all_who_do_not_wait_are_one_finding() -> None:
    (found,) = findings(
        started("init", "db migrate"),
        started("a", "scheduler", restart="always"),
        started("b", "webserver"),
        started("c", "triggerer", depends_on=DONE),
    )
    assert found.services == ("a", "b")
    assert found.fix == "depends_on:\n  init:\n    condition: service_completed_successfully"
    assert "`restart` starts a again" in found.details[0]


def test_one_who_goes_on_is_waited_for_by_its_health() -> None:
    migrating = "bash -c 'airflow db migrate && airflow webserver'"
    (found,) = findings(started("web", migrating), started("s", "scheduler", depends_on=["web"]))
    assert "condition: service_healthy   # once web has a health check" in (found.fix or "")
    healthy = started("web", migrating, health_test=("CMD", "curl"))
    (found,) = findings(healthy, started("s", "scheduler"))
    assert (found.fix or "").endswith("condition: service_healthy")


def test_who_is_waited_for_cannot_wait() -> None:
    (found,) = findings(started("init", "db migrate", depends_on=["s"]), started("s", "scheduler"))
    assert "airflow db check-migrations" in (found.fix or "")


def test_a_migration_by_hand_and_none_at_all_are_somebody_elses_business() -> None:
    assert findings(started("init", "db migrate", profiles=("setup",)), started("s", "scheduler")) == []
    assert findings(started("s", "scheduler"), started("w", "webserver")) == []


def test_a_mounted_configuration_does_not_wait() -> None:
    assert of_scheduler(mounts=(Mount("bind", "/airflow.cfg", "/opt/airflow/airflow.cfg"),)) == [("s",)]


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [((), []), ((Mount("bind", "/data", "/data"),), [("s",)]), ((Mount("bind", "/dags", "/opt/airflow/dags"),), [])],
    ids=["a file each", "one file on the host", "another folder"],
)
def test_nobody_waits_for_the_migration_of_another_file(
    mounts: tuple[Mount, ...], expected: list[tuple[str, ...]]
) -> None:
    keys: dict[str, Any] = {
        "environment": {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////data/airflow.db"},
        "mounts": mounts,
    }
    found = findings(started("init", "db migrate", **keys), started("s", "scheduler", **keys))
    assert [one.services for one in found] == expected


@pytest.mark.parametrize(
    ("text", "needs", "expected"),
    [
        ("services: {s: {deploy: {placement: {}}}}", "service_started", "let `airflow db check-migrations` go before"),
        ("services: {s: {image: x}}", "service_started", "depends_on:"),
        ("services: {s: {deploy: {replicas: 2}}}", "service_healthy", "depends_on:"),
    ],
    ids=["a stack", "no stack", "Compose alone takes conditions"],
)
def test_a_stack_waits_for_nobody(text: str, needs: str, expected: str) -> None:
    services = (started("init", "db migrate", depends_on={"db": needs}), started("s", "scheduler"), service("db"))
    made = replace(project(*services), sources={Path("/project/compose.yaml"): text.encode()})
    (found,) = find_early_readers(context_of(made=made))
    assert (found.fix or "").startswith(expected)
