"""The rows of the commands are what their own help says."""

from __future__ import annotations

import pytest

from builder.cli import main as cli
from builder.cli.overview import COMMANDS, GROUPS
from builder.cli.reference.commands import read_commands
from builder.report.commands.completion import format_bash_completion, format_fish_completion, format_zsh_completion
from builder.report.commands.rows import CommandRow, ValueKind

ROWS = tuple(read_commands())


def find(name: str) -> CommandRow:
    return next(row for row in ROWS if row.name == name)


def test_there_is_a_row_for_each_command_in_its_group() -> None:
    assert {row.name: row.summary for row in ROWS} == dict(COMMANDS)
    assert all(row.name in GROUPS[row.group] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_its_options_are_those_of_the_help(row: CommandRow, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run((row.name, "--help"), lambda **_options: pytest.fail("--help needs no runtime")) == 0
    text = "".join(capsys.readouterr().out.split())  # a long word with hyphens is broken
    assert not [name for option in row.options for name in option.names if name not in text]
    assert not [option.help for option in row.options if "".join(option.help.split()) not in text]
    assert not [part for part in row.text if "".join(part.split()) not in text]


def test_values_are_known_by_their_kind() -> None:
    plan = {name: option for option in find("plan").options for name in option.names}
    assert plan["--format"].choices == ("text", "concise", "json", "github", "sarif")
    assert "warning" in plan["--fail-level"].choices
    assert (plan["-f"].kind, plan["-f"].repeated) == (ValueKind.FILE, True)
    assert (plan["--builder-service"].kind, plan["--spec"].kind) == (ValueKind.SERVICE, ValueKind.FOLDER)
    assert plan["--image-only"].metavar == ""
    assert [one.kind for one in find("diff").arguments] == [ValueKind.IMAGE, ValueKind.IMAGE]
    assert find("completion").arguments[0].choices == ("bash", "zsh", "fish")


@pytest.mark.parametrize("write", [format_bash_completion, format_zsh_completion, format_fish_completion])
def test_each_script_names_all_commands_and_long_options(write: object) -> None:
    assert callable(write)
    text = write(ROWS)
    names = {name for row in ROWS for option in row.options for name in option.names if name.startswith("--")}
    assert not [name for name in names if name not in text and f"-l {name[2:]} " not in text]
    assert not [row.name for row in ROWS if row.name not in text]
