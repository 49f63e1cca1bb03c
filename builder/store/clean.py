"""Which images go and why, as a plan; and carrying it out, each image judged anew directly before it goes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from builder.engine.removal import remove_image
from builder.store.bytes import LayerUsage, index_images_above
from builder.store.inventory import make_image_rows
from builder.store.model import Amount, RetentionReason
from builder.store.select import filter_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from builder.engine.protocols import ImageStore
    from builder.store.model import ImageRow, InventorySnapshot, StoredImage
    from builder.store.select import RowFilter

GONE = "it is gone already"
NOT_SAVED = "it could not be saved and read back whole"


@dataclass(frozen=True)
class CleanOptions:
    """What may go at all. ``filters`` narrow it; ``min_age`` in seconds."""

    unused: bool = False
    min_age: float = 0.0
    filters: tuple[RowFilter, ...] = ()
    only: frozenset[str] | None = None
    """IDs; None: any."""


@dataclass(frozen=True)
class CleanDecision:
    """One image, and why it goes or stays."""

    row: ImageRow
    goes: bool
    reason: str


@dataclass(frozen=True)
class CleanPlan:
    """``choices``: those that go come first, each after all that are built on it. ``frees``: when all of them go."""

    choices: tuple[CleanDecision, ...]
    frees: Amount
    options: CleanOptions

    @property
    def going(self) -> tuple[CleanDecision, ...]:
        return tuple(choice for choice in self.choices if choice.goes)


@dataclass(frozen=True)
class CleanResult:
    """What was done. ``freed``: measured, bytes of layers that no image has any more."""

    removed: tuple[ImageRow, ...] = ()
    skipped: tuple[tuple[ImageRow, str], ...] = ()
    freed: Amount = field(default_factory=Amount)
    before: Amount = field(default_factory=Amount)
    """True bytes of all images."""
    after: Amount = field(default_factory=Amount)


def make_clean_plan(snapshot: InventorySnapshot, options: CleanOptions, *, now: float | None = None) -> CleanPlan:
    """Nothing is done. ``now``: seconds since 1970."""
    at = time.time() if now is None else now
    rows = make_image_rows(snapshot, steps=True)
    fitting = {row.image.id for row in filter_rows(rows, options.filters, now=at)}
    reasons = {row.image.id: _explain_stay(row, snapshot, options, fitting, at) for row in rows}
    reasons = _add_child_reasons(snapshot, reasons)
    choices = [
        CleanDecision(row, not reasons[row.image.id], reasons[row.image.id] or row.verdict.reason) for row in rows
    ]
    going = [choice for choice in choices if choice.goes]
    frees = LayerUsage(snapshot.images).count_freed(choice.row.image for choice in going)
    staying = sorted((choice for choice in choices if not choice.goes), key=_make_retention_key)
    return CleanPlan((*_iterate_tops_first(going), *staying), frees, options)


def _make_retention_key(choice: CleanDecision) -> tuple[int, str]:
    return tuple(RetentionReason).index(choice.row.verdict.standing), choice.row.image.title


def _explain_stay(
    row: ImageRow, snapshot: InventorySnapshot, options: CleanOptions, fitting: set[str], now: float
) -> str:
    """Empty: nothing keeps it, and it was asked for."""
    image = row.image
    if row.verdict.stays:
        return row.verdict.reason
    if options.only is not None and image.id not in options.only:
        return "it is not one of those that were asked for"
    if image.id not in fitting:
        return "the filter leaves it out"
    if row.verdict.standing is RetentionReason.UNUSED and not options.unused:
        return f"{row.verdict.reason} (`--unused` takes such images too)"
    return _explain_age(image, snapshot, options.min_age, now)


def _explain_age(image: StoredImage, snapshot: InventorySnapshot, min_age: float, now: float) -> str:
    """Counted from when it was made, named or put out of use, whichever is last. An image from the future is new."""
    if not min_age:
        return ""
    since = max(image.layers.created, image.named_at, snapshot.remembered.since.get(image.id, 0.0))
    return "it is younger than --min-age" if now - since < min_age else ""


def _add_child_reasons(snapshot: InventorySnapshot, reasons: Mapping[str, str]) -> dict[str, str]:
    """An image is removed only when all that are built on it are."""
    found, upon = dict(reasons), index_images_above(snapshot.images)
    changed = True
    while changed:
        changed = False
        for identity in [identity for identity, reason in found.items() if not reason]:
            child = next((one for one in upon.get(identity, ()) if found[one.id]), None)
            if child is not None:
                found[identity] = (
                    f"{child.title} uses all of its layers, and stays: removing this one would free nothing"
                )
                changed = True
    return found


def _iterate_tops_first(going: list[CleanDecision]) -> Iterator[CleanDecision]:
    upon = index_images_above([choice.row.image for choice in going])
    left = {choice.row.image.id: choice for choice in sorted(going, key=lambda one: -(one.row.frees or 0))}
    while left:
        free = [one for identity, one in left.items() if not any(child.id in left for child in upon.get(identity, ()))]
        for choice in free or list(left.values()):
            del left[choice.row.image.id]
            yield choice


@dataclass
class _CleanLog:
    removed: list[ImageRow] = field(default_factory=list)
    skipped: list[tuple[ImageRow, str]] = field(default_factory=list)


def execute_clean_plan(
    planned: CleanPlan,
    shelf: ImageStore,
    read: Callable[[], InventorySnapshot],
    on_each: Callable[[ImageRow, str], None] = lambda _row, _reason: None,
    saved: Mapping[str, frozenset[str]] | None = None,
) -> CleanResult:
    """Exactly this plan, or less of it. The caller holds the locks; ``read`` reads everything anew.

    ``on_each`` is called for each image, with the reason where it stays after all. ``saved``: image ID → the names
    that a backup holds of it; then only what it holds goes. None: no backup was asked for.
    """
    before = read()
    log = _CleanLog()
    for choice in planned.going:
        identity = choice.row.image.id
        reason = remove_image(shelf, identity, partial(_recheck_image, choice.row.image, planned.options, read, saved))
        on_each(choice.row, reason)
        if reason:
            log.skipped.append((choice.row, reason))
        else:
            log.removed.append(choice.row)
    return _measure_result(log, before, read())


def _recheck_image(
    planned: StoredImage,
    options: CleanOptions,
    read: Callable[[], InventorySnapshot],
    saved: Mapping[str, frozenset[str]] | None,
    taken: tuple[str, ...],
) -> str:
    """By what is known at this moment; empty: it may go. What a person left out was left out of the plan: only rules
    count here. Names that are ``taken`` count as the image's still."""
    identity = planned.id
    snapshot = _add_names(read(), identity, taken)
    image = next((image for image in snapshot.images if image.id == identity), None)
    if image is None:
        return GONE
    if new := set(image.names) - set(planned.names):
        return f"it got the name {min(new)} since the preview"
    if saved is not None and identity not in saved:
        return NOT_SAVED
    if saved is not None and not set(image.names) <= saved[identity]:
        return "it has a name that the backup does not hold"
    again = make_clean_plan(snapshot, replace(options, filters=(), only=frozenset({identity})))
    choice = next(choice for choice in again.choices if choice.row.image.id == identity)
    return "" if choice.goes else choice.reason


def _add_names(snapshot: InventorySnapshot, identity: str, names: tuple[str, ...]) -> InventorySnapshot:
    def named(image: StoredImage) -> StoredImage:
        references = tuple(dict.fromkeys((*image.names, *names)))
        return replace(image, layers=replace(image.layers, references=references)) if image.id == identity else image

    return replace(snapshot, images=tuple(map(named, snapshot.images))) if names else snapshot


def _measure_result(log: _CleanLog, before: InventorySnapshot, after: InventorySnapshot) -> CleanResult:
    left = {image.id for image in after.images}
    gone = [row.image for row in log.removed if row.image.id not in left]
    return CleanResult(
        tuple(log.removed),
        tuple(log.skipped),
        LayerUsage((*gone, *after.images)).count_freed(gone),
        LayerUsage(before.images).count_totals().real,
        LayerUsage(after.images).count_totals().real,
    )
