"""A stage is given one Runtime and its own values, not the parts of a Runtime one by one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from source_trees import list_nodes, parse_builder

BUILDER = Path(__file__).parents[2] / "builder"

RUNTIME_PARTS = {"env", "runner", "progress", "cache_folder", "state_folder", "cwd", "out", "err"}
"""What one Runtime holds."""
PART_TYPES = {"Runner": "runner", "Progress": "progress"}
"""A parameter of such a type is that part, whatever it is called."""
MOST_PARTS = 2
"""Given separately to one function: who needs more is given a Runtime."""
TAKES_PARTS: dict[str, set[str]] = {"core.runtime.Runtime": RUNTIME_PARTS - {"cache_folder", "state_folder"}}
"""Functions and classes that must take more, with what they take; an entry that nothing uses fails."""


def separate_parts(tree: ast.AST, module: str) -> dict[str, set[str]]:
    """Functions, and classes by their annotated fields, that take more parts of a Runtime than ``MOST_PARTS``."""
    found = {}
    for node in list_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = node.args
            named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            pairs = [(one.arg, one.annotation) for one in named]
        elif isinstance(node, ast.ClassDef):
            fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            pairs = [(ast.unparse(one.target), one.annotation) for one in fields]
        else:
            continue
        parts = {PART_TYPES.get(ast.unparse(kind) if kind else "", name) for name, kind in pairs} & RUNTIME_PARTS
        if len(parts) > MOST_PARTS:
            found[f"{module}.{node.name}"] = parts
    return found


def test_a_runtime_is_passed_whole() -> None:
    """And an exception that nothing uses any more fails."""
    found: dict[str, set[str]] = {}
    for path, tree in parse_builder().items():
        module = ".".join(path.relative_to(BUILDER).with_suffix("").parts)
        found |= separate_parts(tree, module)
    assert found == TAKES_PARTS


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(env, runner, *, progress): ...", {"env", "runner", "progress"}),
        ("class A:\n    async def f(self, cwd, /, out, err): ...", {"cwd", "out", "err"}),
        ("def f(env, tools: Runner, shown: Progress): ...", {"env", "runner", "progress"}),
        (
            "class A:\n    env: Any\n    cache_folder: Path\n    state_folder: Path",
            {"env", "cache_folder", "state_folder"},
        ),
        ("def f(runtime, env, runner): ...", set()),
        ("class A:\n    def f(self, env, out): ...\n    def g(self, err): ...", set()),
    ],
)
def test_parts_of_a_runtime_are_caught(source: str, found: set[str]) -> None:
    assert set().union(*separate_parts(ast.parse(source), "a").values()) == found
