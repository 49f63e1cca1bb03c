"""How long other programs may take: the table, its variables, and that no call is without a limit."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from source_trees import list_nodes, parse_builder

from builder.cli.runtime import make_local_runtime
from builder.core.errors import ExitCode, TimeLimitError
from builder.core.limits import CONFIG_LIMIT, LIMITS, TimeLimit
from builder.core.process import Command

ROOT = Path(__file__).parents[3]


def find_unlimited_commands(tree: ast.Module) -> list[int]:
    """The lines of calls of Command that set no limit."""
    calls = [node for node in list_nodes(tree) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if name_of(call.func) == "Command" and not sets_limit(call)]


def name_of(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def sets_limit(call: ast.Call) -> bool:
    given = [word.value for word in call.keywords if word.arg == "timeout"]
    return bool(given) and not (isinstance(given[0], ast.Constant) and given[0].value is None)


def test_every_command_has_a_time_limit() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path, tree in parse_builder().items()
        if (lines := find_unlimited_commands(tree))
    }
    assert not found, "pass timeout=, of a limit in builder/core/limits.py"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("Command(('a',))", [1]),
        ("\nprocess.Command(('a',), env=env)", [2]),
        ("Command(('a',), timeout=None)", [1]),
        ("Command(('a',), timeout=LIMIT.read(env))", []),
        ("ShellCommand(('a',))", []),
    ],
)
def test_the_guard_sees_a_call_without_one(source: str, lines: list[int]) -> None:
    assert find_unlimited_commands(ast.parse(source)) == lines


@pytest.mark.parametrize("limit", LIMITS, ids=[limit.variable for limit in LIMITS])
def test_a_limit_has_its_own_variable_and_is_in_the_docs(limit: TimeLimit) -> None:
    assert [one.variable for one in LIMITS].count(limit.variable) == 1
    page = (ROOT / "docs/explanation/limits-and-signals.md").read_text(encoding="utf-8")
    assert f"`{limit.variable}`" in page
    table = (ROOT / "docs/reference/exit-codes-and-environment.md").read_text(encoding="utf-8")
    assert f"| `{limit.variable}` | the most seconds {limit.purpose} ({limit.seconds:g} without it) |" in table
    assert limit.read({}).seconds == limit.seconds
    assert limit.read({limit.variable: ""}).seconds == limit.seconds
    assert limit.read({limit.variable: "7.5"}).seconds == 7.5
    assert f"{limit.variable}=" in (limit.read({}).advice or "")


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "1 min"])
def test_what_is_not_a_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(TimeLimitError, match="OPTBUILD_COMPOSE_SECONDS") as caught:
        CONFIG_LIMIT.read({"OPTBUILD_COMPOSE_SECONDS": text})
    assert repr(text) in caught.value.message
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("limit", LIMITS, ids=[limit.variable for limit in LIMITS])
def test_a_wrong_limit_is_refused_before_any_work(limit: TimeLimit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limit.variable, "never")
    with pytest.raises(TimeLimitError, match=limit.variable):
        make_local_runtime()


def test_a_command_says_its_seconds_whichever_way_they_were_given() -> None:
    assert Command(("a",), timeout=CONFIG_LIMIT.read({})).seconds == 60
    assert Command(("a",), timeout=2.5).seconds == 2.5
    assert Command(("a",)).seconds is None
