"""The checks as one table, in the order of the report: what each is called, does, needs and blames.

A new check is a row here and a function in a file of its own; docs/explanation/what-verify-proves.md names it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from builder.airflow.model import HttpHealth
from builder.image.verify import image, inside, login, migration, probes, read_only, starting
from builder.image.verify.broker import check_broker
from builder.image.verify.dags import check_dags
from builder.image.verify.database import check_database_server as check_database
from builder.image.verify.scheduler import CheckPassed, CheckTask
from builder.image.verify.settings import list_web_ports

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.airflow.model import Role
    from builder.image.verify.bench import VerifyContext

REQUIREMENT_CHECKS = ("dependencies", "imports")
PACKAGE_CHECKS = (*REQUIREMENT_CHECKS, "providers")
"""What a failing role is blamed on first: nothing starts without its packages."""
OBSERVER = "migrations"
"""The check whose container is the observer that others listen to."""

STOP = "stop"


@dataclass(frozen=True)
class CheckDefinition:
    """A check, or one for each role of a kind. ``tasks``: what is to run for a plan."""

    name: str
    tasks: Callable[[CheckDefinition, VerifyContext], tuple[CheckTask, ...]]
    is_static: bool = False
    """It looks at the image alone."""
    is_foreign: bool = False
    """Every Airflow image can be held to it, also one that no optbuild.toml describes."""
    is_busy: bool = False
    """Stopping is measured in seconds, so it waits until nothing like this takes the processor."""


def make_check_tasks(bench: VerifyContext) -> tuple[CheckTask, ...]:
    """All checks for the plan, in the order of the report. An image without roles (``[image] kind = "base"``) is looked
    at and nothing of it is started."""
    rows = CHECKS if bench.plan.roles else [row for row in CHECKS if row.is_static]
    return tuple(task for row in rows for task in row.tasks(row, bench))


def _make_static_check(
    name: str,
    check: Callable[[VerifyContext], CheckPassed],
    needs: tuple[str, ...] = (),
    blames: tuple[str, ...] = (),
    *,
    after: tuple[str, ...] = (),
    is_foreign: bool = False,
    is_busy: bool = False,
) -> CheckDefinition:
    def tasks(row: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
        return (CheckTask(row.name, partial(check, bench), needs, after, blames),)

    return CheckDefinition(name, tasks, is_static=True, is_foreign=is_foreign, is_busy=is_busy)


def _check_configuration(bench: VerifyContext) -> CheckPassed:
    return image.check_configuration(bench.attrs, bench.plan, list_web_ports(bench) if bench.plan.is_described else {})


def _check_contents(bench: VerifyContext) -> CheckPassed:
    return image.check_contents(bench.layers, bench.cancelled)


def _check_privileges(bench: VerifyContext) -> CheckPassed:
    return image.check_privileges(bench.layers, bench.cancelled)


def _check_credentials(bench: VerifyContext) -> CheckPassed:
    return image.check_credentials(bench.client, bench.attrs, bench.plan.forbidden)


def _check_version(bench: VerifyContext) -> CheckPassed:
    return probes.check_version(bench.probe, bench.plan.airflow)


def _check_folders(bench: VerifyContext) -> CheckPassed:
    return probes.check_folders(bench.probe)


def _check_dependencies(bench: VerifyContext) -> CheckPassed:
    base = bench.plan.base
    return probes.check_dependencies(bench.probe, "" if base is None else base.name, bench.plan.kept_distributions)


def _check_imports(bench: VerifyContext) -> CheckPassed:
    return probes.check_imports(bench.probe, len(bench.plan.distributions))


def _check_bytecode(bench: VerifyContext) -> CheckPassed:
    stale = "delete the file's bytecode in __pycache__ where the file is changed: Python does not compare the two"
    return probes.check_problems(bench.probe, "bytecode", "bytecode is of the sources beside it", stale)


def _check_system(bench: VerifyContext) -> CheckPassed:
    missing = "add the Debian package to [apt] runtime, or correct the variable in [image] env"
    fine = "time zones, UTF-8, host names, temporary files, bash"
    return probes.check_problems(bench.probe, "system", fine, missing)


def _check_tls(bench: VerifyContext) -> CheckPassed:
    return inside.check_tls(bench, probes.choose_random_uid())


def _check_user(bench: VerifyContext) -> CheckPassed:
    uid = probes.choose_random_uid()
    return probes.check_user_probe(
        uid,
        probes.run_probe(
            bench.yard, probes.make_user_probe_options(uid, bench.plan), bench.plan.timeouts.probe, bench.cancelled
        ),
    )


def _make_dag_folder_tasks(row: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
    if bench.plan.dags is None:
        return ()
    return (CheckTask(row.name, partial(check_dags, bench), blames=PACKAGE_CHECKS),)


def _make_database_tasks(row: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
    seconds = bench.plan.timeouts.database
    return (CheckTask(row.name, lambda: check_database(bench.yard, bench.database, seconds, bench.cancelled)),)


def _make_broker_tasks(row: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
    if bench.plan.broker is None:
        return ()
    seconds = bench.plan.timeouts.database
    return (CheckTask(row.name, lambda: check_broker(bench.yard, *bench.broker, seconds, bench.cancelled)),)


def _make_starter_tasks(_: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
    names = _list_role_names(bench.plan.starters)
    return tuple(
        CheckTask(
            role.name, partial(starting.check_starter, bench, role), ("database", *names[:place]), blames=PACKAGE_CHECKS
        )
        for place, role in enumerate(bench.plan.starters)
    )


def _make_migration_tasks(row: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
    needs = ("database", *_list_role_names(bench.plan.starters))
    return (CheckTask(row.name, partial(starting.check_migrations, bench), needs=needs, blames=PACKAGE_CHECKS),)


def _make_failed_migration_tasks(row: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
    broken = next((role for role in bench.plan.starters if migration.is_migration_role(role)), None)
    if broken is None:
        return ()
    return (CheckTask(row.name, partial(starting.check_failed_migration, bench, broken), blames=(broken.name,)),)


def _make_server_tasks(_: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
    needs = _list_role_names(bench.plan.starters) or ("database",)
    scheduler = bench.plan.scheduler
    others = {role.name: () if scheduler in {None, role} else (scheduler.name,) for role in bench.plan.servers}
    return tuple(
        CheckTask(
            role.name,
            partial(starting.check_server, bench, role),
            (*needs, *(("broker",) if _uses_broker(bench, role) else ())),
            after=_list_earlier_roles(bench, role),
            blames=(OBSERVER, *PACKAGE_CHECKS, *others[role.name]),
            beside=(OBSERVER, *(others[role.name] if isinstance(role.health, HttpHealth) else ())),
        )
        for role in bench.plan.servers
    )


def _uses_broker(bench: VerifyContext, role: Role) -> bool:
    """The scheduler sends tasks through it."""
    return bench.plan.broker is not None and (role.needs_broker or role is bench.plan.scheduler)


def _list_earlier_roles(bench: VerifyContext, role: Role) -> tuple[str, ...]:
    """Where tasks talk to a server, nobody reads the DAG before that one answers: its task is tried only once."""
    series = bench.plan.release.series
    if series.execution_api is None or role.name != series.dag_reader:
        return ()
    return tuple(name for name in _list_role_names(bench.plan.servers) if name == series.execution_api)


def _make_login_tasks(row: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
    role = login.find_login_role(bench.plan)
    needs = () if role is None else (role.name,)
    return (CheckTask(row.name, partial(login.check_login, bench), needs=needs, blames=(OBSERVER, *PACKAGE_CHECKS)),)


def _make_read_only_tasks(row: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
    role = read_only.find_read_only_role(bench.plan)
    needs = () if role is None else (role.name,)  # what does not work at all need not be tried on less
    return (CheckTask(row.name, partial(read_only.check_read_only, bench), needs, blames=(OBSERVER, *PACKAGE_CHECKS)),)


def _make_dag_tasks(row: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
    can_run = bench.plan.missing_dag_runner is None
    needs, blames = (bench.plan.dag_runners, (OBSERVER, *PACKAGE_CHECKS)) if can_run else ((), ())
    return (CheckTask(row.name, partial(starting.check_dag, bench), needs, blames=blames),)


def _make_stop_tasks(row: CheckDefinition, bench: VerifyContext) -> tuple[CheckTask, ...]:
    busy = tuple(one.name for one in CHECKS if one.is_busy)
    asked = tuple(role for role in bench.plan.servers if role.health is not None)  # the others are watched until then
    after = (OBSERVER, *_list_role_names(asked), "dag", *busy)
    blames = (*PACKAGE_CHECKS, *_list_role_names(bench.plan.starters))
    return (CheckTask(row.name, partial(starting.check_stop, bench), after=after, blames=blames),)


def _list_role_names(roles: tuple[Role, ...]) -> tuple[str, ...]:
    return tuple(role.name for role in roles)


CHECKS = (
    _make_static_check("configuration", _check_configuration),
    _make_static_check("contents", _check_contents, is_busy=True),
    _make_static_check("privileges", _check_privileges),
    _make_static_check("credentials", _check_credentials),
    _make_static_check("version", _check_version, is_foreign=True),
    _make_static_check("folders", _check_folders),
    _make_static_check("dependencies", _check_dependencies),
    _make_static_check("imports", _check_imports),
    _make_static_check(
        "providers", inside.check_providers, blames=REQUIREMENT_CHECKS, after=REQUIREMENT_CHECKS, is_busy=True
    ),
    _make_static_check("bytecode", _check_bytecode),
    _make_static_check("system", _check_system),
    _make_static_check("tls", _check_tls, blames=PACKAGE_CHECKS),
    _make_static_check("user", _check_user, needs=("folders",), blames=PACKAGE_CHECKS, is_busy=True),
    CheckDefinition("dags", _make_dag_folder_tasks, is_static=True, is_busy=True),
    CheckDefinition("database", _make_database_tasks, is_foreign=True),
    CheckDefinition("broker", _make_broker_tasks),
    CheckDefinition("roles that end", _make_starter_tasks),
    CheckDefinition(OBSERVER, _make_migration_tasks, is_foreign=True),
    CheckDefinition("failed-migration", _make_failed_migration_tasks, is_busy=True),
    CheckDefinition("roles that stay", _make_server_tasks),
    CheckDefinition(login.NAME, _make_login_tasks, is_busy=True),
    CheckDefinition(read_only.NAME, _make_read_only_tasks, is_busy=True),
    CheckDefinition("dag", _make_dag_tasks),
    CheckDefinition(STOP, _make_stop_tasks),
)
STATIC_CHECKS = frozenset(row.name for row in CHECKS if row.is_static)
FOREIGN_CHECKS = tuple(row.name for row in CHECKS if row.is_foreign)
