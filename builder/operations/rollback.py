"""What `optbuild rollback` does: finish or undo a run that was killed, else undo the last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.operations.plan import find_project
from builder.operations.project_lock import engine_if_any, one_at_a_time, outside_of, recovered

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.compose.model import ProjectFiles
    from builder.core.runtime import Runtime
    from builder.operations.plan import PlanOptions
    from builder.rollout.context import Outside
    from builder.rollout.journal import Journal
    from builder.rollout.undo import Undone


@dataclass(frozen=True)
class UndoneRun:
    """``undone`` None: nobody agreed to it. ``earlier`` is the run that can be undone next."""

    undone: Undone | None
    earlier: Journal | None


def undo_last_run(
    runtime: Runtime, options: PlanOptions, timeout: float, agree: Callable[[Journal | None], bool]
) -> UndoneRun | None:
    """None: a run that was killed was undone instead, or none is recorded.

    ``agree`` is asked with the journal of the run that would be undone, None where there is none, before anything is
    changed. Raises EngineMissingError where a run to be undone needs an engine and there is none.
    """
    from builder.engine.compose import find_compose

    files, _ = find_project(runtime, options)
    cli = find_compose(runtime.runner, runtime.env)
    with engine_if_any(runtime) as (engine, missing):
        outside = outside_of(runtime, cli, engine, timeout)
        with one_at_a_time(outside, files, "rollback"):
            if missing is not None and _needs_engine(outside, files):
                raise missing
            return None if recovered(outside, files) else _undo(outside, files, agree)


def _needs_engine(outside: Outside, files: ProjectFiles) -> bool:
    from builder.rollout.journal_file import read_journal

    journals = (read_journal(path) for path in (outside.opened(files), outside.committed(files)))
    return any(journal is not None and journal.engine for journal in journals)


def _undo(outside: Outside, files: ProjectFiles, agree: Callable[[Journal | None], bool]) -> UndoneRun | None:
    from builder.rollout.journal_file import read_journal
    from builder.rollout.undo import check_possible, roll_back

    journal = read_journal(outside.committed(files))
    if journal is None:
        agree(None)
        return None
    check_possible(outside, journal)
    undone = roll_back(outside, journal) if agree(journal) else None
    return UndoneRun(undone, journal.previous)
