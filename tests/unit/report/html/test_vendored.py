"""What others wrote and lies here is what its VERSION says, with its licence beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from page_samples import Draft

from builder.report.html.inspection import render_inspection_page
from builder.report.html.page import _CHART

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("file", [f"templates/{_CHART}", "tests/integration/html/axe/axe.min.js"])
def test_is_the_file_that_its_version_names(file: str) -> None:
    path = ROOT / file
    words = path.with_name("VERSION").read_text().split()
    assert words[words.index("sha256") + 1] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.with_name("LICENSE").stat().st_size > 1000


def test_the_versions_are_the_pinned_ones() -> None:
    folder = ROOT / "templates/html/vendor"
    package = (folder / "package.json").read_text()
    for line in (folder / "VERSION").read_text().splitlines()[:-1]:
        name, version = line.split()
        assert f'"{name}": "{version}"' in package


def test_a_page_brings_the_licences_of_what_is_inside() -> None:
    page = render_inspection_page(Draft([]).inspection())
    for words in ("Apache License", "The Apache Software Foundation", "d3", "zrender", "Microsoft Corporation"):
        assert words in page
