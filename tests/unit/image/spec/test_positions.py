"""The line of each key and item, in every way in which TOML can write it."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.image.spec.positions import find_positions

TEXT = '''\
# comment [not] = a table
top = 1
[image]   # a comment
name = "a # b"
dotted.key.deep = "x"
"quoted key" = 'y'
'lit.eral' = 2
list = [
    "one", "two",
    # "a comment",
    "three", [ "four",
      "five" ],
]
inline = { a = 1, b.c = [1, 2], "d e" = { f = "}" } }
many = """
[no.table]
key = "no \\""" key"
"""
lit = \'\'\'
x = ]\'\'\'
date = 1979-05-27T07:32:00Z
after = true
[ roles . flower ]
command = ["celery"] # ]
[[things]]
name = 1
[[things]]
name = 2
[things.sub]
x = 1
[[things.items]]
y = 1
'''
LINES = {
    ("top",): 2,
    ("image",): 3,
    ("image", "name"): 4,
    ("image", "dotted"): 5,
    ("image", "dotted", "key", "deep"): 5,
    ("image", "quoted key"): 6,
    ("image", "lit.eral"): 7,
    ("image", "list"): 8,
    ("image", "list", 0): 9,
    ("image", "list", 1): 9,
    ("image", "list", 2): 11,
    ("image", "list", 3): 11,
    ("image", "list", 3, 1): 12,
    ("image", "inline", "a"): 14,
    ("image", "inline", "b", "c", 1): 14,
    ("image", "inline", "d e", "f"): 14,
    ("image", "many"): 15,
    ("image", "lit"): 19,
    ("image", "date"): 21,
    ("image", "after"): 22,
    ("roles", "flower"): 23,
    ("roles", "flower", "command", 0): 24,
    ("things", 0): 25,
    ("things", 0, "name"): 26,
    ("things", 1, "name"): 28,
    ("things", 1, "sub", "x"): 30,
    ("things", 1, "items", 0, "y"): 32,
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "windows"])
def test_every_way_of_writing_a_key(newline: str) -> None:
    found = find_positions(TEXT.replace("\n", newline))
    assert {path: found.get(path) for path in LINES} == LINES


def test_nothing_but_what_the_file_says() -> None:
    assert not [path for path in find_positions(TEXT) if "no" in path]


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of everything in a TOML document."""
    match value:
        case dict():
            inner = [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
        case list():
            inner = [leaf for index, item in enumerate(value) for leaf in leaves(item, (*path, index))]
        case _:
            inner = []
    return [path, *inner] if path else inner


def test_the_same_keys_as_tomllib() -> None:
    assert set(find_positions(TEXT)) == set(leaves(tomllib.loads(TEXT)))


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
VALUES = st.recursive(
    st.one_of(WORDS, st.integers(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=8,
)


def written(value: Any) -> str:
    """Compact TOML, everything inline."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return quoted(value)
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case _:
            return "{" + ", ".join(f"{quoted(key)} = {written(item)}" for key, item in value.items()) + "}"


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(st.tuples(WORDS, VALUES), max_size=5, unique_by=lambda pair: pair[0]))
def test_each_line_of_a_generated_file_is_found(pairs: list[tuple[str, Any]]) -> None:
    text = "\n".join(f"{quoted(key)} = {written(value)}" for key, value in pairs)
    found = find_positions(text)
    assert set(found) == set(leaves(tomllib.loads(text)))
    assert [found[(key,)] for key, _ in pairs] == list(range(1, len(pairs) + 1))
