"""The checks that start roles: those that end, those that stay, a DAG that the scheduler runs, and their stopping."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.model import HttpHealth, JobHealth, PingHealth
from builder.airflow.releases import SCHEDULER
from builder.image.verify import login, migration, read_only, roles, users
from builder.image.verify import shutdown as stopping
from builder.image.verify.broker import wait_for_ping
from builder.image.verify.containers import ContainerOptions, RunningContainer
from builder.image.verify.environment import make_user_environment
from builder.image.verify.observer import Observer, make_observer_options
from builder.image.verify.probes import PROBE_FOLDER, read_probe_files
from builder.image.verify.scheduler import CheckFailure, CheckPassed, NotApplicable, NotRun
from builder.image.verify.settings import format_health_url, move_health

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.airflow.model import Health, Role
    from builder.image.verify.bench import VerifyContext
    from builder.image.verify.plan import VerifyPlan

DAG_FILE = "optbuild_verify_dag.py"
_INIT_HINT = "init ended well without migrating the database: its entrypoint ignores _AIRFLOW_DB_MIGRATE or the failure"
NOT_WAITING = (
    "{role} does not wait for its database: while that does not answer, it ends with exit code {code} and has migrated "
    "nothing: give {role} `depends_on` with `condition: service_healthy` for the database; an image on a Debian base, "
    "or on one of [base] image, has an entrypoint that waits"
)


def check_starter(bench: VerifyContext, role: Role) -> CheckPassed:
    """A role that does its work and ends; the user that it is to make is there."""
    box = start_role(bench, role)
    ended = roles.wait_for_exit(box, role.name, bench.plan.timeouts.init, bench.cancelled)
    told = (ended.message, _check_migrate_command(bench, role), users.check_made_user(bench, role, box))
    return CheckPassed("; ".join(filter(None, told)))


def _check_migrate_command(bench: VerifyContext, role: Role) -> str:
    """Behind an entrypoint that swallows the migration's failure, the role's exit code proves nothing: the command
    itself is run, which says what it did. Raises CheckFailure."""
    if bench.plan.has_own_contract or not migration.is_migration_role(role):
        return ""
    words = bench.plan.release.series.migrate
    box = bench.yard.start(ContainerOptions(words, bench.environment, volumes=bench.volumes))
    roles.wait_for_exit(box, f"`airflow {' '.join(words)}`", bench.plan.timeouts.init, bench.cancelled)
    return f"`airflow {' '.join(words)}` ends with 0"


def check_failed_migration(bench: VerifyContext, role: Role) -> CheckPassed:
    """The role that migrates, on a database that cannot be."""
    executor = bench.plan.release.series.executors[0].name
    box = bench.yard.start(migration.make_broken_migration(role, bench.environment, executor))
    ours = bench.plan.has_own_contract
    return migration.check_broken_migration(role, box, bench.plan.timeouts.init, bench.cancelled, is_ours=ours)


def start_role(
    bench: VerifyContext,
    role: Role,
    files: tuple[tuple[str, bytes], ...] = (),
    variables: Mapping[str, str] | None = None,
) -> RunningContainer:
    """As a compose file would."""
    own = dict(role.environment)
    environment = {**bench.environment, **own, **make_user_environment(own, bench.user), **(variables or {})}
    hostname = bench.make_hostname(role)
    return bench.yard.start(
        ContainerOptions(
            role.command, environment, hostname=hostname, alias=role.name, files=files, volumes=bench.volumes
        )
    )


def check_migrations(bench: VerifyContext) -> CheckPassed:
    """The database is at this Airflow's revision. Starts the observer, whose first word this is."""
    plan = bench.plan
    read_only_role = read_only.make_watched_role(bench)
    watched = (*plan.servers, *(() if read_only_role is None else (read_only_role,)))
    jobs = {
        role.name: (role.health, bench.make_hostname(role)) for role in watched if isinstance(role.health, JobHealth)
    }
    seconds = 2 * plan.timeouts.role + plan.timeouts.dag + plan.timeouts.probe  # one role is started twice
    http = {
        role.name: format_health_url(bench, role, role.health, role.name)
        for role in watched
        if isinstance(role.health, HttpHealth)
    }
    dag_id = bench.dag_id if plan.scheduler else None
    asked = login.make_login_questions(bench)
    start = make_observer_options(bench.environment, jobs=jobs, http=http, login=asked, dag_id=dag_id, seconds=seconds)
    try:
        box = bench.yard.start(replace(start, volumes=bench.volumes))
        bench.observer = Observer(box)
    finally:
        bench.observer_ready.set()
    found = bench.observer.wait("migrations", plan.timeouts.probe, bench.cancelled)
    if found is None:
        bench.observer.require_running("the migrations")
        raise CheckFailure("`airflow db check-migrations` did not end", log=box.read_logs())
    if not found[0]:
        raise CheckFailure(
            f"`airflow db check-migrations` does not agree: {found[1].splitlines()[-1]}", hint=_INIT_HINT, log=found[1]
        )
    return CheckPassed("`airflow db check-migrations` agrees")


def check_server(bench: VerifyContext, role: Role) -> CheckPassed:
    """A role that stays: it does its job."""
    files, variables = _make_dag_files(bench) if role.reads_dags else ((), {})
    box = start_role(bench, role, files, variables)
    if role.health is None:
        outcome = roles.watch_role(role.name, box, bench.stop_begins, bench.cancelled)
    elif isinstance(role.health, PingHealth):
        outcome = _wait_for_ping(bench, role, box)
    else:
        health = choose_expected_health(role.health, bench.plan)
        asked = replace(role, health=move_health(bench, role, health) if isinstance(health, HttpHealth) else health)
        seconds = bench.plan.timeouts.role
        outcome = roles.wait_for_server(asked, box, bench.wait_for_observer(), seconds, bench.cancelled)
    bench.boxes[role.name] = box
    return outcome


def choose_expected_health(health: Health | None, plan: VerifyPlan) -> Health | None:
    """The health that is asked for: without a scheduler in the plan, nobody can say that it is healthy."""
    if not isinstance(health, HttpHealth) or plan.scheduler is not None:
        return health
    return replace(health, json_components=tuple(name for name in health.json_components if name != SCHEDULER.name))


def _make_dag_files(bench: VerifyContext) -> tuple[tuple[tuple[str, bytes], ...], dict[str, str]]:
    """The DAG in the dags folder, its helper beside the probes, and what it is to import."""
    [(_, dag)] = read_probe_files(DAG_FILE)
    asked = {"dag_id": bench.dag_id, "folder": PROBE_FOLDER, "distributions": bench.plan.distributions}
    return (*read_probe_files("modules.py"), (f"{bench.home}/dags/{DAG_FILE}", dag)), {
        "OPTBUILD_VERIFY": json.dumps(asked)
    }


def check_dag(bench: VerifyContext) -> CheckPassed:
    """The scheduler runs a DAG to success."""
    if missing := bench.plan.missing_dag_runner:
        why = _explain_missing_runner(bench, missing)
        raise NotApplicable(f"no role is a {missing} (switched off in the spec), so {why}")
    worker, seconds = bench.plan.worker, bench.plan.timeouts.dag
    runner = SCHEDULER.name if worker is None else worker.name
    host = None if worker is None else bench.make_hostname(worker)
    observer = bench.wait_for_observer()
    try:
        return roles.wait_for_dag(
            observer, bench.boxes[runner], seconds, bench.cancelled, runner=runner, expected_host=host
        )
    except CheckFailure:
        withdraw_ended_roles(bench)
        raise


def _explain_missing_runner(bench: VerifyContext, name: str) -> str:
    if name == SCHEDULER.name:
        return "nothing could run a DAG"
    if name == bench.plan.release.series.dag_reader:
        return "no role reads DAG files and no DAG would ever appear"
    return "tasks have nobody to report to"


def check_stop(bench: VerifyContext) -> CheckPassed:
    """The roles that work, and those that would end by themselves: these while they wait for their database."""
    servers = bench.plan.servers
    try:
        waiting, notes = _start_waiting_roles(bench)
    finally:
        bench.stop_begins.set()
    bench.wait_for_checks(tuple(role.name for role in servers if role.health is None))
    lost = {*withdraw_ended_roles(bench), *withdraw_silent_workers(bench)}
    serving = {name: box for name, box in bench.boxes.items() if name not in lost}
    seconds = bench.plan.timeouts.stop
    try:
        outcome = stopping.stop_roles({**waiting, **serving}, seconds, bench.cancelled, preparing=waiting)
    except stopping.EndedEarlyError as early:
        if not early.ended.keys() <= serving.keys():
            raise
        for name, failure in early.ended.items():  # in the moment between the two looks
            bench.withdraw(name, failure)
        raise NotRun(f"follows from {', '.join(early.ended)}: {early.message}") from early
    if servers and not serving:
        raise NotRun(f"no role runs that could be stopped; only {outcome.message}")
    return replace(outcome, notes=(*outcome.notes, *notes))


def _start_waiting_roles(bench: VerifyContext) -> tuple[dict[str, RunningContainer], tuple[str, ...]]:
    """Those that would end by themselves, each waiting for its database; and what is to be said of those that do not.

    The official entrypoint of Airflow 3 waits for some commands only, and whoever extends that image cannot change it.
    """
    boxes = {
        role.name: start_role(bench, role, variables=stopping.make_waiting_environment())
        for role in bench.plan.starters
    }
    notes: dict[str, str] = {}
    for name, box in boxes.items():
        try:
            stopping.wait_until_waiting(name, box, bench.cancelled)
        except stopping.NotWaitingError as ended:
            if bench.plan.has_own_contract:
                raise
            notes[name] = NOT_WAITING.format(role=name, code=ended.code)
    return {name: box for name, box in boxes.items() if name not in notes}, tuple(notes.values())


def withdraw_ended_roles(bench: VerifyContext) -> tuple[str, ...]:
    """A role that did its job and has ended since is not all right, however late that was. Their names."""
    ended = stopping.find_ended(bench.boxes.copy())
    for name, failure in ended.items():
        bench.withdraw(name, failure)
    return tuple(ended)


def withdraw_silent_workers(bench: VerifyContext) -> tuple[str, ...]:
    """A worker whose container stays while Celery is gone, or hangs, answers once and no more. Their names."""
    silent = []
    for role in bench.plan.servers:
        if not isinstance(role.health, PingHealth) or role.name not in bench.boxes:
            continue
        try:
            _wait_for_ping(bench, role, bench.boxes[role.name])
        except CheckFailure as failure:
            words = f"{role.name} answered once and no more: {failure.message}"
            bench.withdraw(role.name, CheckFailure(words, hint=roles.ENDED_HINT, log=failure.log))
            silent.append(role.name)
    return tuple(silent)


def _wait_for_ping(bench: VerifyContext, role: Role, box: RunningContainer) -> CheckPassed:
    app = str(bench.plan.release.series.celery_app)
    return wait_for_ping(role, app, box, bench.plan.timeouts.role, bench.cancelled)
