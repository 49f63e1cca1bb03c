"""`optbuild --help` is what typer would print, without typer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import typer
from typer.core import TyperGroup

from builder.cli import main as cli
from builder.cli.app import app
from builder.cli.overview import COMMANDS, MOST_COLUMNS, format_overview

if TYPE_CHECKING:
    from builder.core.runtime import Runtime


def no_runtime(**_options: object) -> Runtime:
    raise AssertionError("--help needs no runtime")


def typer_overview(columns: int) -> str:
    """What typer's own group makes of the commands' docstrings."""
    group: Any = typer.main.get_command(app)
    group.summaries = COMMANDS
    most = {"max_content_width": MOST_COLUMNS, "help_option_names": ["-h", "--help"]}
    context = typer.Context(group, info_name="optbuild", **cast("Any", most))
    context.terminal_width = max(min(columns, MOST_COLUMNS) - 2, 50)
    return TyperGroup.get_help(group, context)


@pytest.mark.parametrize("columns", [20, 52, 53, 60, 72, 79, 80, 81, 90, 99, 100, 101, 200])
def test_it_is_what_typer_would_print(columns: int) -> None:
    assert format_overview(COMMANDS, columns) == typer_overview(columns)


@pytest.mark.parametrize("argv", [("--help",), ("-h",), ("-q", "--help")])
def test_each_way_to_ask_gives_it(
    argv: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    assert cli.run(argv, no_runtime) == 0
    assert capsys.readouterr().out == format_overview(COMMANDS, 77) + "\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_line_is_the_first_paragraph_of_the_command_s_help(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In full: above it may be cut."""
    monkeypatch.setenv("COLUMNS", "100")
    assert cli.run((command, "--help"), no_runtime) == 0
    paragraph = capsys.readouterr().out.split("\n\n")[1]
    assert " ".join(paragraph.split()) == COMMANDS[command]
