"""Each command that a page shows could be typed: the program itself takes its words apart, and runs nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer
from shown_commands import REPOSITORY, list_shown_commands

from builder.cli.app import load_command
from builder.cli.overview import COMMANDS

SHOWN = list_shown_commands()
OTHER_PROGRAMS = {"cd", "docker", "export", "make", "man", "mkdir", "python3", "uv", "~/optbuild/bin/python"}
"""What a page may ask for beside optbuild itself."""
USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""Of typer's own click, which has no public name for it."""


def find_problem(words: tuple[str, ...]) -> str | None:
    """What optbuild would refuse before it does anything; None: nothing."""
    if len(words) == 1:
        return None
    if words[1] not in COMMANDS:
        return f"there is no command {words[1]}"
    command = load_command(words[1])
    try:
        command.make_context(words[1], list(words[2:]))
    except USAGE_ERROR as error:
        return str(error)
    return None


def test_each_could_be_typed() -> None:
    own = [one for one in SHOWN if one.words[0] == "optbuild"]
    assert len(own) > 60
    assert {str(one): problem for one in own if (problem := find_problem(one.words))} == {}


def test_beside_optbuild_a_page_asks_for_few_programs() -> None:
    assert {one.words[0] for one in SHOWN} - {"optbuild"} == OTHER_PROGRAMS


def test_each_option_that_is_shown_is_given_to_the_real_program_by_a_test() -> None:
    tests = "".join(path.read_text() for path in (REPOSITORY / "tests/integration").rglob("*.py"))
    options = {word.partition("=")[0] for one in SHOWN if one.words[0] == "optbuild" for word in one.words[2:]}
    spelled = {one: f"{one}|{one[2:].replace('-', '_')}=" for one in options if one.startswith("-")}
    assert not {one for one, forms in spelled.items() if not re.search(rf"[\"\s(](?:{forms})", tests)}


def test_every_command_is_shown_somewhere() -> None:
    assert {one.words[1] for one in SHOWN if one.words[0] == "optbuild"} == set(COMMANDS)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("plan --format xml", "'xml' is not one of"),
        ("plan --nope", "No such option: --nope"),
        ("backup --output folder", "Missing"),
        ("lock one two", "unexpected extra argument"),
        ("prune", "there is no command prune"),
    ],
)
def test_what_could_not(words: str, wrong: str) -> None:
    assert wrong in str(find_problem(("optbuild", *words.split())))
