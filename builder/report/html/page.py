"""One page: the templates of ``templates/html/page/``, the chart library, and what is shown, put together."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder import __version__
from builder.core.resources import list_template_names, read_template
from builder.report.html.embed import escape_html, format_json_block, format_security_policy
from builder.report.html.mapdata import MapData, make_map_document
from builder.report.html.table import PageTable, render_table

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = "html/page"
_CHART = "html/vendor/echarts.treemap.min.js"
_LICENCES = ("html/vendor/NOTICE", "html/vendor/LICENSE")
_PLACE = re.compile(r"\{\{([a-z]+)\}\}")


@dataclass(frozen=True)
class Page:
    """What a page shows. The texts may come from an image; they are escaped here."""

    what: str
    """What kind of page it is, in a few words."""
    heading: str
    facts: str
    figures: tuple[tuple[str, str], ...]
    """Name and figure."""
    tables: tuple[PageTable, ...]
    map: MapData
    finds: str = "file, folder, package"
    """What a search finds."""


def render_page(page: Page) -> str:
    """The whole page. The same value gives the same bytes."""
    style, chart, script = _read_template_text(f"{_FOLDER}/style.css"), _read_template_text(_CHART), _join_scripts()
    figures = "".join(
        f"<div><dt>{escape_html(name)}</dt><dd>{escape_html(figure)}</dd></div>" for name, figure in page.figures
    )
    parts = {
        "policy": format_security_policy((chart, script), style),
        "title": escape_html(f"{page.heading} - {page.what}"),
        "style": style,
        "what": escape_html(page.what),
        "heading": escape_html(page.heading),
        "facts": escape_html(page.facts),
        "figures": figures,
        "finds": escape_html(page.finds),
        "tables": "\n".join(render_table(table) for table in page.tables),
        "footer": escape_html(f"Made by optbuild {__version__}. Bytes are unpacked bytes."),
        "licences": html.escape("\n".join(_read_template_text(name) for name in _LICENCES)),
        "data": format_json_block(make_map_document(page.map)),
        "chart": chart,
        "script": script,
    }
    return _fill_template(_read_template_text(f"{_FOLDER}/page.html"), parts)


def _fill_template(template: str, parts: Mapping[str, str]) -> str:
    """In one pass: what is put in is not looked through again."""
    return _PLACE.sub(lambda found: parts[found[1]], template)


def _join_scripts() -> str:
    """The scripts by their number, in one scope of their own."""
    names = [name for name in list_template_names(_FOLDER) if name.endswith(".js")]
    return '"use strict";\n{\n' + "\n".join(_read_template_text(name) for name in names) + "}\n"


def _read_template_text(name: str) -> str:
    return read_template(name).decode()
