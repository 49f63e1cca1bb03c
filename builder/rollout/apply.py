"""Applies a plan to files, image names and the running stack. Whatever fails half way, everything is put back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builder.core.errors import (
    CheckFailedError,
    EngineFailedError,
    InterruptedByUserError,
    OptbuildError,
    RolledBackError,
    StackError,
    ToolError,
)
from builder.core.interrupts import allow_restoring
from builder.rollout.containers import (
    collect_service_records,
    find_completing_services,
    find_dependencies,
    split_into_steps,
)
from builder.rollout.file_swap import find_hard_links, make_file_record, replace_files
from builder.rollout.history import choose_previous
from builder.rollout.journal import Journal, Phase
from builder.rollout.journal_file import read_journal, write_journal
from builder.rollout.replaced_images import find_replaced_images
from builder.rollout.restart import Downtime, restart_services
from builder.rollout.shared_image import JournalWriter, collect_recipes, collect_tags, provide_image
from builder.rollout.undo import finish_commit, undo_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.engine.protocols import ProjectEngine
    from builder.rollout.context import RolloutContext
    from builder.rollout.request import ImageBuilders, RolloutRequest

GOES_ON = (
    "interrupted: files, image names and containers are put back now, which may take a minute; "
    "one more Ctrl-C stops that half way"
)
HALF_WAY = "interrupted while files, image names and containers were put back: some are, some are not"
LEFTOVERS_HINT = "the next `optbuild optimize` or `rollback` tidies up"


@dataclass(frozen=True)
class ApplyResult:
    """What was done."""

    journal: Journal
    images: Mapping[str, str]
    """Target image → its ID now; empty with ``file_only``."""
    downtime: Mapping[str, Downtime] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"wrote {', '.join(str(edit.path) for edit in self.journal.edits)}"] * bool(self.journal.edits)
        parts += [f"{reference} is the shared image" for reference in self.images]
        parts += [f"restarted {', '.join(sorted(self.downtime))}"] * bool(self.downtime)
        return "; ".join(parts)


def apply_plan(context: RolloutContext, work: RolloutRequest, builders: ImageBuilders) -> ApplyResult:
    """Do it. The caller holds the project's lock and has recovered what an earlier run left.

    Raises what went wrong, after everything was put back: RolledBackError and other CheckFailedErrors (exit 1),
    ToolError (3), InterruptedByUserError (130). Files that cannot be replaced are refused before anything is done.
    """
    journal = _make_journal(context, work, builders)
    for path in find_hard_links(journal.edits):
        context.runtime.progress.note(f"warning: {path} has a second name (hard link), which keeps the old bytes")
    opened = context.opened(work.project.files)
    write_journal(opened, journal)
    run = _PlanRun(context, work, builders, journal)
    with _undo_on_failure(context, run):
        done = run.execute()
    with explain_late_interrupt(done, f"; {LEFTOVERS_HINT}"):
        _finish_run(context, done.journal)
    return done


@contextlib.contextmanager
def explain_late_interrupt(done: ApplyResult, left: str = "") -> Iterator[None]:
    """Around what follows: who interrupts that hears that everything was done."""
    try:
        yield
    except (KeyboardInterrupt, InterruptedByUserError) as stop:
        raise InterruptedByUserError(
            f"interrupted after everything was done: {done}{left}", hint="`optbuild rollback` undoes it"
        ) from stop


def _finish_run(context: RolloutContext, journal: Journal) -> None:
    """A failure here is not a failure of the run."""
    try:
        finish_commit(context, journal)
    except (OptbuildError, OSError) as error:
        context.runtime.progress.note(
            f"warning: everything is done, but not tidied up: {_format_error(error)}; {LEFTOVERS_HINT}"
        )


def _make_journal(context: RolloutContext, work: RolloutRequest, builders: ImageBuilders) -> Journal:
    """What is now, for the way back."""
    engine = None if work.file_only else context.engine
    edits = tuple(make_file_record(edit, work.run) for edit in work.edits if edit.changes)
    completing = tuple(sorted(find_completing_services(work.project) & set(work.affected)))
    project = work.project
    return Journal(
        run=work.run,
        files=project.files,
        project=project.name,
        engine="" if engine is None else engine.identity,
        phase=Phase.PREPARED,
        at=context.clock.now(),
        edits=edits,
        tags=() if engine is None else collect_tags(engine, work, builders),
        services=()
        if engine is None
        else collect_service_records(
            engine.list_containers(project.name), work.affected, completing, context.clock.now()
        ),
        completing=completing,
        steps=split_into_steps(project, work.affected),
        needs={name: find_dependencies(project, name) for name in work.affected},
        recipes=collect_recipes(work),
        replaced=() if engine is None else find_replaced_images(engine, project, work.affected),
        known=() if engine is None else tuple(sorted(engine.list_all_images())),
        previous=choose_previous(read_journal(context.committed(project.files)), edits=bool(edits)),
    )


@contextlib.contextmanager
def _undo_on_failure(context: RolloutContext, run: _PlanRun) -> Iterator[None]:
    """An error or a signal inside the block: put everything back, then say what failed and what stands."""
    try:
        yield
    except BaseException as error:
        if run.done is not None:
            with explain_late_interrupt(run.done, f"; {LEFTOVERS_HINT}"):
                raise
        if isinstance(error, KeyboardInterrupt | InterruptedByUserError):
            context.runtime.progress.note(GOES_ON)
        journal = run.ledger.journal
        try:
            now = read_journal(context.opened(journal.files)) or journal  # the disk may be a step ahead
            with allow_restoring():
                standing = f"{undo_run(context, now)}. Files, image names and containers are as they were"
        except (KeyboardInterrupt, InterruptedByUserError) as second:
            raise InterruptedByUserError(HALF_WAY, hint="`optbuild rollback` goes on from there") from second
        except (OptbuildError, OSError) as second:
            raise _make_undo_error(error, second) from error
        if (told := _restate_error(error, standing)) is None:
            context.runtime.progress.note(standing)
            raise
        raise told from error


def _make_undo_error(error: BaseException, second: OptbuildError | OSError) -> StackError:
    """The way back is blocked too; the journal stays, for the next command."""
    message = f"{_format_error(error)}; and putting things back failed: {_format_error(second)}"
    hint = "`optbuild rollback` tries again"
    if isinstance(second, OptbuildError):
        return StackError(message, where=second.where, hint=second.hint or hint)
    return StackError(message, hint=hint)


def _format_error(error: BaseException) -> str:
    return error.message if isinstance(error, OptbuildError) else str(error) or type(error).__name__


def _restate_error(error: BaseException, standing: str) -> OptbuildError | None:
    """The same failure, with what stands now, and the exit code that fits; None: no failure that we know."""
    if isinstance(error, KeyboardInterrupt | InterruptedByUserError):
        return InterruptedByUserError(f"interrupted; {standing}")
    if isinstance(error, CheckFailedError | StackError):
        return RolledBackError(f"{error.message}\n  {standing}", hint=error.hint)
    if isinstance(error, ToolError):
        return EngineFailedError(f"{error.message}\n  {standing}", hint=error.hint)
    if isinstance(error, OptbuildError):
        return type(error)(f"{error.message}\n  {standing}", where=error.where, hint=error.hint)
    return None


class _PlanRun:
    """One run under way."""

    def __init__(
        self, context: RolloutContext, work: RolloutRequest, builders: ImageBuilders, journal: Journal
    ) -> None:
        self.context = context
        self.work = work
        self.builders = builders
        self.ledger = JournalWriter(context, journal)
        self.done: ApplyResult | None = None
        """Once it is committed."""

    def execute(self) -> ApplyResult:
        engine = None if self.work.file_only else self.context.engine
        images = {} if engine is None else self._provide_images(engine)
        self.ledger.note(Phase.WRITING)
        replace_files(self.ledger.journal.edits)
        downtime = {} if engine is None else self._restart_services(engine)
        return self._commit(images, downtime)

    def _provide_images(self, engine: ProjectEngine) -> Mapping[str, str]:
        """Every image is there and proven before the first name moves."""
        ledger, work = self.ledger, self.work
        found = {target.image: provide_image(ledger, work, self.builders, engine, target) for target in work.targets}
        ledger.note(Phase.TAGGING)
        for reference, image in found.items():
            ledger.change(ledger.journal.with_tag(reference, image))
            if engine.find_image_id(reference) != image:
                engine.tag(image, reference)
        return found

    def _restart_services(self, engine: ProjectEngine) -> Mapping[str, Downtime]:
        """What runs now: the build may have taken an hour."""
        journal = self.ledger.journal
        records = collect_service_records(
            engine.list_containers(journal.project), self.work.affected, journal.completing, self.context.clock.now()
        )
        self.ledger.change(replace(journal, phase=Phase.RESTARTING, services=records))
        return restart_services(self.context, engine, self.ledger.journal, records) if records else {}

    def _commit(self, images: Mapping[str, str], downtime: Mapping[str, Downtime]) -> ApplyResult:
        journal = replace(self.ledger.journal, phase=Phase.COMMITTED, known=())
        write_journal(self.context.committed(journal.files), journal)
        self.done = ApplyResult(journal, images, downtime)
        return self.done
