"""The user that a role makes at its start (the entrypoint's variables): whether users are kept, and it is there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.variables import AUTH_MANAGER, CONNECTION, FAB_AUTH_MANAGER, USER_PREFIX
from builder.image.verify.inside import make_script_options, require_answer
from builder.image.verify.probes import run_probe
from builder.image.verify.scheduler import CheckFailure
from builder.image.verify.settings import read_option

if TYPE_CHECKING:
    from builder.airflow.model import Role
    from builder.image.verify.bench import VerifyContext
    from builder.image.verify.containers import RunningContainer

NO_USERS = (
    f"no user is made: {AUTH_MANAGER.name} does not name FAB's auth manager, and others keep no users in Airflow's "
    f'database; to have one, write "fab" into extras of [airflow] and {AUTH_MANAGER.name} = "{FAB_AUTH_MANAGER}" into '
    "env of [image]"
)
_FAB = "FabAuthManager"
"""What the official entrypoint looks for in the name: its module moved once, and people derive their own from it."""
_MISSING_HINT = (
    "the entrypoint only warns when a user cannot be created, as the official one does: see the role's log, "
    f"or the entrypoint does not know the variables {USER_PREFIX}*"
)


def makes_user(role: Role) -> bool:
    """Whether the role is told to make one."""
    return any(value for name, value in role.environment if name == f"{USER_PREFIX}CREATE")


def keeps_users(bench: VerifyContext, role: Role) -> bool:
    """Whether the role's Airflow has FAB's auth manager, by name or by default: it keeps users in the database."""
    manager = read_option(bench, role, AUTH_MANAGER)
    return _FAB in manager if manager else bench.plan.release.series.fab_commands is None


def check_made_user(bench: VerifyContext, role: Role, box: RunningContainer) -> str:
    """For the end of what the role's check says; empty where it makes none. ``box`` is where it ran.

    Its exit code says nothing of the user: it ends well without one. Raises CheckFailure when the user is missing.
    """
    if not makes_user(role):
        return ""
    if not keeps_users(bench, role):
        return NO_USERS
    name = bench.user[f"{USER_PREFIX}USERNAME"]
    variables = {CONNECTION.name: bench.environment[CONNECTION.name], "OPTBUILD_VERIFY": name}
    start = replace(make_script_options("made_user.py", variables), volumes=bench.volumes)
    problem = require_answer(run_probe(bench.yard, start, bench.plan.timeouts.probe, bench.cancelled))["problem"]
    if problem:
        words = f"{role.name} ended with exit code 0, but {problem}"
        raise CheckFailure(words, hint=_MISSING_HINT, log=box.read_logs())
    return "the user that it made is in the database"
