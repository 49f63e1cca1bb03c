"""The images of an engine as a table for a person and as JSON; both are made from the same value."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from builder.core.naming import shorten_id
from builder.core.phrases import format_moment
from builder.report import amounts
from builder.report.colors import Screen
from builder.report.prose import wrap_text
from builder.report.table import Column, format_table
from builder.report.units import UNKNOWN, format_size, pluralize
from builder.report.when import format_iso_time
from builder.store.model import RetentionReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.report.documents.images import (
        BuildCacheDocument,
        ImageRowDocument,
        ImagesDocument,
        ImageTotalsDocument,
        VolumeDocument,
    )
    from builder.store.model import BuildCache, ImageRow, ImageTotals, Inventory, LastOptimize, Volume

SCHEMA_VERSION = 1
_MAY_GO = {one.value: "33" for one in (RetentionReason.SUPERSEDED, RetentionReason.DANGLING, RetentionReason.UNUSED)}
"""What nothing keeps stands out."""
_COLUMNS = (
    Column("image"),
    Column("ID"),
    Column("created", moves=2),
    Column("unpacked", right=True),
    Column("unique", right=True),
    Column("shared", right=True),
    Column("frees", right=True),
    Column("standing", moves=1, colors=_MAY_GO),
    Column("why", moves=1),
)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def format_images_text(inventory: Inventory, *, width: int = 0, color: bool = False, now: float | None = None) -> str:
    """``width`` of the terminal in characters; 0: not a terminal, and nothing is cut. ``now``: seconds since 1970."""
    at = time.time() if now is None else now
    lines = [
        *_format_rows(inventory, Screen(width, color), at),
        "",
        *wrap_text(_format_totals(inventory.totals), "", "  ", width=width),
        *_format_last_optimize(inventory.last_optimize, inventory.totals, width),
        *_format_volumes(inventory.volumes, width),
        *wrap_text(_format_build_cache(inventory.build_cache), "", "  ", width=width),
        *_explain_named(inventory.rows, width),
        *(line for note in inventory.notes for line in wrap_text(note, "note: ", "      ", width=width)),
    ]
    return "".join(f"{line}\n" for line in lines)


def _format_rows(inventory: Inventory, screen: Screen, now: float) -> Iterator[str]:
    if not inventory.rows:
        yield "No image fits the filter." if inventory.hidden else "There is no image on this engine."
        return
    rows = [cells for row in inventory.rows for cells in _iterate_row_lines(row, now)]
    yield from format_table(_COLUMNS, rows, width=screen.width, indent="", color=screen.color)
    if inventory.hidden:
        yield f"and {pluralize(inventory.hidden, 'image')} that the filter leaves out"


def _iterate_row_lines(row: ImageRow, now: float) -> Iterator[tuple[str, ...]]:
    """One line for the image, one more for each further name."""
    names = list_shown_names(row)
    amounts = (row.unpacked, row.unique, row.shared, row.frees)
    yield (
        names[0],
        shorten_id(row.image.id),
        _format_image_age(row, now),
        *(format_size(amount) for amount in amounts),
        row.verdict.standing.value,
        row.verdict.reason,
    )
    for name in names[1:]:
        yield (name, *[""] * (len(_COLUMNS) - 1))


def _format_image_age(row: ImageRow, now: float) -> str:
    """``named 3 days``: since it got its name here, because its date was set."""
    age = format_age(row.image.came_at, now)
    return f"named {age}" if row.image.shows_name_time and age != UNKNOWN else age


def list_shown_names(row: ImageRow) -> tuple[str, ...]:
    """At least one."""
    return row.image.names or row.image.digests[:1] or (UNKNOWN,)


def format_age(created: float, now: float) -> str:
    """``3 days``, as a person counts; an image that says no time, or one to come, has no age. Less than a minute is
    ``just now``."""
    seconds = now - created
    if created <= 0 or seconds < 0:
        return UNKNOWN
    if seconds < _MINUTE:
        return "just now"
    for limit, unit, word in ((_HOUR, _MINUTE, "minute"), (2 * _DAY, _HOUR, "hour"), (60 * _DAY, _DAY, "day")):
        if seconds < limit:
            return pluralize(int(seconds // unit), word)
    return time.strftime("%Y-%m-%d", time.gmtime(created))


def _format_totals(totals: ImageTotals) -> str:
    return (
        f"{pluralize(totals.images, 'image')}: {amounts.format_amount(totals.real)} on disk = "
        f"{amounts.format_amount(totals.unique)} "
        f"unique + {amounts.format_amount(totals.shared)} shared, each shared layer once (`docker images` adds up to "
        f"{amounts.format_amount(totals.apparent)}){amounts.format_unknown_part(totals.real)}"
    )


def _explain_named(rows: tuple[ImageRow, ...], width: int) -> Iterator[str]:
    if any(row.image.shows_name_time for row in rows):
        text = (
            "named: since the image got its name on this engine; the date in it was set (SOURCE_DATE_EPOCH) and does "
            "not say when it was made"
        )
        yield from wrap_text(text, "", "  ", width=width)


def _format_last_optimize(last: LastOptimize | None, totals: ImageTotals, width: int) -> Iterator[str]:
    if last is None:
        return
    text = (
        f"since the last optimize ({last.project}, {format_moment(last.at)}): {format_size(last.before)} before it, "
        f"{format_size(last.after)} after it, "
        f"{amounts.format_amount(totals.real)} now"
    )
    yield from wrap_text(text, "", "  ", width=width)


def _format_volumes(volumes: tuple[Volume, ...] | None, width: int) -> Iterator[str]:
    if volumes is None:
        yield from wrap_text(f"volumes: {UNKNOWN} (the engine did not add them up in time)", "", "  ", width=width)
        return
    known = [one.bytes for one in volumes if one.bytes is not None]
    total = sum(known) if len(known) == len(volumes) else None
    used = sum(bool(one.users) for one in volumes)
    text = f"{pluralize(len(volumes), 'volume')}: {format_size(total)}, {used} used by containers"
    yield from wrap_text(f"{text}; optbuild never touches one", "", "  ", width=width)
    for one in volumes:
        who = f"used by {', '.join(one.users)}" if one.users else "used by no container"
        owner = f" (project {', '.join(one.projects)})" if one.projects else ""
        yield from wrap_text(f"{one.name}  {format_size(one.bytes)}, {who}{owner}", "  ", "    ", width=width)


def _format_build_cache(cache: BuildCache | None) -> str:
    if cache is None:
        return f"build cache: {UNKNOWN} (the engine did not add it up in time)"
    return (
        f"build cache of the engine's own builder: {format_size(cache.bytes)} beside the images, "
        f"{format_size(cache.idle)} of it idle"
        f" (`optbuild clean --build-cache`); {format_size(cache.shared)} more are layers of images"
    )


def format_images_json(inventory: Inventory) -> str:
    """Bytes as whole numbers or null; keys are only ever added within one schema version."""
    last = inventory.last_optimize
    document: ImagesDocument = {
        "schema_version": SCHEMA_VERSION,
        "engine": inventory.engine,
        "images": [make_row_document(row) for row in inventory.rows],
        "hidden": inventory.hidden,
        "totals": make_totals_document(inventory.totals),
        "last_optimize": None
        if last is None
        else {
            "project": last.project,
            "at": format_iso_time(last.at),
            "bytes_before": last.before,
            "bytes_after": last.after,
        },
        "volumes": None if inventory.volumes is None else [_make_volume_document(one) for one in inventory.volumes],
        "build_cache": None if inventory.build_cache is None else _make_build_cache_document(inventory.build_cache),
        "notes": list(inventory.notes),
    }
    return json.dumps(document, indent=1) + "\n"


def make_row_document(row: ImageRow) -> ImageRowDocument:
    return {
        "id": row.image.id,
        "names": list(row.image.names),
        "digests": list(row.image.digests),
        "created": format_iso_time(row.image.layers.created),
        "created_is_set": row.image.has_set_date,
        "named": format_iso_time(row.image.named_at),
        "unpacked_bytes": row.unpacked,
        "unique_bytes": row.unique,
        "shared_bytes": row.shared,
        "frees_bytes": row.frees,
        "standing": row.verdict.standing,
        "reason": row.verdict.reason,
        "containers": [{"id": one.id, "name": one.name, "state": one.state} for one in row.containers],
        "projects": list(row.projects),
        "layers": [{"chain": layer.chain, "bytes": layer.bytes} for layer in row.image.layers.layers],
    }


def make_totals_document(totals: ImageTotals) -> ImageTotalsDocument:
    return {
        "images": totals.images,
        "real_bytes": totals.real.exact,
        "real_at_least_bytes": totals.real.known,
        "unique_bytes": totals.unique.exact,
        "unique_at_least_bytes": totals.unique.known,
        "shared_bytes": totals.shared.exact,
        "shared_at_least_bytes": totals.shared.known,
        "apparent_bytes": totals.apparent.exact,
        "apparent_at_least_bytes": totals.apparent.known,
        "images_untold": totals.real.unknown,
    }


def _make_build_cache_document(cache: BuildCache) -> BuildCacheDocument:
    return {
        "bytes": cache.bytes,
        "shared_bytes": cache.shared,
        "idle_bytes": cache.idle,
        "records": cache.records,
    }


def _make_volume_document(one: Volume) -> VolumeDocument:
    return {"name": one.name, "bytes": one.bytes, "containers": list(one.users), "projects": list(one.projects)}
