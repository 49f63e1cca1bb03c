"""Start every role of an image for real and check it: image and plan → report. Nothing stays behind on the engine."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from typing import TYPE_CHECKING, Any

from builder.core.errors import EngineFailedError, InterruptedByUserError, VerifyUsageError
from builder.core.redact import find_secret_values
from builder.engine.client import Engine, connect
from builder.image.verify.bench import Bench, airflow_home
from builder.image.verify.checks import STATIC_CHECKS, tasks_of
from builder.image.verify.containers import Yard
from builder.image.verify.database import choose
from builder.image.verify.environment import UNUSED, new_fernet_key, new_user, role_environment
from builder.image.verify.model import Check, Report, Status
from builder.image.verify.plan import SQLITE, VerifyPlan
from builder.image.verify.scheduler import Board, Listener, Task
from builder.image.verify.session import Session, new_owner, signals_as_errors, sweep, this_machine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from builder.core.process import Runner
    from builder.core.progress import Progress
    from builder.image.verify.environment import Database


def verify_image(
    image: str,
    plan: VerifyPlan,
    *,
    env: Mapping[str, str],
    runner: Runner,
    progress: Progress,
    cache_folder: Path,
    state_folder: Path,  # noqa: ARG001 - verification keeps no state; who promotes does
    only: Collection[str] = (),
    fail_fast: bool = False,
    listener: Listener | None = None,
) -> Report:
    """Verify ``image``, a reference or an ID.

    ``only`` names checks; what they need runs too. ``fail_fast`` ends at the first failure. Raises VerifyUsageError (no
    such image or check), ToolError (engine, mmdebstrap) and InterruptedByUserError.
    """
    started = time.monotonic()
    machine = this_machine()
    with connect(env) as engine, signals_as_errors(), engine_errors():
        if count := sweep(engine.client, machine):
            progress.note(f"removed {count} containers, networks and volumes that an earlier verification left behind")
        session = Session(engine.client, new_owner(machine, os.getpid()))
        with closing(session, progress):
            bench = _bench(
                image, plan, engine, session, only, env=env, runner=runner, progress=progress, cache=cache_folder
            )
            board = Board(_selected(tasks_of(bench), only), listener or LineListener(progress), fail_fast=fail_fast)
            bench.cancelled = board.cancelled
            checks = board.run()
            image_id = str(bench.attrs["Id"])
            return Report(image, image_id, bench.database.name, checks, time.monotonic() - started)


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
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
def closing(session: Session, progress: Progress) -> Iterator[None]:
    """Remove at the end what the session started, and say afterwards, not before, what became of it."""
    try:
        yield
        _note(progress, _removed(session))
    except InterruptedByUserError as error:
        words = _removed(session)
        raise InterruptedByUserError(f"{error.message}; {words or 'everything it started was removed'}") from error
    except BaseException:
        with contextlib.suppress(Exception):  # the first error is the one to hear about
            _note(progress, _removed(session))
        raise


def _note(progress: Progress, words: str) -> None:
    if words:
        progress.note(words)


def _removed(session: Session) -> str:
    """Empty when everything was."""
    try:
        with engine_errors():
            left = session.close().left
    except EngineFailedError as error:
        return f"what it started could not be removed ({error.message}); the next verification removes it"
    return f"the engine did not remove everything that it started; remove the rest with: {left}" if left else ""


def _bench(
    image: str,
    plan: VerifyPlan,
    engine: Engine,
    session: Session,
    only: Collection[str],
    *,
    env: Mapping[str, str],
    runner: Runner,
    progress: Progress,
    cache: Path,
) -> Bench:
    attrs = inspect(engine, image)
    home = airflow_home(attrs)
    database = UNUSED
    if not only or not set(only) <= STATIC_CHECKS:
        database = choose(plan.database, home, engine, env=env, runner=runner, progress=progress, cache_folder=cache)
    if database.note:
        progress.note(database.note)
    user = new_user()
    environment = role_environment(database, new_fernet_key(), secrets.token_hex(16))
    yard = Yard(session, engine.endpoint, str(attrs["Id"]), _find_hidden(attrs, {**environment, **user}, database))
    yard.open_network()
    dag_id = f"optbuild_verify_{session.owner.session}"
    volumes = _volumes(yard, database, home)
    return Bench(plan, attrs, engine.client, yard, database, environment, cache, dag_id, user, volumes)


def _find_hidden(attrs: Mapping[str, Any], environment: Mapping[str, str], database: Database) -> tuple[str, ...]:
    """What a container's output must not show: secrets that we give it, and those that its image brings."""
    pairs = (text.partition("=") for text in (attrs.get("Config") or {}).get("Env") or ())
    brought = {name: value for name, _, value in pairs}
    return (*find_secret_values({**brought, **environment}), *database.hidden)


def _volumes(yard: Yard, database: Database, home: str) -> tuple[tuple[str, str], ...]:
    """With sqlite the roles share AIRFLOW_HOME, where the file is."""
    return ((yard.volume(), home),) if database.name == SQLITE else ()


def inspect(engine: Engine, image: str) -> Mapping[str, object]:
    """The engine's description of the image. Raises VerifyUsageError when there is none."""
    identity = engine.image_id(image)
    if identity is None:
        raise VerifyUsageError(f"there is no image {image} on this engine", hint="build it first: optbuild build DIR")
    return dict(engine.client.images.get(identity).attrs)


def _selected(tasks: tuple[Task, ...], only: Collection[str]) -> tuple[Task, ...]:
    """The named tasks and what they need."""
    by_name = {task.name: task for task in tasks}
    if unknown := sorted(set(only) - by_name.keys()):
        raise VerifyUsageError(f"there is no check {unknown[0]}", hint=f"the checks are: {', '.join(by_name)}")
    wanted = set(only) or set(by_name)
    while more := {need for name in wanted for need in by_name[name].needs if need in by_name} - wanted:
        wanted |= more
    if wanted & {task.name for task in tasks if "migrations" in task.blames}:
        wanted.add("migrations")  # its container is the observer that the others listen to
    return tuple(task for task in tasks if task.name in wanted)


class LineListener:
    """A line per finished check."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def started(self, name: str) -> None:
        """Nothing: the line comes with the result."""

    def finished(self, check: Check) -> None:
        self._progress.note(line(check))


_WORDS = {Status.PASSED: "ok", Status.FAILED: "FAILED", Status.NOT_RUN: "not run"}


def line(check: Check) -> str:
    """``ok       webserver  12.3 s  message``"""
    return f"{_WORDS[check.status]:<8} {check.name:<16} {check.seconds:6.1f} s  {check.message}".rstrip()
