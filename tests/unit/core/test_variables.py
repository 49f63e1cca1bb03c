"""The grammar of variables, and what the policies make of those without a value."""

from __future__ import annotations

import pytest

from builder.core.variables import MOST_CHARACTERS, Policy, replace_variables

COMPOSE = Policy(unset="", required=None, escapes=True)
DOCKERFILE = Policy(unset=None, required=None, escapes=False)
STARRED = Policy(unset="*", required="*", escapes=True)
VARIABLES = {"X": "x", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "compose", "dockerfile", "starred"),
    [
        ("$X ${X} ${X:-d} ${X:+a} ${X:?m}", "x x x a x", "x x x a x", "x x x a x"),
        ("$N|${N}", "|", "$N|${N}", "*|*"),
        ("${N:?m}|${N?m}", "${N:?m}|${N?m}", "${N:?m}|${N?m}", "*|*"),
        ("${EMPTY:-d}|${EMPTY-d}|${EMPTY:+a}|${EMPTY+a}", "d|||a", "d|||a", "d|||a"),
        ("${N:-d}|${N-d}|${N:+a}|${N+a}", "d|d||", "d|d||", "d|d||"),
        ("${N:-${M:-${X}}y}", "xy", "xy", "xy"),
        ("${N:-$M}", "", "$M", "*"),
        ("$$X $$$X $$", "$X $x $", "$x $$x $$", "$X $x $"),
        ("$Xé $X-1 $X_", "xé x-1 ", "xé x-1 $X_", "xé x-1 *"),
        ("${X ${1} $1 ${not this} }", "${X ${1} $1 ${not this} }", "${X ${1} $1 ${not this} }", None),
        ("${N:-a}b}", "ab}", "ab}", "ab}"),
    ],
)
def test_each_policy(text: str, compose: str, dockerfile: str, starred: str | None) -> None:
    assert replace_variables(text, VARIABLES, COMPOSE) == compose
    assert replace_variables(text, VARIABLES, DOCKERFILE) == dockerfile
    assert starred is None or replace_variables(text, VARIABLES, STARRED) == starred


@pytest.mark.parametrize("text", ["${" * 50_000, "$" * 50_001, "}" * 50_000, "${A:-$" * 10_000])
def test_what_is_broken_stays_and_takes_no_time(text: str) -> None:
    assert replace_variables(text, {}, DOCKERFILE) == text


def test_what_is_nested_too_deep_stays() -> None:
    text = "${A:-" * 5_000 + "z" + "}" * 5_000
    found = replace_variables(text, {}, COMPOSE)
    assert found.startswith("${A:-")
    assert len(found) > 25_000
    assert replace_variables("${A:-" * 20 + "z" + "}" * 20, {}, COMPOSE) == "z"


def test_what_would_grow_without_end_stays_as_it_is_written() -> None:
    value = "x" * 8
    for _ in range(60):
        value = replace_variables("${A}$A", {"A": value}, COMPOSE)
    assert len(value) <= MOST_CHARACTERS
    assert replace_variables("$A" * 3, {"A": "y" * (MOST_CHARACTERS // 2)}, COMPOSE) == "$A$A$A"
