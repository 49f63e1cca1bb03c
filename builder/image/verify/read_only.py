"""A role on a root file system that nobody can write to, with a tmpfs where Airflow has to write (docs name both).

The web server is started, because of all roles it writes most: airflow.cfg, webserver_config.py, a file with its
process ID, and what gunicorn needs. Without one it is another role; a second scheduler would take the first one's work.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.model import HttpHealth, JobHealth
from builder.airflow.releases import SCHEDULER
from builder.airflow.variables import CONFIG_VARIABLE, LOG_FOLDER
from builder.core.phrases import join_names
from builder.image.verify import roles
from builder.image.verify.containers import ContainerOptions
from builder.image.verify.scheduler import CheckFailure, CheckPassed, NotApplicable
from builder.image.verify.settings import find_configuration_file, find_known_role, move_health, read_option

if TYPE_CHECKING:
    from builder.airflow.model import Role
    from builder.image.verify.bench import VerifyContext
    from builder.image.verify.plan import VerifyPlan

NAME = "read-only"
TEMPORARY = "/tmp"  # noqa: S108 - inside a container of our own


def find_read_only_role(plan: VerifyPlan) -> Role | None:
    """The role to start; None: none of the plan's can be asked, or only a scheduler."""
    asked = [role for role in plan.servers if isinstance(role.health, HttpHealth | JobHealth) and not role.needs_broker]
    web = next((role for role in asked if isinstance(role.health, HttpHealth)), None)
    return web or next((role for role in asked if role.health != SCHEDULER.role.health), None)


def make_watched_role(bench: VerifyContext) -> Role | None:
    """The role under the name that it has on the verification's network, as the observer asks for it."""
    role = find_read_only_role(bench.plan)
    return None if role is None or NAME not in bench.selected else replace(role, name=NAME)


def check_read_only(bench: VerifyContext) -> CheckPassed:
    """It does its job there."""
    role = find_read_only_role(bench.plan)
    if role is None:
        raise NotApplicable("no role beside the scheduler can be asked whether it works")
    box = bench.yard.start(make_read_only_options(bench, role))
    asked = replace(role, name=NAME, health=_choose_health(bench, role))
    try:
        done = roles.wait_for_server(asked, box, bench.wait_for_observer(), bench.plan.timeouts.role, bench.cancelled)
    except CheckFailure as failure:
        words = f"the {role.name} does not work on a read-only file system: {failure.message}"
        raise CheckFailure(words, hint=_make_hint(bench, role), log=failure.log) from failure
    box.terminate()  # it would only take the processor from others
    return CheckPassed(f"{role.name}, {done.message}; it writes to {TEMPORARY} and its logs alone")


def _make_hint(bench: VerifyContext, role: Role) -> str:
    """What moves the files that this Airflow writes itself: the check has moved them, a person has to."""
    known = find_known_role(role, bench.plan.airflow)
    moving = [CONFIG_VARIABLE, *(file.variable for file in (known.writes if known else ()))]
    option = f", and {known.pid_option} its process ID" if known is not None and known.pid_option else ""
    return (
        f"write nothing at the start but below {TEMPORARY} and the folder of logs; the log names the file. Airflow's "
        f"own are moved by {join_names(moving)}{option}, as docs/explanation/the-image.md says"
    )


def _choose_health(bench: VerifyContext, role: Role) -> HttpHealth | JobHealth | None:
    """Of its own: whether a scheduler runs beside it is not its business."""
    if isinstance(role.health, HttpHealth):
        components = tuple(name for name in role.health.json_components if name != SCHEDULER.name)
        return move_health(bench, role, replace(role.health, json_components=components))
    return role.health if isinstance(role.health, JobHealth) else None


def make_read_only_options(bench: VerifyContext, role: Role) -> ContainerOptions:
    """Files that the image brings stay where they are; the others go to the tmpfs."""
    known, home = find_known_role(role, bench.plan.airflow), bench.home
    moved = {find_configuration_file(bench): (CONFIG_VARIABLE, "airflow.cfg")}
    moved |= {f"{home}/{file.name}": (file.variable, file.name) for file in (known.writes if known else ())}
    variables = {
        variable: f"{TEMPORARY}/{name}"
        for path, (variable, name) in moved.items()
        if bench.yard.read_image_file(path) is None
    }
    option = None if known is None else known.pid_option
    words = () if option is None else (option, f"{TEMPORARY}/airflow-{role.name}.pid")
    return ContainerOptions(
        (*role.command, *words),
        {**bench.environment, **dict(role.environment), **variables},
        hostname=bench.make_hostname(replace(role, name=NAME)),
        alias=NAME,
        volumes=bench.volumes,
        tmpfs=(TEMPORARY, read_option(bench, role, LOG_FOLDER) or f"{home}/logs"),
        read_only=True,
    )
