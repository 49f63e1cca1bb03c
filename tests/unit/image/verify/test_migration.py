"""A migration that must fail, and that must be why the role failed."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

import pytest

from builder.airflow.model import ExitHealth, Role
from builder.image.verify import migration
from builder.image.verify.model import CheckStatus
from builder.image.verify.scheduler import CheckFailure, CheckPassed

INIT = Role("init", ("version",), ExitHealth(), (("_AIRFLOW_DB_MIGRATE", "true"), ("_AIRFLOW_WWW_USER_CREATE", "true")))


class Ended:
    """A container that has ended."""

    def __init__(self, code: int, log: str) -> None:
        self._code, self._log = code, log

    def find_exit_code(self) -> int:
        return self._code

    def read_logs(self, tail: int = 40) -> str:
        return "\n".join(self._log.splitlines()[-tail:])


def judged(code: int, log: str) -> str:
    return look(code, log).message


def look(code: int, log: str, *, is_ours: bool = True) -> CheckPassed:
    box: Any = Ended(code, log)
    return migration.check_broken_migration(INIT, box, 1.0, threading.Event(), is_ours=is_ours)


def test_a_failure_that_names_the_unknown_revision_is_the_migrations() -> None:
    log = "Can't locate revision identified by '000000000000'\n" + "more\n" * 300
    assert judged(1, log) == "a failed migration ends init with exit code 1"


def test_a_failure_of_anything_else_is_none() -> None:
    with pytest.raises(CheckFailure, match="not because of that") as caught:
        judged(1, "sqlite3.OperationalError: attempt to write a readonly database")
    assert "000000000000" in caught.value.hint


def test_a_swallowed_failure_is_named() -> None:
    with pytest.raises(CheckFailure, match="exit code 0 although the migration failed"):
        judged(0, "Can't locate revision identified by '000000000000'")


def test_a_foreign_entrypoint_that_goes_on_is_noted_with_what_follows_from_it() -> None:
    found = look(0, "Can't locate revision identified by '000000000000'", is_ours=False)
    assert found.status is CheckStatus.NOTED
    assert "as the official entrypoint does" in found.message
    assert "without the tables" in found.notes[0]
    assert look(1, "revision 000000000000", is_ours=False).status is CheckStatus.PASSED


def test_one_that_never_tried_is_not_excused() -> None:
    with pytest.raises(CheckFailure, match="exit code 0 although the migration failed"):
        look(0, "2.8.1", is_ours=False)


def test_the_broken_database_may_be_written_by_the_images_user() -> None:
    start = migration.make_broken_migration(INIT, {}, "SequentialExecutor")
    assert [path for path, _ in start.writable_files] == [migration.BROKEN_DATABASE]
    assert start.files == ()


def test_the_broken_database_answers_and_holds_an_unknown_revision() -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.deserialize(migration.make_unmigratable_database())
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("000000000000",)]


def test_the_failing_init_is_told_not_to_wait_and_keeps_its_own_variables() -> None:
    role = INIT
    given = {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "A": "b"}
    start = migration.make_broken_migration(role, given, "LocalExecutor")
    assert start.environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor", "CeleryExecutor takes no sqlite"
    assert start.environment["_AIRFLOW_DB_MIGRATE"] == "true"
    assert "_AIRFLOW_WWW_USER_CREATE" not in start.environment, "its failure would hide a swallowed migration"
    assert start.environment["CONNECTION_CHECK_MAX_COUNT"] == "0"
    assert start.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("sqlite:////tmp/")
    assert start.entrypoint is None
    assert migration.is_migration_role(role)
    assert migration.is_migration_role(Role("m", ("db", "migrate"), ExitHealth()))
    assert not migration.is_migration_role(Role("x", ("version",), ExitHealth()))
