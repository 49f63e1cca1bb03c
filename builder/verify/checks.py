"""The checks of one run as tasks: what each does, needs, and blames. Read top to bottom: the order of the report."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from builder.airflow.model import HttpHealth, JobHealth
from builder.airflow.releases import SCHEDULER
from builder.airflow.variables import HOME, HOME_VARIABLE
from builder.verify import image as image_checks
from builder.verify import migration, probes, roles, stopping
from builder.verify.board import CheckFailure, NotApplicable, NotRun, Outcome, Task
from builder.verify.containers import Box, Start
from builder.verify.database import check_server
from builder.verify.environment import role_environment, user_environment
from builder.verify.observer import Observer, observer_start
from builder.verify.probes import PROBE_FOLDER, StaticProbe, probe_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from docker import DockerClient

    from builder.airflow.model import Health, Role
    from builder.verify.containers import Yard
    from builder.verify.environment import Database
    from builder.verify.plan import VerifyPlan

INSTALLED = ("dependencies", "imports")
"""What a failing role is blamed on first: nothing starts without its packages."""
STATIC_CHECKS = frozenset({"configuration", "contents", "version", "folders", "dependencies", "imports", "user"})
"""These look at the image alone."""
_BUSY = ("contents", "user", "failed-migration")
"""What stopping waits for besides the roles: it is measured in seconds, so nothing else should take the processor."""
DAG_FILE = "optbuild_verify_dag.py"


@dataclass
class Bench:
    """What the checks of one run share."""

    plan: VerifyPlan
    attrs: Mapping[str, Any]
    client: DockerClient
    yard: Yard
    database: Database
    environment: Mapping[str, str]
    cache: Path
    dag_id: str
    user: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the user that init makes is called, for this verification alone."""
    volumes: tuple[tuple[str, str], ...] = ()
    cancelled: threading.Event = field(default_factory=threading.Event)
    boxes: dict[str, Box] = field(default_factory=dict)
    observer: Observer | None = None
    observer_ready: threading.Event = field(default_factory=threading.Event)

    @property
    def home(self) -> str:
        return airflow_home(self.attrs)

    def hostname(self, role: Role) -> str:
        """Jobs are told apart by it, also in a database that others use."""
        return f"{role.name}-{self.dag_id.rpartition('_')[2]}"[:63]


def airflow_home(attrs: Mapping[str, Any]) -> str:
    """The image's AIRFLOW_HOME."""
    variables = dict(text.partition("=")[::2] for text in (attrs.get("Config") or {}).get("Env") or ())
    return str(variables.get(HOME_VARIABLE, HOME))


def base_environment(database: Database, fernet_key: str, secret_key: str) -> dict[str, str]:
    """For the roles and the observer."""
    return role_environment(database, fernet_key, secret_key)


def tasks_of(bench: Bench) -> tuple[Task, ...]:
    """All checks for the plan, in the order of the report."""
    return (*_static_tasks(bench), *_starting_tasks(bench), *_serving_tasks(bench))


def _static_tasks(bench: Bench) -> tuple[Task, ...]:
    plan, cancelled, seconds = bench.plan, bench.cancelled, bench.plan.timeouts.probe
    static = StaticProbe(lambda: probes.run_probe(bench.yard, probes.probe_start(plan), seconds, cancelled))
    part = probes.check_problems
    again = "run `optbuild lock` and build again"
    writable = "make the folder group-writable for group 0 (`chmod g+rwx`) in the layer that creates it"
    missing = "a shared library or a file of the package is missing: see [apt] runtime"
    return (
        Task("configuration", lambda: image_checks.check_configuration(bench.attrs, plan)),
        Task("contents", lambda: image_checks.check_contents(bench.client, bench.attrs, plan, bench.cache, cancelled)),
        Task("version", lambda: probes.check_version(static, plan.airflow)),
        Task("folders", lambda: part(static, "folders", "group 0 can write them all", writable)),
        Task("dependencies", lambda: part(static, "dependencies", "every requirement is satisfied", again)),
        Task("imports", lambda: part(static, "imports", f"{len(plan.distributions)} requirements import", missing)),
        Task("user", lambda: _user(bench), needs=("folders",), blames=INSTALLED),
    )


def _user(bench: Bench) -> Outcome:
    uid = probes.random_uid()
    return probes.judge_user(
        uid, probes.run_probe(bench.yard, probes.user_start(uid), bench.plan.timeouts.probe, bench.cancelled)
    )


def _starting_tasks(bench: Bench) -> tuple[Task, ...]:
    plan = bench.plan
    names = tuple(role.name for role in plan.starters)
    database = Task(
        "database", lambda: check_server(bench.yard, bench.database, plan.timeouts.database, bench.cancelled)
    )
    starters = [
        Task(role.name, _starter(bench, role), ("database", *names[:place]), blames=INSTALLED)
        for place, role in enumerate(plan.starters)
    ]
    broken = next((role for role in plan.starters if migration.migrates(role)), None)
    failing = [] if broken is None else [Task("failed-migration", _failing(bench, broken), blames=(broken.name,))]
    migrations = Task("migrations", lambda: _migrations(bench), needs=("database", *names), blames=INSTALLED)
    return (database, *starters, migrations, *failing)


def _starter(bench: Bench, role: Role) -> Any:
    def action() -> Outcome:
        return roles.wait_for_exit(_start(bench, role), role.name, bench.plan.timeouts.init, bench.cancelled)

    return action


def _failing(bench: Bench, role: Role) -> Any:
    def action() -> Outcome:
        box = bench.yard.start(migration.broken_migration(role, bench.environment))
        return migration.judge_broken_migration(role, box, bench.plan.timeouts.init, bench.cancelled)

    return action


def _start(
    bench: Bench, role: Role, files: tuple[tuple[str, bytes], ...] = (), variables: Mapping[str, str] | None = None
) -> Box:
    own = dict(role.environment)
    environment = {**bench.environment, **own, **user_environment(own, bench.user), **(variables or {})}
    hostname = bench.hostname(role)
    return bench.yard.start(
        Start(role.command, environment, hostname=hostname, alias=role.name, files=files, volumes=bench.volumes)
    )


def _migrations(bench: Bench) -> Outcome:
    """Starts the observer, whose first word this is."""
    plan = bench.plan
    jobs = {
        role.name: (role.health, bench.hostname(role)) for role in plan.servers if isinstance(role.health, JobHealth)
    }
    seconds = plan.timeouts.role + plan.timeouts.dag + plan.timeouts.probe
    http = {role.name: role.health for role in plan.servers if isinstance(role.health, HttpHealth)}
    dag_id = bench.dag_id if plan.scheduler else None
    start = observer_start(bench.environment, jobs=jobs, http=http, dag_id=dag_id, seconds=seconds)
    try:
        box = bench.yard.start(replace(start, volumes=bench.volumes))
        bench.observer = Observer(box)
    finally:
        bench.observer_ready.set()
    found = bench.observer.wait("migrations", plan.timeouts.probe, bench.cancelled)
    if found is None:
        bench.observer.still_needed("the migrations")
        raise CheckFailure("`airflow db check-migrations` did not end", log=box.logs())
    if not found[0]:
        raise CheckFailure(
            f"`airflow db check-migrations` does not agree: {found[1].splitlines()[-1]}", hint=_INIT_HINT, log=found[1]
        )
    return Outcome("`airflow db check-migrations` agrees")


_INIT_HINT = "init ended well without migrating the database: its entrypoint ignores _AIRFLOW_DB_MIGRATE or the failure"


def _serving_tasks(bench: Bench) -> tuple[Task, ...]:
    plan = bench.plan
    needs = tuple(role.name for role in plan.starters) or ("database",)
    servers = plan.servers
    scheduler = plan.scheduler
    web_blames = () if scheduler is None else (scheduler.name,)
    tasks = [
        Task(
            role.name,
            _server(bench, role),
            needs,
            blames=("migrations", *INSTALLED, *(web_blames if role is not scheduler else ())),
        )
        for role in servers
    ]
    tasks.append(_dag_task(bench, scheduler))
    after = tuple(task.name for task in tasks)
    starters = tuple(role.name for role in plan.starters)
    stop = Task(
        "stop", lambda: _stop(bench, after), after=("migrations", *after, *_BUSY), blames=(*INSTALLED, *starters)
    )
    return (*tasks, stop)


def _dag_task(bench: Bench, scheduler: Role | None) -> Task:
    if scheduler is None:
        return Task("dag", _no_scheduler)
    return Task("dag", lambda: _dag(bench, scheduler), (scheduler.name,), blames=("migrations", *INSTALLED))


def _no_scheduler() -> Outcome:
    raise NotApplicable("no role is a scheduler (switched off in the spec), so nothing could run a DAG")


def _server(bench: Bench, role: Role) -> Any:
    def action() -> Outcome:
        files, variables = _dag_files(bench) if role == bench.plan.scheduler else ((), {})
        box = _start(bench, role, files, variables)
        asked = replace(role, health=expected_health(role.health, bench.plan))
        outcome = roles.wait_for_server(asked, box, _observer(bench), bench.plan.timeouts.role, bench.cancelled)
        bench.boxes[role.name] = box
        return outcome

    return action


def expected_health(health: Health | None, plan: VerifyPlan) -> Health | None:
    """The health that is asked for: without a scheduler in the plan, nobody can say that it is healthy."""
    if not isinstance(health, HttpHealth) or plan.scheduler is not None:
        return health
    return replace(health, json_components=tuple(name for name in health.json_components if name != SCHEDULER.name))


def _observer(bench: Bench) -> Observer:
    while not bench.observer_ready.wait(0.5):
        if bench.cancelled.is_set():
            raise NotRun("stopped before it could end")
    if bench.observer is None:
        raise NotRun("the observer did not start")
    return bench.observer


def _dag_files(bench: Bench) -> tuple[tuple[tuple[str, bytes], ...], dict[str, str]]:
    """The DAG in the dags folder, its helper beside the probes, and what it is to import."""
    [(_, dag)] = probe_files(DAG_FILE)
    asked = {"dag_id": bench.dag_id, "folder": PROBE_FOLDER, "distributions": bench.plan.distributions}
    return (*probe_files("modules.py"), (f"{bench.home}/dags/{DAG_FILE}", dag)), {"OPTBUILD_VERIFY": json.dumps(asked)}


def _dag(bench: Bench, scheduler: Role) -> Outcome:
    return roles.wait_for_dag(_observer(bench), bench.boxes[scheduler.name], bench.plan.timeouts.dag, bench.cancelled)


def _stop(bench: Bench, servers: tuple[str, ...]) -> Outcome:
    """The roles that work, and those that would end by themselves: these while they wait for their database."""
    serving = {name: bench.boxes[name] for name in servers if name in bench.boxes}
    waiting = {role.name: _start(bench, role, variables=stopping.waiting_environment()) for role in bench.plan.starters}
    for name, box in waiting.items():
        stopping.until_it_waits(name, box, bench.cancelled)
    outcome = stopping.stop_all({**waiting, **serving}, bench.plan.timeouts.stop, bench.cancelled, preparing=waiting)
    if bench.plan.servers and not serving:
        raise NotRun(f"no role runs that could be stopped; only {outcome.message}")
    return outcome
