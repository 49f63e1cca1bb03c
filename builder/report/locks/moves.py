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
MOST_REASONS = 6
"""Names that a row has at most."""


def format_lock_moves_text(moves: LockMoves, names: Names) -> str:
    return "".join(f"{line}\n" for line in _iterate_lines(moves, names))


def _iterate_lines(moves: LockMoves, names: Names) -> Iterator[str]:
    yield f"{escape_to_one_line(names[0])} against {escape_to_one_line(names[1])}"
    yield f"  {summarize_moves(moves)}"
    if moves.moved:
        rows = [(one.name, format_size(one.pushed), format_reason(one)) for one in moves.moved]
        yield from format_table(_COLUMNS, rows, width=0)


def summarize_moves(moves: LockMoves) -> str:
    """``1 of 32 layers changes: pushes 791 kB, pulls 7.57 MB of 208 MB (compressed, estimated)``."""
    if not moves.moved and not moves.pulled:
        return f"all {moves.layers} layers are the same: nothing to push or to pull"
    verb = "changes" if len(moves.moved) == 1 else "change"
    return (
        f"{len(moves.moved)} of {pluralize(moves.layers, 'layer')} {verb}: pushes {format_size(moves.pushed)}, a node "
        f"with overlay2 pulls {format_size(moves.pulled)}, of {format_size(moves.whole)} (compressed, estimated)"
    )


def format_reason(layer: MovedLayer) -> str:
    if not layer.because:
        return _OTHER_REASON
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
        "versions": make_moves_document(moves.changes),
    }
    return json.dumps(document, indent=1) + "\n"


def format_lock_moves_markdown(moves: LockMoves, names: Names) -> str:
    """Empty where nothing moves."""
    if not moves.moved and not moves.pulled:
        return ""
    rows = [(format_code(one.name), format_size(one.pushed), format_code(format_reason(one))) for one in moves.moved]
    head = f"{MARK}\n### {format_code(names[0])} against {format_code(names[1])}"
    return "\n\n".join((head, f"{summarize_moves(moves)}.", format_markdown_table(_TITLES, rows))) + "\n"
