"""Names: functions say what they do. Counted are functions and methods, without dunders, properties, nested functions
and the stubs of protocols."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from source_trees import parse_builder

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDER = Path(__file__).parents[2] / "builder"
WORDS = """
add analyze apply arrange ask assemble assign back begin build call can change check choose claim classify clean
close coerce collect color commit compare compile complete compute configure confirm connect contains convert copy
count create cut decide decode decompress describe detect diagnose digest discover drain drop dump edit encode end
ensure escape estimate evaluate examine execute expand expect explain extend extract feed fetch fill filter
find finish follow forget format group guard guess has hash hold identify index inspect interpolate invoke is
iterate join keep link lint list load locate lock lower make mark mask matches match may measure merge move
narrow needs normalize note number observe open overlaps pair parse pass pause peek place plan pluralize prefer
preload prepare print promote propose protect prove provide prune pull push put query quote raise rank read rebase
recheck record recover refine refresh refuse reindent reject remember remove render replace report request require
resolve restart restate restore rewrite roll run sanitize save say scan score seek select send serialize shift
shorten show silence skip slugify sleep sort spawn split stamp start stop store strip substitute suggest sum
summarize sync tag take tell terminate to track translate trim try undo unescape unpack unquote untag update uses
validate verify wait walk warn wrap write
"""
VERBS = frozenset(WORDS.split())
"""What a name may begin with. Words that say nothing of what is done are not among them."""
EMPTY_WORDS = frozenset({"get", "do", "handle", "process", "perform"})
LEAST_SHARE = 0.9


def named_functions(tree: ast.AST, *, stubs: bool = False) -> Iterator[str]:
    """Names of the functions and methods of a module, as they are counted."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.ClassDef(bases=bases):
                yield from named_functions(node, stubs=any("Protocol" in ast.unparse(base) for base in bases))
            case (
                ast.FunctionDef(name=name, decorator_list=marks) | ast.AsyncFunctionDef(name=name, decorator_list=marks)
            ):
                is_property = any("property" in ast.unparse(mark) for mark in marks)
                if not (stubs or is_property or name.startswith("__")):
                    yield name
            case _:
                yield from named_functions(node, stubs=stubs)


def first_word(name: str) -> str:
    return name.strip("_").split("_", maxsplit=1)[0]


def all_names() -> list[str]:
    return [name for tree in parse_builder().values() for name in named_functions(tree)]


def test_functions_begin_with_a_verb() -> None:
    names = all_names()
    without = [name for name in names if first_word(name) not in VERBS]
    assert len(names) > 2_000
    assert len(without) <= (1 - LEAST_SHARE) * len(names), sorted(without)


NAMED_BY_LIBRARIES = {"get_cache_key", "get_command", "get_help", "get_image", "get_source"}
"""click's, the Docker SDK's and jinja2's own names."""


def test_no_function_begins_with_an_empty_word() -> None:
    assert {name for name in all_names() if first_word(name) in EMPTY_WORDS} == NAMED_BY_LIBRARIES


def test_no_verb_is_empty_and_each_is_used() -> None:
    assert not VERBS & EMPTY_WORDS
    assert not VERBS - {first_word(name) for name in all_names()}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def _read_lock(): ...", ["_read_lock"]),
        ("class A:\n def run(self): ...\n def __init__(self): ...", ["run"]),
        ("class A:\n @property\n def name(self): ...\n @functools.cached_property\n def size(self): ...", []),
        ("class A(Protocol):\n def size(self): ...", []),
        ("def make():\n def inner(): ...", ["make"]),
        ("if x:\n def size(): ...", ["size"]),
    ],
)
def test_what_is_counted(source: str, found: list[str]) -> None:
    assert list(named_functions(ast.parse(source))) == found
