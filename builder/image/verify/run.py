"""Start every role of an image for real and check it: image and plan → report. Nothing stays behind on the engine."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

from builder.airflow.releases import find_release
from builder.core.errors import EngineFailedError, InterruptedByUserError, VerifyUsageError
from builder.core.naming import SQLITE
from builder.core.proxies import add_proxy_exceptions
from builder.core.redact import find_secret_values
from builder.engine.client import Engine, connect_engine
from builder.image.verify.bench import VerifyContext, find_airflow_home, read_image_environment
from builder.image.verify.broker import choose_broker
from builder.image.verify.checks import STATIC_CHECKS, STOP, make_check_tasks
from builder.image.verify.containers import ContainerFactory
from builder.image.verify.database import choose_database
from builder.image.verify.environment import (
    BROKER_HOST,
    DATABASE_HOST,
    NO_DATABASE,
    make_role_environment,
    make_verify_user,
)
from builder.image.verify.model import STATUS_WORDS, CheckResult, VerifyReport
from builder.image.verify.scheduler import CheckListener, CheckScheduler, CheckTask
from builder.image.verify.session import VerifySession, detect_host, make_owner, raise_on_signals, remove_dead_sessions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from builder.core.progress import Progress
    from builder.core.runtime import Runtime
    from builder.image.verify.environment import VerifyDatabase
    from builder.image.verify.plan import VerifyPlan


def verify_image(
    runtime: Runtime,
    image: str,
    plan: VerifyPlan,
    *,
    only: Collection[str] = (),
    fail_fast: bool = False,
    listener: CheckListener | None = None,
) -> VerifyReport:
    """Verify ``image``, a reference or an ID.

    ``only`` names checks; what they need runs too. ``fail_fast`` ends at the first failure. Raises VerifyUsageError (no
    such image or check), ToolError (engine, mmdebstrap) and InterruptedByUserError.
    """
    runtime.check_folders()
    started, progress = time.monotonic(), runtime.progress
    machine = detect_host()
    with connect_engine(runtime.env) as engine, raise_on_signals(), convert_engine_errors():
        if count := remove_dead_sessions(engine.client, machine):
            progress.note(f"removed {count} containers, networks and volumes that an earlier verification left behind")
        session = VerifySession(engine.client, make_owner(machine, os.getpid()))
        with close_session(session, progress):
            bench = _make_context(runtime, image, plan, engine, session, only=only)
            tasks = _select_tasks(make_check_tasks(bench), only)
            board = CheckScheduler(tasks, listener or LineListener(progress), fail_fast=fail_fast)
            bench.cancelled, bench.selected = board.cancelled, frozenset(task.name for task in tasks)
            bench.wait_for_checks, bench.withdraw = board.wait_for, board.withdraw
            if STOP not in bench.selected:
                bench.stop_begins.set()
            checks = board.run()
            image_id = str(bench.attrs["Id"])
            return VerifyReport(image, image_id, bench.database.name, checks, time.monotonic() - started)


@contextlib.contextmanager
def convert_engine_errors() -> Iterator[None]:
    """What the SDK raises when the engine refuses or goes away becomes EngineFailedError."""
    from docker.errors import DockerException  # the SDK costs 150 ms
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (DockerException, RequestException, HTTPError) as error:
        hint = "see whether the engine still answers: docker info (or: optbuild doctor)"
        raise EngineFailedError(f"the engine failed during the verification: {error}", hint=hint) from error


@contextlib.contextmanager
def close_session(session: VerifySession, progress: Progress) -> Iterator[None]:
    """Remove at the end what the session started, and say afterwards, not before, what became of it."""
    try:
        yield
        _write_note(progress, _remove_session(session))
    except InterruptedByUserError as error:
        words = _remove_session(session)
        raise InterruptedByUserError(f"{error.message}; {words or 'everything it started was removed'}") from error
    except BaseException:
        with contextlib.suppress(Exception):  # the first error is the one to report
            _write_note(progress, _remove_session(session))
        raise


def _write_note(progress: Progress, words: str) -> None:
    if words:
        progress.note(words)


def _remove_session(session: VerifySession) -> str:
    """Empty when everything was."""
    try:
        with convert_engine_errors():
            left = session.close().left
    except EngineFailedError as error:
        return f"what it started could not be removed ({error.message}); the next verification removes it"
    return f"the engine did not remove everything that it started; remove the rest with: {left}" if left else ""


def _make_context(
    runtime: Runtime, image: str, plan: VerifyPlan, engine: Engine, session: VerifySession, *, only: Collection[str]
) -> VerifyContext:
    attrs = inspect_image(engine, image)
    home = find_airflow_home(attrs)
    database = NO_DATABASE
    if plan.roles and (not only or not set(only) <= STATIC_CHECKS):
        database = choose_database(runtime, engine, plan.database, home)
    if database.note:
        runtime.progress.note(database.note)
    broker = choose_broker(runtime, engine, plan.broker if database is not NO_DATABASE else None)
    user = make_verify_user(database)
    environment = make_role_environment(database, find_release(plan.airflow), plan.roles)
    names = (DATABASE_HOST, BROKER_HOST, *(role.name for role in plan.roles))
    environment |= add_proxy_exceptions(read_image_environment(attrs), names)
    yard = ContainerFactory(
        session, engine.endpoint, str(attrs["Id"]), _find_hidden(attrs, {**environment, **user}, database)
    )
    yard.open_network()
    dag_id = f"optbuild_verify_{session.owner.session}"
    volumes = _create_volumes(yard, database, home)
    return VerifyContext(
        plan,
        attrs,
        engine.client,
        yard,
        database,
        environment,
        runtime.cache_folder,
        dag_id,
        user,
        volumes,
        broker=broker,
    )


def _find_hidden(attrs: Mapping[str, Any], environment: Mapping[str, str], database: VerifyDatabase) -> tuple[str, ...]:
    """What a container's output must not show: secrets that we give it, and those that its image brings."""
    return (*find_secret_values({**read_image_environment(attrs), **environment}), *database.hidden)


def _create_volumes(yard: ContainerFactory, database: VerifyDatabase, home: str) -> tuple[tuple[str, str], ...]:
    """With sqlite the roles share AIRFLOW_HOME, where the file is."""
    return ((yard.create_volume(), home),) if database.name == SQLITE else ()


def inspect_image(engine: Engine, image: str) -> Mapping[str, object]:
    """The engine's description of the image. Raises VerifyUsageError when there is none."""
    identity = engine.find_image_id(image)
    if identity is None:
        raise VerifyUsageError(f"there is no image {image} on this engine", hint="build it first: optbuild build DIR")
    return dict(engine.client.images.get(identity).attrs)


def _select_tasks(tasks: tuple[CheckTask, ...], only: Collection[str]) -> tuple[CheckTask, ...]:
    """The named tasks and what they need, before them or beside them."""
    by_name = {task.name: task for task in tasks}
    if unknown := sorted(set(only) - by_name.keys()):
        raise VerifyUsageError(f"there is no check {unknown[0]}", hint=f"the checks are: {', '.join(by_name)}")
    wanted = set(only) or set(by_name)
    while more := {need for name in wanted for need in by_name[name].required if need in by_name} - wanted:
        wanted |= more
    return tuple(task for task in tasks if task.name in wanted)


class LineListener:
    """A line per finished check, and one per warning and note."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def report_started(self, name: str) -> None:
        """Nothing: the line comes with the result."""

    def report_finished(self, check: CheckResult) -> None:
        self._progress.note(format_check_line(check))
        for warning in check.warnings:
            self._progress.note(f"warning: {check.name}: {warning}")
        for note in check.notes:
            self._progress.note(f"note: {check.name}: {note}")

    def report_waiting(self, names: Sequence[str]) -> None:
        """A line, so that nobody wonders."""
        self._progress.note(f"running  {', '.join(names)}")


def format_check_line(check: CheckResult) -> str:
    """``ok       webserver  12.3 s  message``"""
    return f"{STATUS_WORDS[check.status]:<8} {check.name:<16} {check.seconds:6.1f} s  {check.message}".rstrip()
