"""What `optbuild rollback` does: finish or undo a run that was killed, else undo the last one."""

from __future__ import annotations

import os.path
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import UnrecordedRunError
from builder.engine.compose import find_compose
from builder.operations.plan import find_project
from builder.operations.project_lock import (
    connect_if_available,
    lock_compose_project,
    make_rollout_context,
    recover_killed_run,
)
from builder.rollout.file_swap import find_newest_backup
from builder.rollout.journal_file import read_journal
from builder.rollout.undo import check_rollback, roll_back_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.compose.model import ProjectFiles
    from builder.core.runtime import Runtime
    from builder.operations.plan import PlanOptions
    from builder.rollout.context import RolloutContext
    from builder.rollout.journal import Journal
    from builder.rollout.undo import UndoResult


@dataclass(frozen=True)
class UndoneRun:
    """``undone`` None: nobody agreed to it. ``earlier`` is the run that can be undone next."""

    undone: UndoResult | None
    earlier: Journal | None


def undo_last_run(
    runtime: Runtime, options: PlanOptions, timeout: float, agree: Callable[[Journal | None], bool]
) -> UndoneRun | None:
    """None: a run that was killed was undone instead, or none is recorded. Raises UnrecordedRunError where none is, and
    a file has a backup beside it.

    ``agree`` is asked with the journal of the run that would be undone, None where there is none, before anything is
    changed. Raises EngineMissingError where a run to be undone needs an engine and there is none.
    """
    files, _ = find_project(runtime, options)
    cli = find_compose(runtime.runner, runtime.env)
    with connect_if_available(runtime) as (engine, missing):
        context = make_rollout_context(runtime, cli, engine, timeout)
        with lock_compose_project(context, files, "rollback"):
            if missing is not None and _needs_engine(context, files):
                raise missing
            return None if recover_killed_run(context, files) else _undo(context, files, agree)


def _needs_engine(context: RolloutContext, files: ProjectFiles) -> bool:
    journals = (read_journal(path) for path in (context.opened(files), context.committed(files)))
    return any(journal is not None and journal.engine for journal in journals)


def _undo(context: RolloutContext, files: ProjectFiles, agree: Callable[[Journal | None], bool]) -> UndoneRun | None:
    journal = read_journal(context.committed(files))
    if journal is None:
        _refuse_unrecorded_run(files)
        agree(None)
        return None
    check_rollback(context, journal)
    undone = roll_back_run(context, journal) if agree(journal) else None
    return UndoneRun(undone, journal.previous)


def _refuse_unrecorded_run(files: ProjectFiles) -> None:
    for path in files.files:
        if (backup := find_newest_backup(path.resolve())) is not None:
            names = (os.path.relpath(one, files.directory) for one in (path.resolve(), backup))
            raise UnrecordedRunError(*names)
