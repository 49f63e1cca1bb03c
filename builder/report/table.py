"""Aligned columns as `plan` prints them: foreign text made harmless, and cut where the terminal is narrow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.report.units import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NARROWEST = 12
_CUT = "…"


@dataclass(frozen=True)
class Column:
    """``gives``: it may be cut where the line is too long; the last of those that give is cut first."""

    title: str
    right: bool = False
    gives: bool = False


def as_table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, width: int, indent: str = "  "
) -> Iterator[str]:
    """Lines of at most ``width`` characters, as far as columns can give way; 0: nothing is cut."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [
        max(len(column.title), *(len(row[place]) for row in cells)) if cells else len(column.title)
        for place, column in enumerate(columns)
    ]
    widths = _narrowed(columns, widths, width - len(indent)) if width else widths
    for row in ([column.title for column in columns], *cells):
        shown = [_cell(text, size, column) for text, size, column in zip(row, widths, columns, strict=True)]
        yield f"{indent}{'  '.join(shown)}".rstrip()


def _narrowed(columns: Sequence[Column], widths: list[int], width: int) -> list[int]:
    found = list(widths)
    over = sum(found) + 2 * (len(found) - 1) - width
    for place in reversed(range(len(columns))):
        if over > 0 and columns[place].gives:
            less = min(over, max(0, found[place] - NARROWEST))
            found[place] -= less
            over -= less
    return found


def _cell(text: str, width: int, column: Column) -> str:
    shown = text if len(text) <= width else f"{text[: width - 1]}{_CUT}"
    return shown.rjust(width) if column.right else shown.ljust(width)
