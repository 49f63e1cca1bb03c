"""The images of an engine as a table for a person and as JSON; both are made from the same value."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from builder.report import amounts
from builder.report.findings import wrapped
from builder.report.table import Column, as_table
from builder.report.units import UNKNOWN, count, short_id, size
from builder.report.when import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.store.model import BuildCache, Inventory, LastOptimize, Row, Totals, Volume

SCHEMA_VERSION = 1
_COLUMNS = (
    Column("image"),
    Column("ID"),
    Column("created"),
    Column("unpacked", right=True),
    Column("unique", right=True),
    Column("shared", right=True),
    Column("frees", right=True),
    Column("standing", moves=True),
    Column("why", moves=True),
)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def as_text(inventory: Inventory, *, width: int = 0, now: float | None = None) -> str:
    """``width`` of the terminal in characters; 0: it is none, and nothing is cut. ``now``: seconds since 1970."""
    at = time.time() if now is None else now
    lines = [
        *_rows(inventory, width, at),
        "",
        *wrapped(_totals(inventory.totals), "", "  ", width=width),
        *_last(inventory.last_optimize, inventory.totals, width),
        *_volumes(inventory.volumes, width),
        *wrapped(_build_cache(inventory.build_cache), "", "  ", width=width),
        *(line for note in inventory.notes for line in wrapped(note, "note: ", "      ", width=width)),
    ]
    return "".join(f"{line}\n" for line in lines)


def _rows(inventory: Inventory, width: int, now: float) -> Iterator[str]:
    if not inventory.rows:
        yield "No image fits the filter." if inventory.hidden else "There is no image on this engine."
        return
    yield from as_table(
        _COLUMNS, [cells for row in inventory.rows for cells in _lines(row, now)], width=width, indent=""
    )
    if inventory.hidden:
        yield f"and {count(inventory.hidden, 'image')} that the filter leaves out"


def _lines(row: Row, now: float) -> Iterator[tuple[str, ...]]:
    """One line for the image, one more for each further name."""
    names = shown_names(row)
    amounts = (row.unpacked, row.unique, row.shared, row.frees)
    yield (
        names[0],
        short_id(row.image.id),
        age(row.image.layers.created, now),
        *(size(amount) for amount in amounts),
        row.verdict.standing.value,
        row.verdict.reason,
    )
    for name in names[1:]:
        yield (name, *[""] * (len(_COLUMNS) - 1))


def shown_names(row: Row) -> tuple[str, ...]:
    """At least one."""
    return row.image.names or row.image.digests[:1] or (UNKNOWN,)


def age(created: float, now: float) -> str:
    """``3 days``, as a person counts; an image that says no time, or one to come, has no age. Less than a minute is
    ``just now``."""
    seconds = now - created
    if created <= 0 or seconds < 0:
        return UNKNOWN
    if seconds < _MINUTE:
        return "just now"
    for limit, unit, word in ((_HOUR, _MINUTE, "minute"), (2 * _DAY, _HOUR, "hour"), (60 * _DAY, _DAY, "day")):
        if seconds < limit:
            return count(int(seconds // unit), word)
    return time.strftime("%Y-%m-%d", time.gmtime(created))


def _totals(totals: Totals) -> str:
    return (
        f"{count(totals.images, 'image')}: {amounts.at_least(totals.real)} on disk = {amounts.at_least(totals.unique)} "
        f"unique + {amounts.at_least(totals.shared)} shared, each shared layer once (`docker images` adds up to "
        f"{amounts.at_least(totals.apparent)}){amounts.untold(totals.real)}"
    )


def _last(last: LastOptimize | None, totals: Totals, width: int) -> Iterator[str]:
    if last is None:
        return
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(last.at))
    text = (
        f"since the last optimize ({last.project}, {day}): {size(last.before)} before it, {size(last.after)} after it, "
        f"{amounts.at_least(totals.real)} now"
    )
    yield from wrapped(text, "", "  ", width=width)


def _volumes(volumes: tuple[Volume, ...] | None, width: int) -> Iterator[str]:
    if volumes is None:
        yield f"volumes: {UNKNOWN} (the engine did not add them up in time)"
        return
    known = [one.bytes for one in volumes if one.bytes is not None]
    total = sum(known) if len(known) == len(volumes) else None
    used = sum(bool(one.users) for one in volumes)
    yield f"{count(len(volumes), 'volume')}: {size(total)}, {used} used by containers; optbuild never touches one"
    for one in volumes:
        who = f"used by {', '.join(one.users)}" if one.users else "used by no container"
        owner = f" (project {', '.join(one.projects)})" if one.projects else ""
        yield from wrapped(f"{one.name}  {size(one.bytes)}, {who}{owner}", "  ", "    ", width=width)


def _build_cache(cache: BuildCache | None) -> str:
    if cache is None:
        return f"build cache: {UNKNOWN} (the engine did not add it up in time)"
    return (
        f"build cache of the engine's own builder: {size(cache.bytes)} beside the images, {size(cache.idle)} of it idle"
        f" (`optbuild clean --build-cache`); {size(cache.shared)} more are layers of images"
    )


def as_json(inventory: Inventory) -> str:
    """Bytes as whole numbers or null; keys are only ever added within one schema version."""
    last = inventory.last_optimize
    document = {
        "schema_version": SCHEMA_VERSION,
        "engine": inventory.engine,
        "images": [row_as_json(row) for row in inventory.rows],
        "hidden": inventory.hidden,
        "totals": totals_as_json(inventory.totals),
        "last_optimize": None
        if last is None
        else {"project": last.project, "at": iso(last.at), "bytes_before": last.before, "bytes_after": last.after},
        "volumes": None if inventory.volumes is None else [_volume(one) for one in inventory.volumes],
        "build_cache": None if inventory.build_cache is None else _cache_as_json(inventory.build_cache),
        "notes": list(inventory.notes),
    }
    return json.dumps(document, indent=1) + "\n"


def row_as_json(row: Row) -> dict[str, Any]:
    return {
        "id": row.image.id,
        "names": list(row.image.names),
        "digests": list(row.image.digests),
        "created": iso(row.image.layers.created),
        "unpacked_bytes": row.unpacked,
        "unique_bytes": row.unique,
        "shared_bytes": row.shared,
        "frees_bytes": row.frees,
        "standing": row.verdict.standing.value,
        "reason": row.verdict.reason,
        "containers": [{"id": one.id, "name": one.name, "state": one.state} for one in row.containers],
        "projects": list(row.projects),
        "layers": [{"chain": layer.chain, "bytes": layer.bytes} for layer in row.image.layers.layers],
    }


def totals_as_json(totals: Totals) -> dict[str, Any]:
    return {
        "images": totals.images,
        **amounts.as_json("real", totals.real),
        **amounts.as_json("unique", totals.unique),
        **amounts.as_json("shared", totals.shared),
        **amounts.as_json("apparent", totals.apparent),
        "images_untold": totals.real.untold,
    }


def _cache_as_json(cache: BuildCache) -> dict[str, Any]:
    return {
        "bytes": cache.bytes,
        "shared_bytes": cache.shared,
        "idle_bytes": cache.idle,
        "records": cache.records,
    }


def _volume(one: Volume) -> dict[str, Any]:
    return {"name": one.name, "bytes": one.bytes, "containers": list(one.users), "projects": list(one.projects)}
