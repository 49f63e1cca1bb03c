"""`optbuild --help` is what typer would print, without typer, but with its commands in groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import typer
from typer.core import TyperGroup

from builder.cli import main as cli
from builder.cli.app import app
from builder.cli.overview import COMMANDS, GROUPS, MOST_COLUMNS, format_overview

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.core.runtime import Runtime


def no_runtime(**_options: object) -> Runtime:
    raise AssertionError("--help needs no runtime")


def typer_command(line: str) -> Any:
    single = typer.Typer(add_completion=False)
    single.command(help=line)(lambda: None)
    return typer.main.get_command(single)


def typer_overview(columns: int, summaries: Mapping[str, str] = COMMANDS) -> str:
    """What typer's own group makes of the commands' docstrings."""
    group: Any = typer.main.get_command(app)
    group.summaries = summaries
    group.commands = {name: typer_command(line) for name, line in summaries.items()}
    most = {"max_content_width": MOST_COLUMNS, "help_option_names": ["-h", "--help"]}
    context = typer.Context(group, info_name="optbuild", **cast("Any", most))
    context.terminal_width = max(min(columns, MOST_COLUMNS) - 2, 50)
    return TyperGroup.get_help(group, context)


@pytest.mark.parametrize("columns", [20, 52, 53, 60, 72, 79, 80, 81, 90, 99, 100, 101, 200])
def test_above_the_commands_it_is_what_typer_would_print(columns: int) -> None:
    ours, _, _ = format_overview(COMMANDS, columns).partition(f"{next(iter(GROUPS))}:")
    assert ours
    assert ours == typer_overview(columns).partition("Commands:")[0]


@pytest.mark.parametrize("columns", [82, 100, 200])
def test_the_commands_of_one_group_are_as_typer_would_print_them(columns: int) -> None:
    """A group with no name of ours, so that nothing but the heading may differ."""
    strange = {f"x-{name}": line for name, line in COMMANDS.items()}
    assert format_overview(strange, columns) == typer_overview(columns, strange)


def test_the_groups_hold_each_command_once_in_its_order() -> None:
    text = format_overview(COMMANDS, 80)
    listed = [line.split()[0] for line in text.splitlines() if line.startswith("  ") and line.split()[0] in COMMANDS]
    assert listed == list(COMMANDS)
    assert [text.index(f"\n{title}:\n") for title in GROUPS] == sorted(text.index(f"\n{title}:\n") for title in GROUPS)


@pytest.mark.parametrize("columns", [20, 52, 60, 72])
def test_on_a_narrow_terminal_a_line_goes_on_in_the_next(columns: int) -> None:
    words = " ".join(format_overview(COMMANDS, columns).split())
    assert not [line for line in COMMANDS.values() if line not in words]


def test_every_line_is_whole_on_80_columns() -> None:
    text = format_overview(COMMANDS, 80)
    assert not [line for line in COMMANDS.values() if line not in text]
    assert all(len(line) <= 80 for line in text.splitlines())


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
