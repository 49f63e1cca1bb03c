"""What `optbuild clean` would remove, or removed, and why each image goes or stays: for a person, and as JSON."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any

from builder.report import amounts
from builder.report.findings import wrapped
from builder.report.images import row_as_json, shown_names
from builder.report.table import Column, as_table
from builder.report.units import count, one_line, short_id, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from builder.store.clean import Choice, Cleaned, CleanPlan
    from builder.store.model import CacheOutcome, Row

SCHEMA_VERSION = 1
_COLUMNS = (
    Column("image"),
    Column("ID"),
    Column("frees", right=True),
    Column("standing", moves=True),
    Column("why", moves=True),
)
_LIMITS = "Only images go: by ID, never by force, never a volume or a container."


def as_text(
    planned: CleanPlan,
    cleaned: Cleaned | None,
    *,
    cache: CacheOutcome | None = None,
    backup: Path | None = None,
    notes: Sequence[str] = (),
    width: int = 0,
) -> str:
    """``cleaned`` None: a preview. ``width`` of the terminal in characters; 0: it is none, and nothing is cut."""
    body = _preview(planned, width, backup) if cleaned is None else _done(planned, cleaned, width, backup)
    said = (line for note in notes for line in wrapped(note, "note: ", "      ", width=width))
    lines = [*body, *_cache(cache, width), *said]
    if cleaned is None and (planned.going or cache is not None):
        then = f"`optbuild clean --yes` does exactly this, with the same options. {_LIMITS}"
        lines += ["", *wrapped(then, "next: ", "      ", width=width)]
    return "".join(f"{line}\n" for line in lines)


def _preview(planned: CleanPlan, width: int, backup: Path | None) -> Iterator[str]:
    if planned.going:
        text = (
            f"would go: {count(len(planned.going), 'image')}, {amounts.at_least(planned.frees)} on disk"
            f"{amounts.untold(planned.frees)}"
        )
        yield from wrapped(text, "", "  ", width=width)
        yield from _gone(((choice.row, choice.reason) for choice in planned.going), width)
        if backup is not None:
            yield f"  each is saved in {one_line(str(backup))} first; what is not found whole there stays"
    else:
        yield "nothing would go"
    yield from _staying([choice for choice in planned.choices if not choice.goes], width)


def _done(planned: CleanPlan, cleaned: Cleaned, width: int, backup: Path | None) -> Iterator[str]:
    reasons = {choice.row.image.id: choice.reason for choice in planned.choices}
    if cleaned.removed:
        text = (
            f"removed {count(len(cleaned.removed), 'image')}, {amounts.at_least(cleaned.freed)} freed (measured: "
            f"{amounts.at_least(cleaned.before)} before, {amounts.at_least(cleaned.after)} now)"
            f"{amounts.untold(cleaned.freed)}"
        )
        yield from wrapped(text, "", "  ", width=width)
        yield from _gone(((row, reasons[row.image.id]) for row in cleaned.removed), width)
        if backup is not None:
            place = one_line(str(backup))
            yield f"  saved in {place}: `optbuild restore {shlex.quote(place)}` brings them back"
    else:
        yield "nothing was removed"
    if cleaned.skipped:
        yield ""
        yield f"left alone after all: {count(len(cleaned.skipped), 'image')}"
        yield from as_table(_COLUMNS, [_cells(row, reason) for row, reason in cleaned.skipped], width=width)
    yield from _staying([choice for choice in planned.choices if not choice.goes], width)


def _staying(choices: Sequence[Choice], width: int) -> Iterator[str]:
    if not choices:
        return
    counted = Counter(choice.row.verdict.standing.value for choice in choices)
    yield ""
    text = f"stays: {', '.join(f'{number} {word}' for word, number in counted.items())}"
    yield from wrapped(text, "", "  ", width=width)
    yield from _table(choices, width)


def _table(choices: Sequence[Choice], width: int) -> Iterator[str]:
    yield from as_table(_COLUMNS, [_cells(choice.row, choice.reason) for choice in choices], width=width)


def _gone(found: Iterable[tuple[Row, str]], width: int) -> Iterator[str]:
    """With every name, a line for each: a filter that one name fits takes the others too."""
    lines = []
    for row, reason in found:
        first, *others = shown_names(row)
        lines.append((first, *_cells(row, reason)[1:]))
        lines += [(name, *[""] * (len(_COLUMNS) - 1)) for name in others]
    yield from as_table(_COLUMNS, lines, width=width)


def _cells(row: Row, reason: str) -> tuple[str, ...]:
    names = shown_names(row)
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return f"{names[0]}{more}", short_id(row.image.id), size(row.frees), row.verdict.standing.value, reason


def _cache(cache: CacheOutcome | None, width: int) -> Iterator[str]:
    if cache is None:
        return
    yield ""
    about = "" if cache.exact else " (as buildx rounds it, of any age)"
    if cache.done:
        text = f"{size(cache.freed)} freed, of {size(cache.idle)} idle{about}"
    else:
        text = f"{size(cache.idle)} idle{about} would go; builds run again what it held"
    yield from wrapped(f"build cache of {cache.builder}: {text}", "", "  ", width=width)


def as_json(
    planned: CleanPlan,
    cleaned: Cleaned | None,
    *,
    cache: CacheOutcome | None = None,
    backup: Path | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Bytes as whole numbers or null; keys are only ever added within one schema version."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "preview": cleaned is None,
        **amounts.as_json("frees", planned.frees),
        "images": [_choice(choice) for choice in planned.choices],
        "removed": None if cleaned is None else [_row(row) for row in cleaned.removed],
        "skipped": None if cleaned is None else [{**_row(row), "reason": why} for row, why in cleaned.skipped],
        "freed_bytes": None if cleaned is None else cleaned.freed.exact,
        "freed_at_least_bytes": None if cleaned is None else cleaned.freed.known,
        "bytes_before": None if cleaned is None else cleaned.before.exact,
        "bytes_after": None if cleaned is None else cleaned.after.exact,
        "build_cache": None if cache is None else _cache_as_json(cache),
        "backup": None if backup is None else str(backup),
        "notes": list(notes),
    }
    return json.dumps(document, indent=1) + "\n"


def _cache_as_json(cache: CacheOutcome) -> dict[str, Any]:
    return {
        "builder": cache.builder,
        "idle_bytes": cache.idle,
        "exact": cache.exact,
        "done": cache.done,
        "freed_bytes": cache.freed,
    }


def _choice(choice: Choice) -> dict[str, Any]:
    return {**row_as_json(choice.row), "goes": choice.goes, "reason": choice.reason}


def _row(row: Row) -> dict[str, Any]:
    return {"id": row.image.id, "names": list(row.image.names)}
