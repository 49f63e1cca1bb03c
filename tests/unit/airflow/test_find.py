"""What the table of Airflow answers, and whether its rows agree with each other and with the table of commands."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from builder.airflow import releases
from builder.airflow.commands import CHANGES
from builder.airflow.find import (
    MIGRATE_COMMANDS,
    REPLACED_ROLES,
    ROLES,
    find_named_role,
    find_role,
    find_series,
    find_started_role,
)
from builder.airflow.model import HttpHealth, KnownRole
from builder.airflow.releases import SERIES

if TYPE_CHECKING:
    from builder.airflow.model import ReleaseSeries

OF_SPECS = tuple(dict.fromkeys(known for row in SERIES for known in (*row.roles, *row.optional_roles)))


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
        ("2.5.3", "2.0.0"),
        ("2.6.1", "2.6.0"),
        ("2.7.0rc1", "2.6.2"),
        ("2.7.0", "2.7.0"),
        ("3.9.0", "3.2.0"),
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
    assert known.role.health is not None or known.answers_ping


def test_every_role_is_in_a_row() -> None:
    written = {value for value in vars(releases).values() if isinstance(value, KnownRole)}
    assert written == set(ROLES)


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
