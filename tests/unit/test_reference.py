"""docs/reference and the manual page are what the code says today, and name what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, NotRequired, TypedDict

import documents
import generate
import pytest

from builder.cli.formats import FORMATS, JSON
from builder.core.errors import ExitCode
from builder.core.limits import LIMITS
from builder.findings.catalog import CATALOG
from builder.report.documents.fields import Bytes, Version

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


def test_each_json_document_is_there_with_a_meaning_for_each_field() -> None:
    found = {title: list(documents.list_rows(document)) for title, _, document in documents.list_documents()}
    with_json = {command for command, formats in FORMATS.items() if JSON in formats.writers}
    assert {title.split()[1] for title in found} == with_json
    assert (
        len(found)
        == sum(JSON in table for one in FORMATS.values() for table in (one.writers, *one.variants.values())) + 1
    )
    assert not [(title, path) for title, rows in found.items() for path, kind, text in rows if not (kind and text)]


class Inner(TypedDict):
    size: Annotated[Bytes | None, "How large."]


class Outer(TypedDict):
    schema_version: Version
    layers: Annotated[list[Inner], "Lowest first."]
    extra: NotRequired[Annotated[dict[str, Inner] | None, "By name."]]
    kind: Annotated[Literal["a", "b"], "Which."]


def test_what_a_document_holds_is_read_from_its_type() -> None:
    assert list(documents.list_rows(Outer)) == [
        ("layers", "list of objects", "Lowest first."),
        ("layers[].size", "whole number (bytes) or null", "How large."),
        ("extra", "object, from a name to: object or null; may be missing", "By name."),
        ("extra.*.size", "whole number (bytes) or null", "How large."),
        ("kind", "`a` or `b`", "Which."),
    ]


def test_each_other_format_is_named() -> None:
    assert set(documents.OTHER_FORMATS) == documents.list_other_formats()


def test_no_line_of_the_manual_is_a_request_by_mistake() -> None:
    known = (".TH", ".SH", ".SS", ".PP", ".TP", ".B ", ".B")
    lines = [line for line in PAGES["man/optbuild.1"].splitlines() if line.startswith((".", "'"))]
    assert not [line for line in lines if not line.startswith(known)]
