"""Pages in one file: a map, a list, a search, tables; nothing is fetched, nothing that an image says is run."""

from __future__ import annotations

from builder.report.html.difference import diff_page
from builder.report.html.inspection import inspection_page
from builder.report.html.inventory import images_page

__all__ = ["diff_page", "images_page", "inspection_page"]
