"""What the short way makes of an option's value is what typer makes of it."""

from __future__ import annotations

import os
import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from builder.cli.typer_values import convert_simple_value, skip_conversion


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


LINES: list[list[str]] = [
    [],
    ["--text", "x"],
    ["--text", ""],
    ["--many", "a", "--many", "b"],
    ["--color", "blue"],
    ["--flag", "--no-other"],
    ["--number", "7"],
    ["--path", "a/b"],
    ["--path", ""],
    ["--path", "a\0b"],
    ["--path", "/"],
    ["--path", "/dev/null/x"],
    ["--path", "unreadable"],
    ["--here", "nowhere"],
    ["--here", "/"],
    ["--file", "/"],
    ["--color", "green"],
    ["--color", "BLUE"],
    ["--number", "x"],
    ["word"],
]


def parsed(words: list[str], *, short: bool) -> dict[str, Any] | str:
    """What a command gets for a command line; or the words of the error."""
    got: dict[str, Any] = {}

    def command(  # noqa: PLR0917 - a parameter per kind
        word: Annotated[str, typer.Argument()] = "none",
        text: Annotated[str | None, typer.Option("--text")] = None,
        many: Annotated[list[str] | None, typer.Option("--many")] = None,
        color: Annotated[Color, typer.Option("--color")] = Color.RED,
        flag: Annotated[bool, typer.Option("--flag")] = False,
        other: Annotated[bool, typer.Option("--other/--no-other")] = True,
        number: Annotated[int | None, typer.Option("--number")] = None,
        path: Annotated[Path | None, typer.Option("--path")] = None,
        folder: Annotated[Path, typer.Option("--folder")] = Path(),
        here: Annotated[Path | None, typer.Option("--here", exists=True)] = None,
        file: Annotated[Path | None, typer.Option("--file", dir_okay=False)] = None,
    ) -> None:
        got.update(locals())

    app = typer.Typer(add_completion=False)
    app.command()(command)
    made: Any = typer.main.get_command(app)
    for parameter in made.params if short else ():
        skip_conversion(parameter)
    try:
        with made.make_context("x", list(words)) as context:
            made.invoke(context)
    except typer.TyperException as error:
        return str(error)
    return {name: value for name, value in got.items() if name != "got"}


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_both_ways_agree(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("unreadable").touch()
    access = os.access  # a test may run as root, who can read everything
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != "unreadable" and access(path, mode))
    assert parsed(words, short=True) == parsed(words, short=False)


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ("x", str, "x"),
        (True, bool, True),
        (("a", "b"), list[str], ["a", "b"]),
        ("red", Color, Color.RED),
        (Color.BLUE, Color, Color.BLUE),
        ("green", Color, None),
        ("yes", bool, None),
        (b"x", str, None),
        (("a", 1), list[str], None),
        ("x", Path, Path("x")),
        (Path("x"), Path, Path("x")),
        ("a\0b", Path, None),
        (7, Path, None),
        (7, int, None),
        (None, str, None),
    ],
)
def test_only_what_is_plain_is_taken_as_it_is(value: Any, annotation: Any, expected: Any) -> None:
    assert convert_simple_value(value, annotation) == expected


def test_typer_still_has_the_slot_and_asks_what_is_in_it() -> None:
    """When this fails, typer's minor version was raised: see cli/typer_values.py and the pin in pyproject.toml."""

    def command(word: str) -> None:
        """Of one parameter."""

    app = typer.Typer(add_completion=False)
    app.command()(command)
    (parameter, *_) = typer.main.get_command(app).params
    asked: Any = parameter
    skip_conversion(asked)
    assert type(asked.get_runtime_param()).__module__ == "builder.cli.typer_values"
    assert asked.get_runtime_param() is asked._runtime_param


def test_typers_minor_version_is_pinned() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (pin,) = (text for text in project["dependencies"] if text.startswith("typer"))
    bounds = re.fullmatch(r"typer>=0\.(\d+),<0\.(\d+)", pin)
    assert bounds
    assert int(bounds[2]) == int(bounds[1]) + 1


def test_a_typer_that_is_built_in_another_way_is_left_alone() -> None:
    class Other:
        pass

    parameter = Other()
    skip_conversion(parameter)
    assert vars(parameter) == {}
