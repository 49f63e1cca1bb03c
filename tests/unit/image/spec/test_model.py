"""Whoever adds a key to optbuild.toml also lets something read it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
from source_trees import list_nodes, parse_builder

from builder.image.spec import model

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(model.__file__).parent
READING = {"allow", "checks", "model", "paths", "positions", "reader", "repair", "types"}
"""Modules beside the model that read and check the file. A key that they alone look at changes nothing."""
SLIM_KEYS = tuple(model.SlimTable.model_fields)
EXCUSED = {
    **{f"slim.{key}": "all are read at once; tests/unit/scripts looks for each rule's code" for key in SLIM_KEYS},
}


def tables_in(annotation: object) -> Iterator[type[model._SpecTable]]:
    """The tables that a field's type holds: itself, or in a mapping or union."""
    if isinstance(annotation, type) and issubclass(annotation, model._SpecTable):
        yield annotation
    for part in get_args(annotation):
        yield from tables_in(part)


def keys_of(table: type[model._SpecTable], field: str = "") -> Iterator[tuple[str, str, str]]:
    """Of each key that is not a table itself: the class of its table, the field that holds that, and the key's name."""
    for key, value in table.model_fields.items():
        inner = tuple(tables_in(value.annotation))
        if not inner:
            yield table.__name__, field, key
        for one in inner:
            yield from keys_of(one, key)


def holder_of(node: ast.expr) -> ast.expr:
    """``a.b`` of ``a.b[…]`` and of ``a.b.get(…)``."""
    if isinstance(node, ast.Subscript):
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        return node.func.value
    return node


def words_behind_names(function: ast.FunctionDef) -> dict[str, set[str]]:
    """Name in a function → words of its annotation, and attributes in what it is made from."""
    found: dict[str, set[str]] = defaultdict(set)
    for node in list_nodes(function):
        if isinstance(node, ast.arg) and node.annotation is not None:
            found[node.arg].update(re.findall(r"\w+", ast.unparse(node.annotation)))
        elif isinstance(node, ast.Assign | ast.NamedExpr | ast.comprehension | ast.For):
            source = node.iter if isinstance(node, ast.comprehension | ast.For) else node.value
            words = {one.attr for one in ast.walk(source) if isinstance(one, ast.Attribute)}
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for one in ast.walk(target):
                    if isinstance(one, ast.Name):
                        found[one.id] |= words
    return found


def reads_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each attribute that is looked at, with what it is looked at of: a field's name, or the class of a table."""
    for function in (node for node in list_nodes(tree) if isinstance(node, ast.FunctionDef)):
        behind = words_behind_names(function)
        for node in list_nodes(function):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                holder = holder_of(node.value)
                if isinstance(holder, ast.Attribute):
                    yield holder.attr, node.attr
                elif isinstance(holder, ast.Name):
                    yield from ((word, node.attr) for word in behind.get(holder.id, ()))


@pytest.fixture(scope="module")
def reads() -> set[tuple[str, str]]:
    """Of every module but those that read the file."""
    trees = parse_builder().items()
    used = (tree for path, tree in trees if path.parent != FOLDER or path.stem not in READING)
    return {read for tree in used for read in reads_in(tree)}


KEYS = tuple(keys_of(model.SpecFile))


@pytest.mark.parametrize(("table", "field", "key"), KEYS)
def test_a_key_of_the_spec_is_read_by_what_it_is_for(
    table: str, field: str, key: str, reads: set[tuple[str, str]]
) -> None:
    whole = "Spec" if table == "SpecFile" else table  # what is not a table itself is read of the whole
    used = bool({(field, key), (whole, key)} & reads)
    assert used is (f"{field}.{key}" not in EXCUSED), f"nothing but the reader of the file looks at {field}.{key}"


def test_the_keys_of_all_tables_are_looked_for() -> None:
    names = {f"{field}.{key}" for _, field, key in KEYS}
    assert names > {*EXCUSED, "image.name", "roles.enabled", "health.port"}
