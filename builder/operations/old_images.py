"""The old images after an optimize: what they hold, which of them may go, and their removal where it was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.core.errors import OptbuildError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.compose.model import Target
    from builder.compose.planned import Planned
    from builder.core.runtime import Runtime
    from builder.engine.layers import ImageLayers
    from builder.operations.snapshot import StoreWorld
    from builder.rollout.context import Outside
    from builder.rollout.journal import Journal
    from builder.rollout.replaced_images import OldImage
    from builder.rollout.result import Outcome
    from builder.store.clean import Choice, Cleaned


def with_old_images(
    runtime: Runtime,
    outside: Outside,
    journal: Journal,
    outcome: Outcome,
    planned: Planned,
    *,
    asked: bool,
    before: int | None = None,
) -> Outcome:
    """The old images and the bytes: named, and removed where the person asked for it. The optimize itself is done: what
    fails here is said and changes nothing. ``before``: what :func:`bytes_here` said when it began, for the journal.
    """
    from builder.engine.socket_client import look
    from builder.operations.snapshot import StoreOptions, StoreWorld

    if outside.engine is None:
        return outcome
    try:
        with look(runtime.env) as found:
            options = replace(StoreOptions.of(journal.files), spec=planned.choices.spec_folder)
            store = StoreWorld(runtime, options, found, strict=True)
            outcome = _measured(store, outside, journal, outcome, asked=asked)
            if before is not None:
                _record(store, outside, journal, before)
            return outcome
    except (OptbuildError, OSError) as error:
        runtime.progress.note(f"nothing more was done about the old images: {error}")
        return outcome


def bytes_here(runtime: Runtime) -> int | None:
    """True bytes of all images of the engine; None: it cannot be measured, which stops nobody."""
    from builder.engine.socket_client import look
    from builder.operations.snapshot import StoreOptions, StoreWorld

    try:
        with look(runtime.env) as found:
            return StoreWorld(runtime, StoreOptions(), found, strict=False).bytes()
    except OptbuildError:
        return None


def _record(store: StoreWorld, outside: Outside, journal: Journal, before: int) -> None:
    from builder.rollout.journal_file import read_journal, write_journal

    path = outside.committed(journal.files)
    if (written := read_journal(path)) is not None and written.run == journal.run:
        write_journal(path, replace(written, bytes_before=before, bytes_after=store.bytes()))


def _measured(store: StoreWorld, outside: Outside, journal: Journal, outcome: Outcome, *, asked: bool) -> Outcome:
    from builder.operations.clean import one_cleaner, removed
    from builder.rollout.history import all_replaced
    from builder.store.clean import CleanOptions, plan

    snapshot = store.snapshot()
    here = {image.id: image.layers for image in snapshot.images}
    current = {tag.after for tag in journal.tags}
    wanted = frozenset(image for image in all_replaced(journal) if image not in current)
    planned = plan(snapshot, CleanOptions(only=wanted))
    outcome = replace(
        outcome,
        old=tuple(_old(choice, journal) for choice in planned.choices if choice.row.image.id in wanted),
        freed=planned.frees.exact,
        bytes=_amounts(journal, outcome, here),
    )
    if not asked or not planned.going or outside.engine is None:
        return outcome
    with one_cleaner(store.runtime):
        return _after(outcome, removed(store.runtime, snapshot.engine, planned, outside.engine, store.snapshot))


def _old(choice: Choice, journal: Journal) -> OldImage:
    from builder.rollout.history import built_again, runs_back
    from builder.rollout.replaced_images import OldImage
    from builder.store.model import Standing

    image, verdict = choice.row.image, choice.row.verdict
    kept = verdict.reason if verdict.standing is Standing.UNUSED else choice.reason
    again = any(image.id in built_again(run) for run in runs_back(journal))
    return OldImage(image.id, image.names, "" if choice.goes else kept, again)


def _after(outcome: Outcome, done: Cleaned) -> Outcome:
    """What was planned, as it went: an image that a container was started from meanwhile stays."""
    from builder.store.clean import GONE

    went = {row.image.id for row in done.removed}
    stays = {row.image.id: reason for row, reason in done.skipped}
    left = [replace(one, kept=stays.get(one.image_id, one.kept)) for one in outcome.old if one.image_id not in went]
    return replace(
        outcome,
        old=tuple(one for one in left if one.kept != GONE),
        freed=done.freed.exact,
        removed=tuple(one for one in outcome.old if one.image_id in went),
    )


def _amounts(
    journal: Journal, outcome: Outcome, here: Mapping[str, ImageLayers]
) -> dict[str, tuple[int | None, int | None]]:
    """Shared image → true bytes of what its services had, and of what they have."""
    return {
        target.image: (
            bytes_of(_before(journal, target, outcome.targets), here),
            bytes_of(outcome.images.get(target.image, "").split(), here),
        )
        for target in outcome.targets
    }


def _before(journal: Journal, target: Target, targets: tuple[Target, ...]) -> frozenset[str]:
    """IDs of the images that the services of a target had: of their containers, else what their names pointed to."""
    records = [record for record in journal.services if record.name in target.services]
    if records or len(targets) > 1:
        return frozenset(one.image_id for record in records for one in record.containers)
    return frozenset(one.image_id for one in journal.replaced)


def bytes_of(images: Iterable[str], everything: Mapping[str, ImageLayers]) -> int | None:
    """True bytes of these images (IDs) together: each layer chain once. None: not measured."""
    from builder.compose.sharing.disk_usage import real_bytes

    wanted = set(images)
    if not wanted or not wanted <= everything.keys():
        return None
    return real_bytes(everything[image] for image in wanted)
