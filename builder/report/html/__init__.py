"""Pages in one file: a map, a list, a search, tables; nothing is fetched, nothing that an image says is run."""

from __future__ import annotations

from builder.report.html.difference import render_diff_page
from builder.report.html.inspection import render_inspection_page
from builder.report.html.inventory import render_images_page

__all__ = ["render_diff_page", "render_images_page", "render_inspection_page"]
