"""What a change from one lock to another will push and pull, as text, JSON and Markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from builder.report.imagediff_markdown import MARK, format_code, format_markdown_table
from builder.report.locks.summary import make_moves_document
from builder.report.table import Column, format_table
from builder.report.units import escape_to_one_line, format_size, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.image.lock.layers.moves import LockMoves, MovedLayer
    from builder.report.documents.lock_diff import LockMovesDocument
    from builder.report.imagediff import Names

SCHEMA_VERSION = 1
_TITLES = ("layer", "pushes", "because")
_COLUMNS = tuple(Column(title, right=title == "pushes") for title in _TITLES)
_OTHER_REASON = "its members or its time stamp changed"
_GONE_REASON = "gone: its members lie in another layer"
MOST_REASONS = 6
"""Names that a row has at most."""


def format_lock_moves_text(moves: LockMoves, names: Names) -> str:
    return "".join(f"{line}\n" for line in _iterate_lines(moves, names))


def _iterate_lines(moves: LockMoves, names: Names) -> Iterator[str]:
    yield f"{escape_to_one_line(names[0])} against {escape_to_one_line(names[1])}"
    yield f"  {summarize_moves(moves)}"
    if rows := [*_iterate_rows(moves)]:
        yield from format_table(_COLUMNS, rows, width=0)


def _iterate_rows(moves: LockMoves) -> Iterator[tuple[str, str, str]]:
    """A row for each layer that changes, then one for each that is gone."""
    for one in moves.moved:
        yield one.name, format_size(one.pushed), format_reason(one, _OTHER_REASON)
    for one in moves.gone:
        yield one.name, format_size(0), format_reason(one, _GONE_REASON)


def summarize_moves(moves: LockMoves) -> str:
    """``1 of 32 layers changes: pushes 791 kB, pulls 7.57 MB of 208 MB (compressed, estimated)``."""
    if not moves.moved and not moves.pulled:
        return f"all {moves.layers} layers are the same: nothing to push or to pull"
    verb = "changes" if len(moves.moved) == 1 else "change"
    gone = f", {len(moves.gone)} {'is' if len(moves.gone) == 1 else 'are'} gone" if moves.gone else ""
    return (
        f"{len(moves.moved)} of {pluralize(moves.layers, 'layer')} {verb}{gone}: pushes {format_size(moves.pushed)}, a "
        f"node with overlay2 pulls {format_size(moves.pulled)}, of {format_size(moves.whole)} (compressed, estimated)"
    )


def format_reason(layer: MovedLayer, other: str) -> str:
    """``other``: where no package of it has another version."""
    if not layer.because:
        return other
    rest = len(layer.because) - MOST_REASONS
    shown = ", ".join(layer.because[:MOST_REASONS])
    return f"{shown}, and {rest} more" if rest > 0 else shown


def format_lock_moves_json(moves: LockMoves, names: Names) -> str:
    document: LockMovesDocument = {
        "schema_version": SCHEMA_VERSION,
        "before": names[0],
        "after": names[1],
        "layers": moves.layers,
        "pushed_bytes": moves.pushed,
        "pulled_bytes": moves.pulled,
        "whole_bytes": moves.whole,
        "estimated": True,
        "moved": [{"name": one.name, "pushed": one.pushed, "because": list(one.because)} for one in moves.moved],
        "gone": [{"name": one.name, "because": list(one.because)} for one in moves.gone],
        "versions": make_moves_document(moves.changes),
    }
    return json.dumps(document, indent=1) + "\n"


def format_lock_moves_markdown(moves: LockMoves, names: Names) -> str:
    """Empty where nothing moves."""
    if not moves.moved and not moves.pulled:
        return ""
    rows = [(format_code(name), pushed, format_code(reason)) for name, pushed, reason in _iterate_rows(moves)]
    head = f"{MARK}\n### {format_code(names[0])} against {format_code(names[1])}"
    return "\n\n".join((head, f"{summarize_moves(moves)}.", format_markdown_table(_TITLES, rows))) + "\n"
