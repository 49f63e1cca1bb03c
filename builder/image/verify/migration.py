"""A migration that must fail, and whether the role says so: swallowed, the others would start without tables."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from builder.airflow.find import MIGRATE_COMMANDS
from builder.airflow.variables import CONNECTION, EXECUTOR, MIGRATE_VARIABLES, USER_PREFIX
from builder.image.verify.containers import PROBE_SHARES, ContainerOptions, RunningContainer, wait_until
from builder.image.verify.scheduler import CheckFailure, CheckPassed

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from builder.airflow.model import Role

UNKNOWN_REVISION = "000000000000"
BROKEN_DATABASE = "/tmp/optbuild-broken.db"  # noqa: S108 - inside a container of our own
SWALLOWED = (
    "{role} ends with exit code 0 although the migration failed, so whoever waits for its end starts on a database "
    "without the tables: let {role} run `airflow db migrate` itself (as its command), whose exit code tells, or read "
    "its log; an image on a Debian base, or on one of [base] image, has an entrypoint that fails"
)
_WHOLE_LOG = 2000
"""Lines: more than a migration that fails at once writes."""


def is_migration_role(role: Role) -> bool:
    """Whether starting the role migrates the database."""
    names = {name for name, _ in role.environment}
    return not names.isdisjoint(MIGRATE_VARIABLES) or role.command[:2] in MIGRATE_COMMANDS


def make_broken_migration(role: Role, environment: Mapping[str, str], executor: str) -> ContainerOptions:
    """The role against a database that answers and cannot be migrated: Alembic does not know its revision.
    ``executor``: one of this Airflow's that takes sqlite.

    No user is to be made there: that would fail as well, and hide that the migration's failure was swallowed.
    """
    own = {name: value for name, value in role.environment if not name.startswith(USER_PREFIX)}
    variables = {
        **environment,
        **own,
        CONNECTION.name: f"sqlite:///{BROKEN_DATABASE}",
        EXECUTOR.name: executor,
        "CONNECTION_CHECK_MAX_COUNT": "0",
    }
    database = (BROKEN_DATABASE, make_unmigratable_database())
    return ContainerOptions(role.command, variables, writable_files=(database,), shares=PROBE_SHARES)


def make_unmigratable_database() -> bytes:
    """A small sqlite file."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (UNKNOWN_REVISION,))
        connection.commit()
        return connection.serialize()


def check_broken_migration(
    role: Role, box: RunningContainer, seconds: float, cancelled: threading.Event, *, is_ours: bool = True
) -> CheckPassed:
    """It must fail: after a swallowed failure the other roles start on a database without tables.

    ``is_ours``: the image has our entrypoint. The official one goes on (``airflow db migrate || true``, in every
    version up to 3.3), and whoever extends that image cannot change it: then it must be seen to have tried.
    """
    code = wait_until(box.find_exit_code, seconds, cancelled)
    if code is None:
        raise CheckFailure(
            f"{role.name} did not end within {seconds:.0f} s on a database that cannot be migrated", log=box.read_logs()
        )
    if code == 0 and not is_ours and UNKNOWN_REVISION in box.read_logs(tail=_WHOLE_LOG):
        words = f"{role.name} goes on after a failed migration, as the official entrypoint does"
        return CheckPassed(words, notes=(SWALLOWED.format(role=role.name),), is_noted=True)
    if code == 0:
        raise CheckFailure(
            f"{role.name} ended with exit code 0 although the migration failed",
            hint="the entrypoint must end with the migration's exit code (no `airflow db migrate || true`)",
            log=box.read_logs(),
        )
    if UNKNOWN_REVISION not in box.read_logs(tail=_WHOLE_LOG):
        raise CheckFailure(
            f"{role.name} ended with exit code {code} on a database that cannot be migrated, but not because of that",
            hint=f"the log should hold the migration's own error, which names the revision {UNKNOWN_REVISION}",
            log=box.read_logs(),
        )
    return CheckPassed(f"a failed migration ends {role.name} with exit code {code}")
