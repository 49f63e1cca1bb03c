"""Imports read from bytecode are those that Python's own parser finds."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from build_scripts import load_build_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@pytest.fixture
def imports() -> Iterator[ModuleType]:
    with load_build_script("imports") as module:
        yield module


SOURCE = """
import a, b.c as d
from . import near
from .. import up
from ..up.tests import x as y, z
from ...... import beyond
from e import *
import os.path
try:
    import f
except ImportError:
    f = None
class C:
    from g import h
    def method(self):
        from .later import i
async def run():
    import j
"""


def test_read_imports(imports: ModuleType) -> None:
    found = imports.read_imports(compile(SOURCE, "x", "exec"), "p.q.module", is_package=False)
    assert found.at_import == {
        *(
            "a",
            "b.c",
            "p.q",
            "p.q.near",
            "p",
            "p.up",
            "p.up.tests",
            "p.up.tests.x",
            "p.up.tests.z",
            "e",
            "f",
            "g",
            "g.h",
        )
    }
    assert found.later == {"p.q.later", "p.q.later.i", "j"}


def test_a_package_is_its_own_parent(imports: ModuleType) -> None:
    found = imports.read_imports(compile("from .tests import x", "x", "exec"), "p", is_package=True)
    assert found.at_import == {"p.tests", "p.tests.x"}


def test_long_modules(imports: ModuleType) -> None:
    """More than 256 names: arguments need EXTENDED_ARG."""
    source = "\n".join(f"from .m{number} import n{number}" for number in range(20_000))
    found = imports.read_imports(compile(source, "x", "exec"), "p", is_package=True)
    assert len(found.at_import) == 40_000
    assert "p.m19999.n19999" in found.at_import


def test_bytecode_says_what_the_source_says(imports: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdlib_module_names", frozenset())
    every = 1 if os.environ.get("OPTBUILD_SOAK") else 3
    for file in sorted(Path(ast.__file__).parent.glob("[a-h]*.py"))[::every]:
        source = file.read_bytes()
        found = imports.read_imports(compile(source, file.name, "exec"), file.stem, is_package=False)
        wanted = {name for node in ast.walk(ast.parse(source)) for name in list_names(node)}
        assert found.all() == wanted or (found.all() < wanted and is_partly_left_out(source)), file


def list_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")]
    return []


def is_partly_left_out(source: bytes) -> bool:
    """The compiler leaves out what can never run."""
    return b"if 0:" in source or b"if False" in source


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b.py", "a.b"),
        ("a/__init__.py", "a"),
        ("a.py", "a"),
        ("a/b.abi3.so", "a.b"),
        ("a-1.dist-info/x.py", None),
        ("a/b.txt", None),
    ],
)
def test_name_module(imports: ModuleType, path: str, name: str | None) -> None:
    assert imports.name_module(path) == name
