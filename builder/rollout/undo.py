"""Undoing a run: names, files, containers, in an order in which a kill at any point leaves something to undo again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.errors import CheckFailedError, EditedSinceError, StackError, Where
from builder.core.naming import BACKUP_SUFFIX
from builder.rollout.containers import collect_service_records
from builder.rollout.file_swap import find_edited_files, remove_backups, restore_files
from builder.rollout.history import find_irreplaceable_images
from builder.rollout.journal import Phase, mark_undoing
from builder.rollout.journal_file import read_journal, remove_journal, remove_leftovers, write_journal
from builder.rollout.orphans import ORPHAN_TURN_SECONDS, wait_for_orphans
from builder.rollout.promotions import forget_promotions
from builder.rollout.restart import Downtime, restart_services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import ProjectFiles
    from builder.core.progress import Progress
    from builder.engine.protocols import ProjectEngine
    from builder.rollout.context import RolloutContext
    from builder.rollout.journal import Journal, ServiceRecord, TagRecord

SETTLE_SECONDS = 120.0
"""The same for a container that was told to end: longer than most grace periods."""


@dataclass(frozen=True)
class UndoResult:
    """What was put back."""

    files: tuple[Path, ...] = ()
    references: tuple[str, ...] = ()
    downtime: Mapping[str, Downtime] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"restored {', '.join(str(file) for file in self.files)}"] if self.files else []
        parts += [f"put back the name{'s' * (len(self.references) > 1)} {', '.join(self.references)}"] * bool(
            self.references
        )
        parts += [f"restarted {', '.join(self.downtime)} from the old image"] * bool(self.downtime)
        return "; ".join(parts) or "nothing had been changed"


@dataclass(frozen=True)
class Recovery:
    """What was done about a run that was killed. ``undone``: else it was finished."""

    words: str
    undone: bool


def recover_run(context: RolloutContext, files: ProjectFiles, proc: Path = Path("/proc")) -> Recovery | None:
    """Finish or undo a run that was killed; None: there was none. The caller holds the project's lock.

    Raises CheckFailedError for another engine, EditedSinceError and StackError; the journal stays then, and the next
    command tries again.
    """
    opened, committed = context.opened(files), context.committed(files)
    for path in (opened, committed, context.overlay(files)):
        remove_leftovers(path)
    journal = read_journal(opened)
    if journal is None:
        return None
    wait_for_orphans(context, journal.run, proc)
    context.overlay(files).unlink(missing_ok=True)
    done = read_journal(committed)
    if journal.phase is not Phase.UNDOING and done is not None and done.run == journal.run:
        finish_commit(context, journal)
        return Recovery("an optimize was killed after its stack was up: it is finished now", undone=False)
    what = "a rollback" if journal.current is not None else "an optimize"
    return Recovery(f"{what} was killed half way ({journal.phase}): {undo_run(context, journal)}", undone=True)


def finish_commit(context: RolloutContext, journal: Journal) -> None:
    """What follows the commit: names that were only passing go, and with them the open journal. Raises CheckFailedError
    where another engine has them."""
    passing = tuple(tag for tag in journal.tags if tag.passing)
    if passing and (engine := _select_engine(context, journal)) is not None:
        for tag in passing:
            _remove_name(context.runtime.progress, engine, tag, journal)
    remove_journal(context.opened(journal.files))


def roll_back_run(context: RolloutContext, journal: Journal) -> UndoResult:
    """Undo the committed run. Raises what :func:`check_rollback` does before anything is touched, StackError half way.
    A run that used no engine is undone without one: whatever runs meanwhile, the files alone are put back."""
    check_rollback(context, journal)
    current: tuple[ServiceRecord, ...] = ()
    if (engine := _select_engine(context, journal)) is not None:
        names = [name for step in journal.steps for name in step]
        current = collect_service_records(
            engine.list_containers(journal.project), names, journal.completing, context.clock.now()
        )
    return undo_run(context, replace(journal, current=current))


def undo_run(context: RolloutContext, journal: Journal) -> UndoResult:
    """Put back what a run changed, as far as it came; then its journal goes."""
    engine, progress = _select_engine(context, journal), context.runtime.progress
    _check_unedited(journal)
    write_journal(context.opened(journal.files), mark_undoing(journal))
    references = _restore_names(progress, engine, journal) if engine else ()
    if engine is not None:
        forget_promotions(context.runtime.state_folder, engine.identity, journal.tags)
    files = restore_files(journal.edits)
    downtime = _restart_services(context, engine, journal) if engine and journal.restarted else {}
    if engine is not None:
        for tag in journal.tags:
            if tag.before is None:
                _remove_name(progress, engine, tag, journal)
        _remove_unnamed_images(engine, journal)
    remove_backups(journal.edits)
    _restore_previous_journal(context.committed(journal.files), journal)
    remove_journal(context.opened(journal.files))
    return UndoResult(files, references, downtime)


def _restore_previous_journal(committed: Path, journal: Journal) -> None:
    """The run before this one is the last now. One that never was committed leaves the last as it is."""
    done = read_journal(committed)
    if done is None or done.run != journal.run:
        return
    if journal.previous is None:
        remove_journal(committed)
    else:
        write_journal(committed, journal.previous)


def check_rollback(context: RolloutContext, journal: Journal) -> None:
    """Raises CheckFailedError for another engine and for an image that is gone for good, EditedSinceError for a file
    that somebody went on working on."""
    engine = _select_engine(context, journal)
    _check_unedited(journal)
    if engine is not None:
        _check_images(engine, journal)


def _select_engine(context: RolloutContext, journal: Journal) -> ProjectEngine | None:
    """The one that the run used; None: it used none, and who undoes it does not either. Raises CheckFailedError where
    that one does not answer."""
    if not journal.engine:
        return None
    if context.engine is None or context.engine.identity != journal.engine:
        now = "no engine answers" if context.engine is None else "another engine answers"
        raise CheckFailedError(
            f"{now} now: the last optimize changed images and containers of the engine that answered then",
            hint="set DOCKER_HOST or DOCKER_CONTEXT as it was then, and try again; if that engine is gone for good, "
            f"move {_find_journal_path(context, journal)} away, and compare the files with the {BACKUP_SUFFIX} beside "
            "them",
        )
    return context.engine


def _find_journal_path(context: RolloutContext, journal: Journal) -> Path:
    opened = context.opened(journal.files)
    return opened if opened.exists() else context.committed(journal.files)


def _check_unedited(journal: Journal) -> None:
    if edited := find_edited_files(journal.edits):
        by_path = {edit.path: edit for edit in journal.edits}
        backup = by_path[edited[0]].backup
        raise EditedSinceError(
            "was edited since optimize wrote it; the old bytes would overwrite that",
            where=Where(str(edited[0])),
            hint=f"compare it with {backup}; to keep the edits, take `image:` and `pull_policy:` out by hand and put "
            "`build:` back; to drop them, undo the edits first, then `optbuild rollback`",
        )


def _check_images(engine: ProjectEngine, journal: Journal) -> None:
    """Half of a rollback would leave the new image running under the old name."""
    for image, name in find_irreplaceable_images(journal).items():
        if engine.find_image_id(image) is None:
            raise CheckFailedError(
                f"{name} cannot become what it was before: {image} was removed, and nothing builds it again",
                hint="bring it back with `optbuild restore` if you have a backup. `optbuild optimize --rebuild` makes "
                "another rollback possible: to the image of today, and from there to the files as they were",
            )


def _restore_names(progress: Progress, engine: ProjectEngine, journal: Journal) -> tuple[str, ...]:
    """Names that pointed elsewhere before. One that somebody else moved meanwhile is left alone."""
    back = []
    for tag in journal.tags:
        now = engine.find_image_id(tag.reference)
        if tag.before is None or now == tag.before:
            continue
        if now is not None and now not in _collect_own_images(engine, journal):
            progress.note(f"warning: {tag.reference} was moved by somebody else meanwhile and is left as it is")
        elif engine.find_image_id(tag.before) is None:
            progress.note(f"warning: {tag.reference} cannot be put back: its image {tag.before} is gone")
        else:
            engine.tag(tag.before, tag.reference)
            back.append(tag.reference)
    return tuple(back)


def _collect_own_images(engine: ProjectEngine, journal: Journal) -> frozenset[str]:
    """Images that this run gave names to; what it built has a passing name, also before it is written down."""
    passing = {engine.find_image_id(tag.reference) for tag in journal.tags if tag.passing}
    return journal.moved | {image for image in passing if image is not None}


def _restart_services(context: RolloutContext, engine: ProjectEngine, journal: Journal) -> Mapping[str, Downtime]:
    """Those services whose containers are not what they were; all of them where the run had been committed. Not for a
    run that did not come to its restarts: what is different then was changed by a person."""
    _wait_for_containers(context, engine, journal)
    records = _find_changed_services(engine, journal) if journal.current is None else journal.current
    if not records:
        return {}
    images = {one.image_id for record in journal.services for one in record.containers}
    gone = sorted(image for image in images if engine.find_image_id(image) is None)
    if gone:
        context.runtime.progress.note("old images were removed since: Compose builds them again")
    try:
        return restart_services(context, engine, journal, records, build=bool(gone) or journal.current is not None)
    except StackError as error:
        again = "the files are as they were; fix the service, then `optbuild rollback` continues"
        raise StackError(f"the old stack did not come up again: {error.message}", hint=again) from error


def _wait_for_containers(context: RolloutContext, engine: ProjectEngine, journal: Journal) -> None:
    """An interrupted Compose leaves containers that are about to end, and new ones beside those that they replace."""
    now = context.clock.now()
    since, end = max(journal.at, now - SETTLE_SECONDS), now + SETTLE_SECONDS
    while engine.find_stopping_containers(journal.project, since, context.clock.now()) and context.clock.now() < end:
        context.clock.sleep(ORPHAN_TURN_SECONDS)
    engine.remove_unfinished_containers(journal.project)


def _find_changed_services(engine: ProjectEngine, journal: Journal) -> tuple[ServiceRecord, ...]:
    """Services whose containers are others than before, or run no longer, or run now and did not."""
    now = engine.list_containers(journal.project)

    def same(record: ServiceRecord) -> bool:
        states = {one.id: one.running for one in now if one.service == record.name}
        return states == {one.id: one.running for one in record.containers}

    return tuple(record for record in journal.services if not same(record))


def _remove_name(progress: Progress, engine: ProjectEngine, tag: TagRecord, journal: Journal) -> None:
    """Away with a name that this run made. The last name of an image goes only with an image that this run made."""
    image = engine.find_image_id(tag.reference)
    if image is None:
        return
    if image not in _collect_own_images(engine, journal):
        if tag.after is not None:
            progress.note(f"warning: {tag.reference} was moved by somebody else meanwhile and is left as it is")
    elif len(engine.list_references(image)) > 1:
        engine.untag(tag.reference)
    elif not _is_made_by_run(journal, tag, image) or image in engine.list_used_images() or not engine.remove(image):
        progress.note(f"{tag.reference} stays: it is the last name of its image, which is not ours to delete")


def _remove_unnamed_images(engine: ProjectEngine, journal: Journal) -> None:
    """What this run made and what lost its last name to the old image: nothing else would ever say whose it is."""
    for image in journal.made:
        if (
            engine.find_image_id(image) is not None
            and not engine.list_references(image)
            and image not in engine.list_used_images()
        ):
            engine.remove(image)


def _is_made_by_run(journal: Journal, tag: TagRecord, image: str) -> bool:
    """Also where the run was killed before it wrote down what it had built."""
    return image in journal.made or (tag.passing and bool(journal.known) and image not in journal.known)
