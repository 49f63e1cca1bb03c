"""The syntax trees of the project's own files, each parsed once for all tests that ask about them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

BUILDER = Path(__file__).parents[3] / "builder"


@cache
def parse_file(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def list_nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """As :func:`ast.walk`, which takes longer than most of what is asked of the nodes."""
    return tuple(ast.walk(tree))


@cache
def parse_builder() -> dict[Path, ast.Module]:
    """Every module of builder/, in the order of its paths."""
    return {path: parse_file(path) for path in sorted(BUILDER.rglob("*.py"))}
