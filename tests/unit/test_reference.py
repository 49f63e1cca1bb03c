"""docs/reference and the manual page are what the code says today, and name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import generate
import pytest

from builder.core.errors import ExitCode
from builder.core.limits import LIMITS
from builder.findings.catalog import CATALOG

DOCS = Path(__file__).parents[2] / "docs"
BUILDER = DOCS.parent / "builder"
PAGES = generate.format_pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], "`make docs` writes it anew"


def test_no_other_page_is_there() -> None:
    there = {str(path.relative_to(DOCS)) for room in ("reference", "man") for path in (DOCS / room).iterdir()}
    assert there == set(PAGES)


def test_each_code_and_exit_code_is_explained() -> None:
    assert re.findall(r"^\| `(OB\d+)`", PAGES["reference/findings.md"], re.MULTILINE) == list(CATALOG)
    assert set(generate.EXIT_CODES) == set(ExitCode)


def test_each_variable_that_is_named_is_read_somewhere() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in BUILDER.rglob("*.py"))
    names = [name for row in generate.ENVIRONMENT for name in row.split(", ")]
    assert not [name for name in names if f'"{name}"' not in text]
    assert {one.variable for one in LIMITS} <= set(names)


def test_no_document_is_without_its_version() -> None:
    rows = [line for line in PAGES["reference/json.md"].splitlines() if line.startswith("| `optbuild")]
    assert len(rows) > 15
    assert all(re.search(r" \| \d+ \| `schema_version`", row) for row in rows)


def test_no_line_of_the_manual_is_a_request_by_mistake() -> None:
    known = (".TH", ".SH", ".SS", ".PP", ".TP", ".B ", ".B")
    lines = [line for line in PAGES["man/optbuild.1"].splitlines() if line.startswith((".", "'"))]
    assert not [line for line in lines if not line.startswith(known)]
