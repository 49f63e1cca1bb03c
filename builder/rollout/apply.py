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
from builder.rollout.containers import completing_services, needs_of, records_of, steps_of
from builder.rollout.file_swap import hard_links, record, write_all
from builder.rollout.history import before_this
from builder.rollout.journal import Journal, Phase
from builder.rollout.journal_file import read_journal, write_journal
from builder.rollout.replaced_images import replaced_by
from builder.rollout.restart import Downtime, restart
from builder.rollout.shared_image import Ledger, image_for, recipes_of, tags_of
from builder.rollout.undo import finish, undo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.engine.protocols import ProjectEngine
    from builder.rollout.context import Outside
    from builder.rollout.request import Hands, Work

LEFT = "the next `optbuild optimize` or `rollback` tidies up"


@dataclass(frozen=True)
class Applied:
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


def apply(outside: Outside, work: Work, hands: Hands) -> Applied:
    """Do it. The caller holds the project's lock and has recovered what an earlier run left.

    Raises what went wrong, after everything was put back: RolledBackError and other CheckFailedErrors (exit 1),
    ToolError (3), InterruptedByUserError (130). Files that cannot be replaced are refused before anything is done.
    """
    journal = _begin(outside, work, hands)
    for path in hard_links(journal.edits):
        outside.progress.note(f"warning: {path} has a second name (hard link), which keeps the old bytes")
    opened = outside.opened(work.project.files)
    write_journal(opened, journal)
    run = _Run(outside, work, hands, journal)
    with _undoing(outside, run):
        done = run.carry_out()
    with done_already(done, f"; {LEFT}"):
        _tidy(outside, done.journal)
    return done


@contextlib.contextmanager
def done_already(done: Applied, left: str = "") -> Iterator[None]:
    """Around what follows: who interrupts that hears that everything was done."""
    try:
        yield
    except (KeyboardInterrupt, InterruptedByUserError) as stop:
        raise InterruptedByUserError(
            f"interrupted, when all was done: {done}{left}", hint="`optbuild rollback` undoes it"
        ) from stop


def _tidy(outside: Outside, journal: Journal) -> None:
    """What fails here is no failure of the run."""
    try:
        finish(outside, journal)
    except (OptbuildError, OSError) as error:
        outside.progress.note(f"warning: all is done, but not tidied up: {_words(error)}; {LEFT}")


def _begin(outside: Outside, work: Work, hands: Hands) -> Journal:
    """What is now, for the way back."""
    engine = None if work.file_only else outside.engine
    edits = tuple(record(edit, work.run) for edit in work.edits if edit.changes)
    completing = tuple(sorted(completing_services(work.project) & set(work.affected)))
    project = work.project
    return Journal(
        run=work.run,
        files=project.files,
        project=project.name,
        engine="" if engine is None else engine.identity,
        phase=Phase.PREPARED,
        at=outside.clock.now(),
        edits=edits,
        tags=() if engine is None else tags_of(engine, work, hands),
        services=()
        if engine is None
        else records_of(engine.containers(project.name), work.affected, completing, outside.clock.now()),
        completing=completing,
        steps=steps_of(project, work.affected),
        needs={name: needs_of(project, name) for name in work.affected},
        recipes=recipes_of(work),
        replaced=() if engine is None else replaced_by(engine, project, work.affected),
        known=() if engine is None else tuple(sorted(engine.all_images())),
        previous=before_this(read_journal(outside.committed(project.files)), edits=bool(edits)),
    )


@contextlib.contextmanager
def _undoing(outside: Outside, run: _Run) -> Iterator[None]:
    """An error or a signal inside the block: put everything back, then say what failed and what stands."""
    try:
        yield
    except BaseException as error:
        if run.done is not None:
            with done_already(run.done, f"; {LEFT}"):
                raise
        journal = run.ledger.journal
        try:
            now = read_journal(outside.opened(journal.files)) or journal  # the disk may be a step ahead
            standing = f"{undo(outside, now)}. Files, image names and containers are as they were"
        except (OptbuildError, OSError) as second:
            raise _stuck(error, second) from error
        if (told := _retold(error, standing)) is None:
            outside.progress.note(standing)
            raise
        raise told from error


def _stuck(error: BaseException, second: OptbuildError | OSError) -> StackError:
    """The way back is blocked too; the journal stays, for the next command."""
    message = f"{_words(error)}; and putting things back failed: {_words(second)}"
    hint = "`optbuild rollback` tries again"
    if isinstance(second, OptbuildError):
        return StackError(message, where=second.where, hint=second.hint or hint)
    return StackError(message, hint=hint)


def _words(error: BaseException) -> str:
    return error.message if isinstance(error, OptbuildError) else str(error) or type(error).__name__


def _retold(error: BaseException, standing: str) -> OptbuildError | None:
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


class _Run:
    """One run under way."""

    def __init__(self, outside: Outside, work: Work, hands: Hands, journal: Journal) -> None:
        self.outside = outside
        self.work = work
        self.hands = hands
        self.ledger = Ledger(outside, journal)
        self.done: Applied | None = None
        """Once it is committed."""

    def carry_out(self) -> Applied:
        engine = None if self.work.file_only else self.outside.engine
        images = {} if engine is None else self._images(engine)
        self.ledger.note(Phase.WRITING)
        write_all(self.ledger.journal.edits)
        downtime = {} if engine is None else self._restart(engine)
        return self._commit(images, downtime)

    def _images(self, engine: ProjectEngine) -> Mapping[str, str]:
        """Every image is there and proven before the first name moves."""
        ledger, work = self.ledger, self.work
        found = {target.image: image_for(ledger, work, self.hands, engine, target) for target in work.targets}
        ledger.note(Phase.TAGGING)
        for reference, image in found.items():
            ledger.change(ledger.journal.with_tag(reference, image))
            if engine.image_id(reference) != image:
                engine.tag(image, reference)
        return found

    def _restart(self, engine: ProjectEngine) -> Mapping[str, Downtime]:
        """What runs now: the build may have taken an hour."""
        journal = self.ledger.journal
        records = records_of(
            engine.containers(journal.project), self.work.affected, journal.completing, self.outside.clock.now()
        )
        self.ledger.change(replace(journal, phase=Phase.RESTARTING, services=records))
        return restart(self.outside, engine, self.ledger.journal, records) if records else {}

    def _commit(self, images: Mapping[str, str], downtime: Mapping[str, Downtime]) -> Applied:
        journal = replace(self.ledger.journal, phase=Phase.COMMITTED, known=())
        write_journal(self.outside.committed(journal.files), journal)
        self.done = Applied(journal, images, downtime)
        return self.done
