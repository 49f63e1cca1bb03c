"""The table of Airflow versions.

``airflow_releases.json`` is what the package index said of every final release on 2026-11-29: Requires-Python, the
minors of Python among the classifiers, and whether it was withdrawn.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from builder.airflow.model import ExitHealth, HttpHealth, JobHealth, Role
from builder.airflow.releases import find_release, list_known_versions
from builder.core.debian import RELEASE_PYTHON
from builder.core.errors import UnknownAirflowError

FIXTURES = Path(__file__).parents[2] / "fixtures"
RECORDED: dict[str, dict[str, Any]] = json.loads((FIXTURES / "airflow_releases.json").read_text())
MINORS = tuple(f"3.{minor}" for minor in range(6, 20))
UNCLASSIFIED = {"2.9.0": ("3.12",)}
"""Its release notes say that it supports 3.12, its classifiers do not."""
NEVER_RELEASED = {
    "2.6.4": "2.6.3",
    "2.8.5": "2.8.4",
    "2.9.9": "2.9.3",
    "3.0.5": "3.0.6",
    "3.0.7": "3.0.6",
    "3.1.4": "3.1.5",
}

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
    assert scheduler == Role("scheduler", ("scheduler",), JobHealth("SchedulerJob"), reads_dags=True)
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
    assert find_release("2.6.3").series.migrate == ("db", "upgrade")
    assert find_release("2.7.0").series.migrate == ("db", "migrate")


@pytest.mark.parametrize("version", [version for version in RECORDED if not RECORDED[version].get("yanked")])
def test_every_release_is_answered_as_its_metadata_says(version: str) -> None:
    told = RECORDED[version]
    admitted = SpecifierSet(told["requires"])
    classified = (*told["pythons"], *UNCLASSIFIED.get(version, ()))
    wanted = [minor for minor in MINORS if minor in classified and admitted.contains(f"{minor}.9")]
    assert list(find_release(version).python_versions) == wanted


def test_the_known_versions_are_those_of_the_index() -> None:
    assert list(list_known_versions()) == [version for version in RECORDED if not RECORDED[version].get("yanked")]


@pytest.mark.parametrize("debian", RELEASE_PYTHON)
@pytest.mark.parametrize("version", list_known_versions())
def test_which_versions_a_debian_release_can_have(version: str, debian: str) -> None:
    fits = RELEASE_PYTHON[debian] in find_release(version).python_versions
    numbers = tuple(map(int, version.split(".")))
    assert fits == (numbers >= (2, 6, 2) if debian == "bookworm" else numbers >= (3, 1, 0))


@pytest.mark.parametrize(("version", "nearest"), NEVER_RELEASED.items())
def test_a_version_that_was_never_released_names_the_nearest(version: str, nearest: str) -> None:
    with pytest.raises(UnknownAirflowError, match="never released, or was withdrawn") as caught:
        find_release(version)
    assert caught.value.hint == f"take {nearest}"


@pytest.mark.parametrize("version", ["2.11.3", "3.3.3", "3.3.17"])
def test_a_patch_after_the_table_was_written_is_taken(version: str) -> None:
    assert find_release(version).is_newer
    assert not find_release("3.3.2").is_newer


def test_gosu_is_where_the_official_image_had_it() -> None:
    assert [version for version in list_known_versions() if find_release(version).series.uses_gosu][-1] == "2.8.2"


@pytest.mark.parametrize("version", list_known_versions())
def test_each_version_has_what_verify_asks_for(version: str) -> None:
    series = find_release(version).series
    names = {role.name for role in find_release(version).all_roles}
    assert {"scheduler", series.dag_reader} <= names
    assert series.execution_api is None or series.execution_api in names
    assert series.celery_app
    assert {"AIRFLOW__CORE__FERNET_KEY"} < {one.option.name for one in series.secrets}
    assert {"LocalExecutor", "CeleryExecutor"} < {one.name for one in series.executors}
    reading = {role.name for role in find_release(version).all_roles if role.reads_dags}
    assert reading == {"scheduler", "dag-processor", "triggerer", "worker"}
