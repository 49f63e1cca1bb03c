"""Commands as values. What happens to real children: tests/integration/test_process.py."""

from __future__ import annotations

import pytest

from builder.core.errors import ExitCode, ToolFailedError, ToolMissingError, ToolTimeoutError
from builder.core.process import Command, ProcessResult


@pytest.mark.parametrize("argv", [(), ("",)])
def test_a_command_needs_an_executable(argv: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="at least its executable"):
        Command(argv)


def test_a_command_is_shown_as_a_shell_would_read_it() -> None:
    assert str(Command(("a", "b c", "$d"))) == "a 'b c' '$d'"


def test_secrets_are_masked_wherever_a_command_is_shown() -> None:
    command = Command(
        ("tool", "--url", "https://u:geheim@x/"), env={"T": "geheim"}, stdin=b"geheim", secrets=("geheim",)
    )
    assert str(command) == "tool --url https://u:***@x/"
    assert "geheim" not in repr(command).replace(repr(command.argv), "")
    assert "geheim" not in str(ToolTimeoutError(str(command), 1))


def test_how_long_it_took_does_not_make_results_differ() -> None:
    assert ProcessResult(Command(("a",)), 0, "", "", elapsed=1.0) == ProcessResult(
        Command(("a",)), 0, "", "", elapsed=2.0
    )
    assert not ProcessResult(Command(("a",)), 1, "", "").ok


def test_failures_of_tools_end_with_exit_code_3_and_say_what_the_tool_said() -> None:
    failed = ToolFailedError("docker build", 17, "\n".join(f"line {number}" for number in range(30)), hint="look")
    assert failed.exit_code is ExitCode.ENGINE
    assert "line 29" in str(failed)
    assert "line 9" not in str(failed)
    assert str(failed).endswith("next: look")
    assert str(ToolMissingError("uv", hint="install it")) == ("uv is not installed, or not on PATH\n  next: install it")
