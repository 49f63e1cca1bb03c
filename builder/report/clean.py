"""What `optbuild clean` would remove, or removed, and why each image goes or stays: for a person, and as JSON."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from typing import TYPE_CHECKING

from builder.core.naming import shorten_id
from builder.report import amounts
from builder.report.images import list_shown_names, make_row_document
from builder.report.prose import wrap_text
from builder.report.table import Column, format_table
from builder.report.units import escape_to_one_line, format_size, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from builder.report.documents.clean import CacheCleanupDocument, ChoiceDocument, CleanDocument, RemovedImageDocument
    from builder.store.clean import CleanDecision, CleanPlan, CleanResult
    from builder.store.model import CacheCleanup, ImageRow

SCHEMA_VERSION = 1
_COLUMNS = (
    Column("image"),
    Column("ID"),
    Column("frees", right=True),
    Column("standing", moves=1),
    Column("why", moves=1),
)
_LIMITS = "Only images are removed: by ID, never by force, never a volume or a container."


def format_clean_text(
    planned: CleanPlan,
    cleaned: CleanResult | None,
    *,
    cache: CacheCleanup | None = None,
    backup: Path | None = None,
    notes: Sequence[str] = (),
    width: int = 0,
) -> str:
    """``cleaned`` None: a preview. ``width`` of the terminal in characters; 0: not a terminal, and nothing is cut."""
    body = _format_preview(planned, width, backup) if cleaned is None else _format_done(planned, cleaned, width, backup)
    said = (line for note in notes for line in wrap_text(note, "note: ", "      ", width=width))
    lines = [*body, *_format_cache(cache, width), *said]
    if cleaned is None and (planned.going or cache is not None):
        then = f"`optbuild clean --yes` does exactly this, with the same options. {_LIMITS}"
        lines += ["", *wrap_text(then, "next: ", "      ", width=width)]
    return "".join(f"{line}\n" for line in lines)


def _format_preview(planned: CleanPlan, width: int, backup: Path | None) -> Iterator[str]:
    if planned.going:
        text = (
            f"would be removed: {pluralize(len(planned.going), 'image')}, "
            f"{amounts.format_amount(planned.frees)} on disk{amounts.format_unknown_part(planned.frees)}"
        )
        yield from wrap_text(text, "", "  ", width=width)
        yield from _format_gone_table(((choice.row, choice.reason) for choice in planned.going), width)
        if backup is not None:
            yield f"  each is saved in {escape_to_one_line(str(backup))} first; what is not whole there is not removed"
    else:
        yield "nothing would be removed"
    yield from _format_staying([choice for choice in planned.choices if not choice.goes], width)


def _format_done(planned: CleanPlan, cleaned: CleanResult, width: int, backup: Path | None) -> Iterator[str]:
    reasons = {choice.row.image.id: choice.reason for choice in planned.choices}
    if cleaned.removed:
        text = (
            f"removed {pluralize(len(cleaned.removed), 'image')}, {amounts.format_amount(cleaned.freed)} "
            "freed (measured: "
            f"{amounts.format_amount(cleaned.before)} before, {amounts.format_amount(cleaned.after)} now)"
            f"{amounts.format_unknown_part(cleaned.freed)}"
        )
        yield from wrap_text(text, "", "  ", width=width)
        yield from _format_gone_table(((row, reasons[row.image.id]) for row in cleaned.removed), width)
        if backup is not None:
            place = escape_to_one_line(str(backup))
            yield f"  saved in {place}: `optbuild restore {shlex.quote(place)}` brings them back"
    else:
        yield "nothing was removed"
    if cleaned.skipped:
        yield ""
        yield f"left alone after all: {pluralize(len(cleaned.skipped), 'image')}"
        yield from format_table(_COLUMNS, [_make_cells(row, reason) for row, reason in cleaned.skipped], width=width)
    yield from _format_staying([choice for choice in planned.choices if not choice.goes], width)


def _format_staying(choices: Sequence[CleanDecision], width: int) -> Iterator[str]:
    if not choices:
        return
    counted = Counter(choice.row.verdict.standing.value for choice in choices)
    yield ""
    text = f"stays: {', '.join(f'{number} {word}' for word, number in counted.items())}"
    yield from wrap_text(text, "", "  ", width=width)
    yield from _format_choice_table(choices, width)


def _format_choice_table(choices: Sequence[CleanDecision], width: int) -> Iterator[str]:
    yield from format_table(_COLUMNS, [_make_cells(choice.row, choice.reason) for choice in choices], width=width)


def _format_gone_table(found: Iterable[tuple[ImageRow, str]], width: int) -> Iterator[str]:
    """With every name, a line for each: a filter that one name fits takes the others too."""
    lines = []
    for row, reason in found:
        first, *others = list_shown_names(row)
        lines.append((first, *_make_cells(row, reason)[1:]))
        lines += [(name, *[""] * (len(_COLUMNS) - 1)) for name in others]
    yield from format_table(_COLUMNS, lines, width=width)


def _make_cells(row: ImageRow, reason: str) -> tuple[str, ...]:
    names = list_shown_names(row)
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return f"{names[0]}{more}", shorten_id(row.image.id), format_size(row.frees), row.verdict.standing.value, reason


def _format_cache(cache: CacheCleanup | None, width: int) -> Iterator[str]:
    if cache is None:
        return
    yield ""
    about = "" if cache.exact else " (as buildx rounds it, of any age)"
    if cache.done:
        text = f"{format_size(cache.freed)} freed, of {format_size(cache.idle)} idle{about}"
    else:
        text = f"{format_size(cache.idle)} idle{about} would be removed; builds then run again what it held"
    yield from wrap_text(f"build cache of {cache.builder}: {text}", "", "  ", width=width)


def format_clean_json(
    planned: CleanPlan,
    cleaned: CleanResult | None,
    *,
    cache: CacheCleanup | None = None,
    backup: Path | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Bytes as whole numbers or null; keys are only ever added within one schema version."""
    document: CleanDocument = {
        "schema_version": SCHEMA_VERSION,
        "preview": cleaned is None,
        "frees_bytes": planned.frees.exact,
        "frees_at_least_bytes": planned.frees.known,
        "images": [_make_choice_document(choice) for choice in planned.choices],
        "removed": None if cleaned is None else [_make_removed_document(row) for row in cleaned.removed],
        "skipped": None
        if cleaned is None
        else [{**_make_removed_document(row), "reason": why} for row, why in cleaned.skipped],
        "freed_bytes": None if cleaned is None else cleaned.freed.exact,
        "freed_at_least_bytes": None if cleaned is None else cleaned.freed.known,
        "bytes_before": None if cleaned is None else cleaned.before.exact,
        "bytes_after": None if cleaned is None else cleaned.after.exact,
        "build_cache": None if cache is None else _make_cache_document(cache),
        "backup": None if backup is None else str(backup),
        "notes": list(notes),
    }
    return json.dumps(document, indent=1) + "\n"


def _make_cache_document(cache: CacheCleanup) -> CacheCleanupDocument:
    return {
        "builder": cache.builder,
        "idle_bytes": cache.idle,
        "exact": cache.exact,
        "done": cache.done,
        "freed_bytes": cache.freed,
    }


def _make_choice_document(choice: CleanDecision) -> ChoiceDocument:
    return {**make_row_document(choice.row), "goes": choice.goes, "reason": choice.reason}


def _make_removed_document(row: ImageRow) -> RemovedImageDocument:
    return {"id": row.image.id, "names": list(row.image.names)}
