"""What optimize and rollback share: one of them per project at a time, and first the rest of a run that was killed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from builder.core.errors import EngineMissingError
from builder.core.files import hold_lock
from builder.engine.secrets import find_secrets
from builder.rollout.context import RolloutContext
from builder.rollout.undo import recover_run
from builder.rollout.wait import WaitLimits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import ProjectFiles
    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.engine.compose import ComposeCli


def make_rollout_context(runtime: Runtime, cli: ComposeCli, engine: Engine | None, timeout: float) -> RolloutContext:
    """What the stages of a rollout are given."""
    from builder.engine.compose_containers import StackEngine  # the SDK

    return RolloutContext(
        runtime,
        engine=None if engine is None else StackEngine(engine),
        compose=cli.argv,
        limits=WaitLimits(timeout=timeout),
        hidden=find_secrets(runtime.env).list_masked_texts(),
    )


@contextlib.contextmanager
def connect_if_available(runtime: Runtime) -> Iterator[tuple[Engine | None, EngineMissingError | None]]:
    """The engine, or why there is none: a file alone can be changed and restored without one."""
    from builder.engine.client import connect_engine  # the SDK

    try:
        engine = connect_engine(runtime.env)
    except EngineMissingError as error:
        yield None, error
        return
    with engine:
        yield engine, None


@contextlib.contextmanager
def lock_compose_project(context: RolloutContext, files: ProjectFiles, purpose: str) -> Iterator[None]:
    """The second one waits, and says for whom."""

    def say(holder: str) -> None:
        context.runtime.progress.note(
            f"waiting: one optimize or rollback of {files.directory} at a time, and this one is running: {holder}"
        )

    with hold_lock(context.lock(files), f"{purpose} of {files.directory}", on_wait=say):
        yield


def recover_killed_run(context: RolloutContext, files: ProjectFiles) -> bool:
    """Finish or undo what a killed run left, and say so. Whether something was undone."""
    done = recover_run(context, files)
    if done is not None:
        context.runtime.progress.note(done.words)
    return done is not None and done.undone
