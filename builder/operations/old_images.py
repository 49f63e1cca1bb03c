"""The old images after an optimize: what they hold, which of them may go, and their removal where it was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.compose.sharing.disk_usage import count_real_bytes
from builder.core.errors import OptbuildError
from builder.engine.socket_client import connect_reader
from builder.operations.clean import lock_store, remove_images
from builder.operations.snapshot import SnapshotReader, StoreOptions
from builder.rollout.history import collect_replaced_names, find_rebuildable_images, iterate_runs
from builder.rollout.journal_file import read_journal, write_journal
from builder.rollout.replaced_images import OldImage
from builder.store.clean import GONE, CleanOptions, make_clean_plan
from builder.store.model import RetentionReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.compose.model import SharedTarget
    from builder.compose.planned import PlanResult
    from builder.core.runtime import Runtime
    from builder.engine.layers import ImageLayers
    from builder.rollout.context import RolloutContext
    from builder.rollout.journal import Journal
    from builder.rollout.result import RolloutResult
    from builder.store.clean import CleanDecision, CleanResult


def add_old_images(
    context: RolloutContext,
    journal: Journal,
    outcome: RolloutResult,
    planned: PlanResult,
    *,
    asked: bool,
    before: int | None = None,
) -> RolloutResult:
    """The old images and the bytes: named, and removed where the person asked for it. The optimize itself is done: what
    fails here is said and changes nothing. ``before``: what :func:`measure_engine_bytes` said first, for the journal.
    """
    if context.engine is None:
        return outcome
    runtime = context.runtime
    try:
        with connect_reader(runtime.env) as found:
            options = replace(StoreOptions.of(journal.files), spec=planned.choices.spec_folder)
            store = SnapshotReader(runtime, options, found, strict=True)
            outcome = _add_measurements(store, context, journal, outcome, asked=asked)
            if before is not None:
                _record_bytes(store, context, journal, before)
            return outcome
    except (OptbuildError, OSError) as error:
        runtime.progress.note(f"nothing more was done about the old images: {error}")
        return outcome


def measure_engine_bytes(runtime: Runtime) -> int | None:
    """True bytes of all images of the engine; None: it cannot be measured, which stops nobody."""
    try:
        with connect_reader(runtime.env) as found:
            return SnapshotReader(runtime, StoreOptions(), found, strict=False).count_bytes()
    except OptbuildError:
        return None


def _record_bytes(store: SnapshotReader, context: RolloutContext, journal: Journal, before: int) -> None:
    path = context.committed(journal.files)
    if (written := read_journal(path)) is not None and written.run == journal.run:
        write_journal(path, replace(written, bytes_before=before, bytes_after=store.count_bytes()))


def _add_measurements(
    store: SnapshotReader, context: RolloutContext, journal: Journal, outcome: RolloutResult, *, asked: bool
) -> RolloutResult:
    snapshot = store.read_snapshot()
    here = {image.id: image.layers for image in snapshot.images}
    current = {tag.after for tag in journal.tags}
    wanted = frozenset(image for image in collect_replaced_names(journal) if image not in current)
    planned = make_clean_plan(snapshot, CleanOptions(only=wanted))
    outcome = replace(
        outcome,
        old=tuple(_make_old_image(choice, journal) for choice in planned.choices if choice.row.image.id in wanted),
        freed=planned.frees.exact,
        bytes=_measure_targets(journal, outcome, here),
    )
    if not asked or not planned.going or context.engine is None:
        return outcome
    with lock_store(store.runtime):
        return _apply_removal(
            outcome, remove_images(store.runtime, snapshot.engine, planned, context.engine, store.read_snapshot)
        )


def _make_old_image(choice: CleanDecision, journal: Journal) -> OldImage:
    image, verdict = choice.row.image, choice.row.verdict
    kept = verdict.reason if verdict.standing is RetentionReason.UNUSED else choice.reason
    again = any(image.id in find_rebuildable_images(run) for run in iterate_runs(journal))
    return OldImage(image.id, image.names, "" if choice.goes else kept, again)


def _apply_removal(outcome: RolloutResult, done: CleanResult) -> RolloutResult:
    """What was planned, as it went: an image that a container was started from meanwhile stays."""
    went = {row.image.id for row in done.removed}
    stays = {row.image.id: reason for row, reason in done.skipped}
    left = [replace(one, kept=stays.get(one.image_id, one.kept)) for one in outcome.old if one.image_id not in went]
    return replace(
        outcome,
        old=tuple(one for one in left if one.kept != GONE),
        freed=done.freed.exact,
        removed=tuple(one for one in outcome.old if one.image_id in went),
    )


def _measure_targets(
    journal: Journal, outcome: RolloutResult, here: Mapping[str, ImageLayers]
) -> dict[str, tuple[int | None, int | None]]:
    """Shared image → true bytes of what its services had, and of what they have."""
    return {
        target.image: (
            sum_image_bytes(_collect_previous_images(journal, target, outcome.targets), here),
            sum_image_bytes(outcome.images.get(target.image, "").split(), here),
        )
        for target in outcome.targets
    }


def _collect_previous_images(
    journal: Journal, target: SharedTarget, targets: tuple[SharedTarget, ...]
) -> frozenset[str]:
    """IDs of the images that the services of a target had: of their containers, else what their names pointed to."""
    records = [record for record in journal.services if record.name in target.services]
    if records or len(targets) > 1:
        return frozenset(one.image_id for record in records for one in record.containers)
    return frozenset(one.image_id for one in journal.replaced)


def sum_image_bytes(images: Iterable[str], everything: Mapping[str, ImageLayers]) -> int | None:
    """True bytes of these images (IDs) together: each layer chain once. None: not measured."""
    wanted = set(images)
    if not wanted or not wanted <= everything.keys():
        return None
    return count_real_bytes(everything[image] for image in wanted)
