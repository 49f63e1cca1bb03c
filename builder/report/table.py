"""Aligned columns of what has a name: foreign text made harmless, and nothing wider than the terminal.

By hand, because rich cuts cells at their end only, and the end of an image's name is its tag.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.report.colors import make_bold, paint
from builder.report.units import escape_to_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

NARROWEST = 40
"""With fewer characters, too many names look the same: then names get lines of their own."""
_LEAST = 16
_GAP = 2
_CUT = "…"
_BELOW = "    "


@dataclass(frozen=True)
class Column:
    """``gives``: it may be cut where nothing else helps. ``moves``: it goes below where lines are too long, those with
    a 1 before those with a 2. ``colors``: how a cell with this text is painted (:func:`builder.report.colors.paint`).
    """

    title: str
    right: bool = False
    gives: bool = False
    moves: int = 0
    colors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _TableRow:
    names: tuple[str, ...]
    cells: tuple[str, ...]
    """With the first name."""


@dataclass(frozen=True)
class _Layout:
    columns: tuple[Column, ...]
    shown: tuple[int, ...]
    """The places of those that are in the line."""
    widths: tuple[int, ...]
    """Of those."""
    room: int
    """0: any."""
    names_above: bool = False


def format_table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, width: int, indent: str = "  ", color: bool = False
) -> Iterator[str]:
    """Lines of at most ``width`` characters; 0: nothing is cut. The first column is a name. Without titles there
    is no line of them.

    A row with a first cell alone is a further name of the one before it. Where lines are too long, columns go below
    first, then names and what ``gives`` are cut, in their middle: a tag stays; at last names go above.
    """
    found = _group_rows([[escape_to_one_line(cell) for cell in row] for row in rows])
    layout = _choose_layout(columns, found, max(1, width - len(indent)) if width else 0)
    titles = tuple(column.title if at in layout.shown else "" for at, column in enumerate(columns))
    if any(titles):
        head = _format_row_lines(_TableRow(titles[:1], titles), layout)
        yield from (make_bold(f"{indent}{line}".rstrip(), color=color) for line in head)
    for row in found:
        yield from (f"{indent}{line}".rstrip() for line in _format_row_lines(row, layout, color=color))


def _group_rows(rows: Iterable[Sequence[str]]) -> list[_TableRow]:
    found: list[_TableRow] = []
    for first, *others in rows:
        if any(others) or not found:
            found.append(_TableRow((first,), (first, *others)))
        else:
            found[-1] = _TableRow((*found[-1].names, first), found[-1].cells)
    return found


def _choose_layout(columns: Sequence[Column], rows: Sequence[_TableRow], room: int) -> _Layout:
    everything = tuple(columns)
    whole = [
        max(map(len, texts))
        for texts in zip(*([column.title for column in columns], *(row.cells for row in rows)), strict=True)
    ]
    every = tuple(range(len(columns)))
    if not room or _sum_widths(whole) <= room:
        return _Layout(everything, every, tuple(whole), room)
    ranks = sorted({column.moves for column in columns} - {0}) or [0]
    choices = [tuple(at for at in every if not 0 < columns[at].moves <= rank) for rank in ranks]
    first, least = whole[0], min(whole[0], NARROWEST)
    for shown in choices:
        others = _narrow_columns(columns, whole, shown[1:], room - least - _GAP)
        if (left := room - _sum_widths(others) - _GAP) >= least:
            return _Layout(everything, shown, (min(first, left), *others), room)
    for shown in choices[:-1]:
        others = _narrow_columns(columns, whole, shown[1:], room - len(_BELOW))
        if _sum_widths(others) <= room - len(_BELOW):
            return _Layout(everything, shown, (first, *others), room, names_above=True)
    others = _narrow_columns(columns, whole, choices[-1][1:], room - len(_BELOW))
    return _Layout(everything, choices[-1], (first, *others), room, names_above=True)


def _sum_widths(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _narrow_columns(columns: Sequence[Column], whole: Sequence[int], places: Sequence[int], room: int) -> list[int]:
    """The widths of the columns at ``places``, cut where that is allowed and they have no ``room``."""
    found = {place: whole[place] for place in places}
    over = _sum_widths(tuple(found.values())) - room
    for place in reversed(places):
        if over > 0 and columns[place].gives:
            less = min(over, max(0, found[place] - _LEAST))
            found[place] -= less
            over -= less
    return list(found.values())


def _format_row_lines(row: _TableRow, layout: _Layout, *, color: bool = False) -> Iterator[str]:
    cells = [
        _format_cell(row.cells[at], width, layout.columns[at], color=color)
        for at, width in zip(layout.shown, layout.widths, strict=True)
    ]
    names = [_cut_middle(name, layout.room) for name in row.names]
    if layout.names_above:
        yield from names
        yield f"{_BELOW}{(' ' * _GAP).join(cells[1:])}"
    else:
        yield (" " * _GAP).join(cells)
        yield from names[1:]
    if below := _join_moved_cells(row, layout):
        yield from textwrap.wrap(below, layout.room, initial_indent=_BELOW, subsequent_indent=_BELOW + _BELOW)


def _join_moved_cells(row: _TableRow, layout: _Layout) -> str:
    """``created 3 days; in use: a container uses it``: what went last needs its title, the others are words."""
    moved = [at for at in range(len(row.cells)) if at not in layout.shown and row.cells[at]]
    words = ": ".join(row.cells[at] for at in moved if layout.columns[at].moves == 1)
    titled = [f"{layout.columns[at].title} {row.cells[at]}" for at in moved if layout.columns[at].moves > 1]
    return "; ".join(filter(None, (*titled, words)))


def _format_cell(text: str, width: int, column: Column, *, color: bool) -> str:
    shown = _cut_middle(text, width)
    filled = shown.rjust(width) if column.right else shown.ljust(width)
    return paint(filled, column.colors.get(text, ""), color=color)


def _cut_middle(text: str, width: int) -> str:
    """The end says as much as the beginning: a tag, the name behind a registry's."""
    if not width or len(text) <= width:
        return text
    tag = len(text) - text.rfind(":") if ":" in text else 0
    end = min(max(tag, width // 2), 2 * width // 3)
    return f"{text[: width - end - 1]}{_CUT}{text[len(text) - end :]}"
