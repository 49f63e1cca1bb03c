"""Pieces of YAML text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from builder.compose.yaml.parse import parse_compose_file
from builder.compose.yaml.text import find_comments, find_line_end, find_next_line, format_on_one_line, quote_scalar

if TYPE_CHECKING:
    from builder.compose.yaml.nodes import Document


def document(text: str) -> Document:
    return parse_compose_file(Path("compose.yml"), text.encode())


@pytest.mark.parametrize(
    ("text", "style", "written"),
    [
        ("shop:1.0", "", "shop:1.0"),
        ("registry:5000/a/b@sha256:0a", "", "registry:5000/a/b@sha256:0a"),
        ("1.0", "", '"1.0"'),
        ("12:30", "", '"12:30"'),
        ("1e5", "", '"1e5"'),
        ("No", "", '"No"'),
        ("2024-01-01", "", '"2024-01-01"'),
        ("", "", '""'),
        ("a: b", "", '"a: b"'),
        ("a #b", "", '"a #b"'),
        ("${X:-y}", "", '"${X:-y}"'),
        ("shop", "'", "'shop'"),
        ("it's", "'", '"it\'s"'),
    ],
)
def test_quotes_stand_where_they_are_needed(text: str, style: str, written: str) -> None:
    assert quote_scalar(text, style) == written


@given(
    st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufeff\ufffe\uffff")),
    st.sampled_from(["", "'", '"']),
)
def test_a_quoted_text_is_read_as_it_was(text: str, style: str) -> None:
    for written in (f"a: {quote_scalar(text, style)}\n", f"{{a: {quote_scalar(text, style)}, b: c}}\n"):
        assert yaml.safe_load(written)["a"] == text


@pytest.mark.parametrize(
    ("written", "comments"),
    [
        ("a: b # one\n", ()),
        ("a:  # one\n  b: c#no # two\n# three\n  d: '# no' # four\n  e: f\n", ("# one", "# two", "# three", "# four")),
        ("a:\n  b: |  # one\n    # no\n  # two\n  c: {d: e, # three\n    f: *g }\n", ("# one", "# two", "# three")),
        ("a: &x\n  # one\n  b: c\n", ("# one",)),
    ],
)
def test_comments_are_told_from_what_looks_like_one(written: str, comments: tuple[str, ...]) -> None:
    found = document("g: &g 1\n" + written)
    assert found.root is not None
    entry = found.root.entries[-1]
    assert find_comments(found, entry.value, entry.start, entry.end) == comments


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("{a: b, c: [d, 'e']}", "{a: b, c: [d, 'e']}"),
        ("\n  b: c # no\n  d:\n  - e, f\n  - 1\n  g:\n", '{b: c, d: ["e, f", 1], g: null}'),
        ("\n  b: |\n    x\n    y\n", '{b: "x\\ny\\n"}'),
        ("\n  b: c\n    d\n", '{b: "c d"}'),
        ("&b\n  <<: *x\n  c: &d 'e'\n", "{<<: {y: z}, c: 'e'}"),
        ("!!str 1", "!!str 1"),
        ("!reset null", "!reset null"),
    ],
)
def test_a_node_on_one_line_means_the_same(written: str, line: str) -> None:
    found = document(f"x: &x {{y: z}}\na: {written}")
    assert found.root is not None
    assert format_on_one_line(found, found.root.entries[-1].value) == line


def test_an_alias_that_works_there_stays() -> None:
    found = document("x: &x 1\ny: &y 2\na:\n  - *x\n  - *y\n")
    assert found.root is not None
    assert format_on_one_line(found, found.root.entries[-1].value, lambda alias: alias.name == "y") == "[1, *y]"


def test_lines_end_before_their_break() -> None:
    text = "ab\r\n\r\ncd"
    assert [find_line_end(text, 0), find_line_end(text, 4), find_line_end(text, 6)] == [2, 4, 8]
    assert [find_next_line(text, 0), find_next_line(text, 6)] == [4, 8]
