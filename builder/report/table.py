"""Aligned columns of what has a name: foreign text made harmless, and nothing wider than the terminal.

By hand, because rich cuts cells at their end only, and the end of an image's name is its tag.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.report.units import escape_to_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NARROWEST = 40
"""With fewer characters, too many names look the same: then names get lines of their own."""
_LEAST = 12
_GAP = 2
_CUT = "…"
_BELOW = "    "


@dataclass(frozen=True)
class Column:
    """``gives``: it may be cut where nothing else helps. ``moves``: it goes below where lines are too long (the last
    ones)."""

    title: str
    right: bool = False
    gives: bool = False
    moves: bool = False


@dataclass(frozen=True)
class _TableRow:
    names: tuple[str, ...]
    cells: tuple[str, ...]
    """With the first name."""


@dataclass(frozen=True)
class _Layout:
    columns: tuple[Column, ...]
    """Those that are in the line."""
    widths: tuple[int, ...]
    room: int
    """0: any."""
    names_above: bool = False


def format_table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, width: int, indent: str = "  "
) -> Iterator[str]:
    """Lines of at most ``width`` characters; 0: nothing is cut. The first column is a name. Without titles there
    is no line of them.

    A row with a first cell alone is a further name of the one before it. Where lines are too long, columns go below
    first, then names above; only then something is cut, in its middle: a tag stays.
    """
    found = _group_rows([[escape_to_one_line(cell) for cell in row] for row in rows])
    layout = _choose_layout(columns, found, max(1, width - len(indent)) if width else 0)
    titles = tuple(column.title for column in columns[: len(layout.columns)])
    for row in (*([_TableRow(titles[:1], titles)] if any(titles) else ()), *found):
        yield from (f"{indent}{line}".rstrip() for line in _format_row_lines(row, layout))


def _group_rows(rows: Iterable[Sequence[str]]) -> list[_TableRow]:
    found: list[_TableRow] = []
    for first, *others in rows:
        if any(others) or not found:
            found.append(_TableRow((first,), (first, *others)))
        else:
            found[-1] = _TableRow((*found[-1].names, first), found[-1].cells)
    return found


def _choose_layout(columns: Sequence[Column], rows: Sequence[_TableRow], room: int) -> _Layout:
    whole = [
        max(map(len, texts))
        for texts in zip(*([column.title for column in columns], *(row.cells for row in rows)), strict=True)
    ]
    if not room or _sum_widths(whole) <= room:
        return _Layout(tuple(columns), tuple(whole), room)
    kept = tuple(column for column in columns if not column.moves)
    first, *others = whole[: len(kept)]
    left = room - _sum_widths(others) - _GAP
    if left >= min(first, NARROWEST):
        return _Layout(kept, (min(first, left), *others), room)
    return _Layout(kept, (first, *_narrow_columns(kept[1:], others, room - len(_BELOW))), room, names_above=True)


def _sum_widths(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _narrow_columns(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int]:
    found, over = list(widths), _sum_widths(widths) - room
    for place in reversed(range(len(found))):
        if over > 0 and columns[place].gives:
            less = min(over, max(0, found[place] - _LEAST))
            found[place] -= less
            over -= less
    return found


def _format_row_lines(row: _TableRow, layout: _Layout) -> Iterator[str]:
    cells = [_format_cell(*one) for one in zip(row.cells, layout.widths, layout.columns, strict=False)]
    names = [_cut_middle(name, layout.room) for name in row.names]
    if layout.names_above:
        yield from names
        yield f"{_BELOW}{(' ' * _GAP).join(cells[1:])}"
    else:
        yield (" " * _GAP).join(cells)
        yield from names[1:]
    if below := ": ".join(text for text in row.cells[len(layout.columns) :] if text):
        yield from textwrap.wrap(below, layout.room, initial_indent=_BELOW, subsequent_indent=_BELOW + _BELOW)


def _format_cell(text: str, width: int, column: Column) -> str:
    shown = _cut_middle(text, width)
    return shown.rjust(width) if column.right else shown.ljust(width)


def _cut_middle(text: str, width: int) -> str:
    """The end says as much as the beginning: a tag, the name behind a registry's."""
    if not width or len(text) <= width:
        return text
    tag = len(text) - text.rfind(":") if ":" in text else 0
    end = min(max(tag, width // 2), 2 * width // 3)
    return f"{text[: width - end - 1]}{_CUT}{text[len(text) - end :]}"
