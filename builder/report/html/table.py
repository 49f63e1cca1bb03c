"""Tables of a page. They are complete HTML, so they can be read without the map and without JavaScript."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.report.html.embed import escape_html
from builder.report.units import format_size

if TYPE_CHECKING:
    from collections.abc import Sequence


_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Cell:
    """One cell. ``number`` is what it is sorted by, and puts it to the right."""

    text: str
    number: int | None = None
    mono: bool = False
    wide: bool = False
    """A text of several words, which may break into lines."""
    below: tuple[str, ...] = ()
    """Paragraphs under the text, with code between backticks."""
    items: tuple[str, ...] = ()
    """A list that opens on demand; ``items_title`` says what of."""
    items_title: str = ""


@dataclass(frozen=True)
class MapButton:
    """A button that shows a group of the map: of view number ``view``, group ``group`` of dimension ``dimension``."""

    view: int
    dimension: int
    group: int
    name: str


@dataclass(frozen=True)
class PageTable:
    """``rows`` have a cell per column; the first is the row's header."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell | MapButton, ...], ...]
    empty: str
    """Said instead of a table without rows."""


def make_bytes_cell(count: int | None) -> Cell:
    """Bytes, sorted by their number; what was not measured comes last."""
    return Cell(format_size(count), -1 if count is None else count)


def make_growth_cell(count: int) -> Cell:
    """Bytes with their sign; below zero with a true minus, as the scripts of the page write it."""
    sign = "+" if count > 0 else "\u2212" if count < 0 else "±"
    return Cell(f"{sign}{format_size(abs(count))}", count)


def make_number_cell(count: int) -> Cell:
    return Cell(f"{count:,}", count)


def render_table(table: PageTable) -> str:
    """A section with a heading; a long table scrolls in itself, and can be reached by the keyboard."""
    title = escape_html(table.title)
    if not table.rows:
        return f'<section><h2>{title}</h2><p class="empty">{escape_html(table.empty)}</p></section>'
    head = "".join(_render_header(index, name, table.rows) for index, name in enumerate(table.columns))
    body = "\n".join(_render_row(row) for row in table.rows)
    tall = " tall" if len(table.rows) > 14 else ""
    return (
        f'<section><h2>{title}</h2><div class="scroll{tall}" role="region" aria-label="{title}" tabindex="0">'
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div></section>"
    )


def _render_header(index: int, name: str, rows: Sequence[Sequence[Cell | MapButton]]) -> str:
    if not name:
        return '<td><span class="unseen">On the map</span></td>'
    cell = rows[0][index]
    kind = ' class="number"' if isinstance(cell, Cell) and cell.number is not None else ""
    return f'<th scope="col"{kind}>{escape_html(name)}</th>'


def _render_row(cells: Sequence[Cell | MapButton]) -> str:
    return f"<tr>{''.join(_render_cell(cell, header=not index) for index, cell in enumerate(cells))}</tr>"


def _render_cell(cell: Cell | MapButton, *, header: bool) -> str:
    if isinstance(cell, MapButton):
        place = f'data-view="{cell.view}" data-group="{cell.dimension}.{cell.group}"'
        label = escape_html(f"Show {cell.name} on the map")
        return f'<td><button type="button" class="show" {place} aria-label="{label}">map</button></td>'
    classes = " ".join(_list_classes(cell))
    sort = "" if cell.number is None else f' data-sort="{cell.number}"'
    tag = "th" if header else "td"
    scope = ' scope="row"' if header else ""
    return f'<{tag}{scope} class="{classes}"{sort}>{escape_html(cell.text)}{_render_details(cell)}</{tag}>'


def _list_classes(cell: Cell) -> list[str]:
    kind = "number" if cell.number is not None else "text" if cell.wide else "word"
    return [kind, "mono"] if cell.mono else [kind]


def _mark_code(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape_html(text))


def _render_details(cell: Cell) -> str:
    below = "".join(f"<p>{_mark_code(line)}</p>" for line in cell.below)
    if not cell.items:
        return below
    items = "".join(f"<li>{escape_html(item)}</li>" for item in cell.items)
    return f"{below}<details><summary>{escape_html(cell.items_title)}</summary><ul>{items}</ul></details>"
