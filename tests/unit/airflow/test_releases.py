"""The table of Airflow versions, and the roles of a spec."""

from __future__ import annotations

import pytest

from builder.airflow.model import ExitHealth, HttpHealth, JobHealth, Role
from builder.airflow.releases import find_release
from builder.core.errors import UnknownAirflowError

PYTHONS = {
    "2.6.0": ("3.7", "3.10"),
    "2.6.3": ("3.7", "3.11"),
    "2.7.0": ("3.8", "3.11"),
    "2.8.1": ("3.8", "3.11"),
    "2.8.4": ("3.8", "3.11"),
    "2.9.0": ("3.8", "3.12"),
    "2.10.5": ("3.8", "3.12"),
    "2.11.0": ("3.9", "3.12"),
    "2.11.2": ("3.10", "3.12"),
    "3.0.6": ("3.9", "3.12"),
    "3.1.8": ("3.10", "3.13"),
    "3.3.2": ("3.10", "3.14"),
}


@pytest.mark.parametrize(("version", "span"), PYTHONS.items(), ids=PYTHONS)
def test_the_pythons_of_each_series(version: str, span: tuple[str, str]) -> None:
    found = find_release(version).python_versions
    assert (found[0], found[-1]) == span


@pytest.mark.parametrize(
    "version", ["1.10.15", "2.5.3", "2.12.0", "3.4.0", "4.0.0", "2.8", "2.8.1rc1", "2.8.1+x", "x", ""]
)
def test_an_unknown_version_gets_the_known_range(version: str) -> None:
    with pytest.raises(UnknownAirflowError, match=r"2\.6\.0 to 2\.11\.x and 3\.0\.0 to 3\.3\.x"):
        find_release(version)


def test_the_roles_of_airflow_2() -> None:
    init, webserver, scheduler = find_release("2.8.1").roles
    assert (init.name, init.command, init.health) == ("init", ("version",), ExitHealth())
    assert dict(init.environment)["_AIRFLOW_DB_MIGRATE"] == "true"
    assert webserver == Role("webserver", ("webserver",), HttpHealth("/health", 8080, ("metadatabase", "scheduler")))
    assert scheduler == Role("scheduler", ("scheduler",), JobHealth("SchedulerJob"))
    assert [role.name for role in find_release("2.8.1").optional_roles] == [
        "triggerer",
        "dag-processor",
        "worker",
        "flower",
    ]


def test_the_roles_of_airflow_3() -> None:
    assert [role.name for role in find_release("3.0.1").roles] == ["init", "api-server", "scheduler", "dag-processor"]
    health = find_release("3.0.1").roles[1].health
    assert isinstance(health, HttpHealth)
    assert health.path == "/api/v2/monitor/health"


def test_the_migration_command_changed_in_2_7() -> None:
    assert find_release("2.6.3").migrate == ("db", "upgrade")
    assert find_release("2.7.0").migrate == ("db", "migrate")
