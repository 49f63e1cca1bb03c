"""Aligned columns as `plan` prints them: foreign text made harmless, and nothing wider than the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.report.units import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NARROWEST = 24
_CUT = "…"
_BELOW = "    "


@dataclass(frozen=True)
class Column:
    """``gives``: it may be cut where lines are too long. ``moves``: it gets a line of its own there (the last one)."""

    title: str
    right: bool = False
    gives: bool = False
    moves: bool = False


def as_table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, width: int, indent: str = "  "
) -> Iterator[str]:
    """Lines of at most ``width`` characters, as far as columns can give way; 0: nothing is cut.

    A row with a first cell alone goes on with the one before it, and has the whole line.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    titles = [column.title for column in columns]
    whole = [titles, *(row for row in cells if any(row[1:]))]
    widths = [max(len(row[place]) for row in whole) for place in range(len(columns))]
    room = width - len(indent)
    fits = not width or _length(widths) <= room
    kept = len(columns) if fits or not columns[-1].moves else len(columns) - 1
    if not fits:
        widths = _narrowed(columns, widths[:kept], room)
    for row in (titles, *cells):
        if not any(row[1:]):
            yield f"{indent}{_cut(row[0], room) if width else row[0]}"
            continue
        shown = [_cell(*one) for one in zip(row[:kept], widths, columns, strict=False)]
        yield f"{indent}{'  '.join(shown)}".rstrip()
        for text in row[kept:] if row is not titles else ():
            yield from [_cut(f"{indent}{_BELOW}{text}", width)] if text else ()


def _length(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)


def _narrowed(columns: Sequence[Column], widths: list[int], width: int) -> list[int]:
    found, over = list(widths), _length(widths) - width
    for place in reversed(range(len(found))):
        if over > 0 and columns[place].gives:
            less = min(over, max(0, found[place] - NARROWEST))
            found[place] -= less
            over -= less
    return found


def _cell(text: str, width: int, column: Column) -> str:
    shown = _cut(text, width)
    return shown.rjust(width) if column.right else shown.ljust(width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}{_CUT}"
