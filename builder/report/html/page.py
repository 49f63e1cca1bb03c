"""One page: the templates of ``templates/html/page/``, the chart library, and what is told, put together."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder import __version__
from builder.core.resources import read_template, template_names
from builder.report.html.embed import escaped, json_block, policy
from builder.report.html.mapdata import MapData, as_value
from builder.report.html.table import Table, as_html

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = "html/page"
_CHART = "html/vendor/echarts.treemap.min.js"
_LICENCES = ("html/vendor/NOTICE", "html/vendor/LICENSE")
_PLACE = re.compile(r"\{\{([a-z]+)\}\}")


@dataclass(frozen=True)
class Page:
    """What a page tells. The texts may come from an image; they are escaped here."""

    what: str
    """What kind of page it is, in a few words."""
    heading: str
    facts: str
    figures: tuple[tuple[str, str], ...]
    """Name and figure."""
    tables: tuple[Table, ...]
    map: MapData
    finds: str = "file, folder, package"
    """What a search finds."""


def as_page(page: Page) -> str:
    """The whole page. The same value gives the same bytes."""
    style, chart, script = _text(f"{_FOLDER}/style.css"), _text(_CHART), _script()
    figures = "".join(f"<div><dt>{escaped(name)}</dt><dd>{escaped(figure)}</dd></div>" for name, figure in page.figures)
    parts = {
        "policy": policy((chart, script), style),
        "title": escaped(f"{page.heading} - {page.what}"),
        "style": style,
        "what": escaped(page.what),
        "heading": escaped(page.heading),
        "facts": escaped(page.facts),
        "figures": figures,
        "finds": escaped(page.finds),
        "tables": "\n".join(as_html(table) for table in page.tables),
        "footer": escaped(f"Made by optbuild {__version__}. Bytes are unpacked bytes."),
        "licences": html.escape("\n".join(_text(name) for name in _LICENCES)),
        "data": json_block(as_value(page.map)),
        "chart": chart,
        "script": script,
    }
    return _filled(_text(f"{_FOLDER}/page.html"), parts)


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """In one pass: what is put in is not looked through again."""
    return _PLACE.sub(lambda found: parts[found[1]], template)


def _script() -> str:
    """The scripts by their number, in one scope of their own."""
    names = [name for name in template_names(_FOLDER) if name.endswith(".js")]
    return '"use strict";\n{\n' + "\n".join(_text(name) for name in names) + "}\n"


def _text(name: str) -> str:
    return read_template(name).decode()
