"""The old images after an optimize: what they hold, which of them may go, and their removal where it was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.errors import OptbuildError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.cli.plan_flow import Planned
    from builder.cli.store_world import StoreWorld
    from builder.cli.world import World
    from builder.compose.journal import Journal
    from builder.compose.model import Target
    from builder.compose.outcome import Outcome
    from builder.compose.outside import Outside
    from builder.compose.superseded import OldImage
    from builder.engine.layers import ImageLayers
    from builder.store.clean import Choice


def with_old_images(
    world: World,
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
    from builder.cli.store_world import StoreOptions, StoreWorld  # noqa: PLC0415
    from builder.engine.quick import look  # noqa: PLC0415

    if outside.engine is None:
        return outcome
    try:
        with look(world.env) as found:
            store = StoreWorld(world, StoreOptions(spec=planned.choices.spec_folder), found, strict=True)
            outcome = _measured(store, outside, journal, outcome, asked=asked)
            if before is not None:
                _record(store, outside, journal, before)
            return outcome
    except OptbuildError as error:
        world.progress.note(f"the old images were left alone: {error}")
        return outcome


def bytes_here(world: World) -> int | None:
    """True bytes of all images of the engine; None: it cannot be measured, which stops nobody."""
    from builder.cli.store_world import StoreOptions, StoreWorld  # noqa: PLC0415
    from builder.engine.quick import look  # noqa: PLC0415

    try:
        with look(world.env) as found:
            return StoreWorld(world, StoreOptions(), found, strict=False).bytes()
    except OptbuildError:
        return None


def _record(store: StoreWorld, outside: Outside, journal: Journal, before: int) -> None:
    from builder.compose.journalfile import read_journal, write_journal  # noqa: PLC0415

    path = outside.committed(journal.files)
    if (written := read_journal(path)) is not None and written.run == journal.run:
        write_journal(path, replace(written, bytes_before=before, bytes_after=store.bytes()))


def _measured(store: StoreWorld, outside: Outside, journal: Journal, outcome: Outcome, *, asked: bool) -> Outcome:
    from builder.cli.clean_flow import one_cleaner, removed  # noqa: PLC0415
    from builder.compose.history import all_replaced  # noqa: PLC0415
    from builder.store.clean import CleanOptions, plan  # noqa: PLC0415

    snapshot = store.snapshot()
    here = {image.id: image.layers for image in snapshot.images}
    current = {tag.after for tag in journal.tags}
    wanted = frozenset(image for image in all_replaced(journal) if image not in current)
    planned = plan(snapshot, CleanOptions(only=wanted))
    old = tuple(_old(choice) for choice in planned.choices if choice.row.image.id in wanted)
    gone: frozenset[str] = frozenset()
    if asked and planned.going and outside.engine is not None:
        with one_cleaner(store.world):
            done = removed(store.world, snapshot.engine, planned, outside.engine, store.snapshot)
        gone = frozenset(row.image.id for row in done.removed)
    return replace(
        outcome,
        old=tuple(one for one in old if one.image_id not in gone),
        freed=planned.frees,
        removed=tuple(one for one in old if one.image_id in gone),
        bytes=_amounts(journal, outcome, here),
    )


def _old(choice: Choice) -> OldImage:
    from builder.compose.superseded import OldImage  # noqa: PLC0415
    from builder.store.model import Standing  # noqa: PLC0415

    image, verdict = choice.row.image, choice.row.verdict
    kept = verdict.reason if verdict.standing is Standing.UNUSED else choice.reason
    return OldImage(image.id, image.names, "" if choice.goes else kept)


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
    from builder.compose.bytes import real_bytes  # noqa: PLC0415

    wanted = set(images)
    if not wanted or not wanted <= everything.keys():
        return None
    return real_bytes(everything[image] for image in wanted)
