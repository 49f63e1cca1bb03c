"""The checks as one table, in the order of the report: what each is called, does, needs and blames.

A new check is a row here and a function in a file of its own; README's table of checks names it too (a test compares).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from builder.image.verify import image, migration, probes, starting
from builder.image.verify.database import check_server as check_database
from builder.image.verify.scheduler import Outcome, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.airflow.model import Role
    from builder.image.verify.bench import Bench

INSTALLED = ("dependencies", "imports")
"""What a failing role is blamed on first: nothing starts without its packages."""


@dataclass(frozen=True)
class CheckRow:
    """A check, or one for each role of a kind. ``tasks``: what is to run for a plan."""

    name: str
    tasks: Callable[[CheckRow, Bench], tuple[Task, ...]]
    is_static: bool = False
    """It looks at the image alone."""
    is_foreign: bool = False
    """Every Airflow image can be held to it, also one that no optbuild.toml describes."""
    is_busy: bool = False
    """Stopping is measured in seconds, so it waits until nothing like this takes the processor."""


def tasks_of(bench: Bench) -> tuple[Task, ...]:
    """All checks for the plan, in the order of the report."""
    return tuple(task for row in CHECKS for task in row.tasks(row, bench))


def _static(
    name: str,
    check: Callable[[Bench], Outcome],
    needs: tuple[str, ...] = (),
    blames: tuple[str, ...] = (),
    *,
    is_foreign: bool = False,
    is_busy: bool = False,
) -> CheckRow:
    def tasks(row: CheckRow, bench: Bench) -> tuple[Task, ...]:
        return (Task(row.name, partial(check, bench), needs=needs, blames=blames),)

    return CheckRow(name, tasks, is_static=True, is_foreign=is_foreign, is_busy=is_busy)


def _configuration(bench: Bench) -> Outcome:
    return image.check_configuration(bench.attrs, bench.plan)


def _contents(bench: Bench) -> Outcome:
    return image.check_contents(bench.client, bench.attrs, bench.plan, bench.cache, bench.cancelled)


def _version(bench: Bench) -> Outcome:
    return probes.check_version(bench.probe, bench.plan.airflow)


def _folders(bench: Bench) -> Outcome:
    writable = "make the folder group-writable for group 0 (`chmod g+rwx`) in the layer that creates it"
    return probes.check_problems(bench.probe, "folders", "group 0 can write them all", writable)


def _dependencies(bench: Bench) -> Outcome:
    again = "run `optbuild lock` and build again"
    return probes.check_problems(bench.probe, "dependencies", "every requirement is satisfied", again)


def _imports(bench: Bench) -> Outcome:
    missing = "a shared library or a file of the package is missing: see [apt] runtime"
    return probes.check_problems(
        bench.probe, "imports", f"{len(bench.plan.distributions)} requirements import", missing
    )


def _user(bench: Bench) -> Outcome:
    uid = probes.random_uid()
    return probes.judge_user(
        uid, probes.run_probe(bench.yard, probes.user_start(uid), bench.plan.timeouts.probe, bench.cancelled)
    )


def _database(row: CheckRow, bench: Bench) -> tuple[Task, ...]:
    seconds = bench.plan.timeouts.database
    return (Task(row.name, lambda: check_database(bench.yard, bench.database, seconds, bench.cancelled)),)


def _starters(_: CheckRow, bench: Bench) -> tuple[Task, ...]:
    names = _names(bench.plan.starters)
    return tuple(
        Task(role.name, partial(starting.check_starter, bench, role), ("database", *names[:place]), blames=INSTALLED)
        for place, role in enumerate(bench.plan.starters)
    )


def _migrations(row: CheckRow, bench: Bench) -> tuple[Task, ...]:
    needs = ("database", *_names(bench.plan.starters))
    return (Task(row.name, partial(starting.check_migrations, bench), needs=needs, blames=INSTALLED),)


def _failed_migration(row: CheckRow, bench: Bench) -> tuple[Task, ...]:
    broken = next((role for role in bench.plan.starters if migration.migrates(role)), None)
    if broken is None:
        return ()
    return (Task(row.name, partial(starting.check_failed_migration, bench, broken), blames=(broken.name,)),)


def _servers(_: CheckRow, bench: Bench) -> tuple[Task, ...]:
    needs = _names(bench.plan.starters) or ("database",)
    scheduler = bench.plan.scheduler
    web_blames = () if scheduler is None else (scheduler.name,)
    return tuple(
        Task(
            role.name,
            partial(starting.check_server, bench, role),
            needs,
            blames=("migrations", *INSTALLED, *(web_blames if role is not scheduler else ())),
        )
        for role in bench.plan.servers
    )


def _dag(row: CheckRow, bench: Bench) -> tuple[Task, ...]:
    scheduler = bench.plan.scheduler
    needs, blames = ((), ()) if scheduler is None else ((scheduler.name,), ("migrations", *INSTALLED))
    return (Task(row.name, partial(starting.check_dag, bench), needs, blames=blames),)


def _stop(row: CheckRow, bench: Bench) -> tuple[Task, ...]:
    busy = tuple(one.name for one in CHECKS if one.is_busy)
    after = ("migrations", *_names(bench.plan.servers), "dag", *busy)
    blames = (*INSTALLED, *_names(bench.plan.starters))
    return (Task(row.name, partial(starting.check_stop, bench), after=after, blames=blames),)


def _names(roles: tuple[Role, ...]) -> tuple[str, ...]:
    return tuple(role.name for role in roles)


CHECKS = (
    _static("configuration", _configuration),
    _static("contents", _contents, is_busy=True),
    _static("version", _version, is_foreign=True),
    _static("folders", _folders),
    _static("dependencies", _dependencies),
    _static("imports", _imports),
    _static("user", _user, needs=("folders",), blames=INSTALLED, is_busy=True),
    CheckRow("database", _database, is_foreign=True),
    CheckRow("roles that end", _starters),
    CheckRow("migrations", _migrations, is_foreign=True),
    CheckRow("failed-migration", _failed_migration, is_busy=True),
    CheckRow("roles that stay", _servers),
    CheckRow("dag", _dag),
    CheckRow("stop", _stop),
)
STATIC_CHECKS = frozenset(row.name for row in CHECKS if row.is_static)
FOREIGN_CHECKS = tuple(row.name for row in CHECKS if row.is_foreign)
