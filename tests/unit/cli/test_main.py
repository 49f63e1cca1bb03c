"""Exit codes and the last words of the executable, for each way in which a command can end."""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import typer

from builder import __version__
from builder.cli import main as cli
from builder.cli.overview import COMMANDS
from builder.cli.runtime import find_runtime
from builder.core.errors import CheckFailedError, SpecError, ToolError, ToolFailedError, Where
from builder.core.progress import SilentProgress
from builder.core.runtime import Runtime

if TYPE_CHECKING:
    from builder.core.process import Command, ProcessResult

COMMAND = {"try": "Try something."}
Body = Callable[[Runtime], None]


class NoRunner:
    """No command of this file starts a process."""

    def run(self, command: Command, **_callbacks: object) -> ProcessResult:
        raise AssertionError(f"unexpected: {command}")


@pytest.fixture(autouse=True)
def _signals_as_in_a_terminal() -> Iterator[None]:
    """Also where the test run itself is told to go on after a hang-up (nohup)."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """``run(body, *argv)``: an optbuild whose one command is ``try``, with that body."""

    def with_body(body: Body, *argv: str, state: Path = tmp_path) -> int:
        def command(ctx: typer.Context) -> None:
            """Try something."""
            body(find_runtime(ctx))

        monkeypatch.setitem(sys.modules, "builder.cli.try", SimpleNamespace(command=command))

        def make_runtime(*, quiet: bool) -> Runtime:
            env: Mapping[str, str] = {"XDG_STATE_HOME": str(state), "QUIET": str(quiet), "DB_PWD": "pwd-hunter"}
            return Runtime(env, tmp_path, sys.stdout, sys.stderr, NoRunner(), SilentProgress(), color=False)

        return cli.run(argv or ("try",), make_runtime, COMMAND)

    return with_body


def raising(error: BaseException) -> Body:
    def body(_runtime: Runtime) -> None:
        raise error

    return body


ENDINGS = {
    "done": (lambda _runtime: None, 0, ""),
    "own exit code": (raising(typer.Exit(1)), 1, ""),
    "check failed": (raising(CheckFailedError("stale")), 1, "optbuild: error: stale\n"),
    "bad spec": (
        raising(SpecError("bad", where=Where("a.toml", 3, "image.name"), hint="write it")),
        2,
        "optbuild: error: a.toml:3: image.name: bad\n  next: write it\n",
    ),
    "tool failed": (raising(ToolError("no engine")), 3, "optbuild: error: no engine\n"),
    "no permission": (
        raising(PermissionError(13, "Permission denied", "/x")),
        3,
        "optbuild: error: /x: Permission denied\n",
    ),
    "a file larger than the disk takes": (
        raising(OSError(27, "File too large")),
        3,
        "optbuild: error: the operating system: File too large\n",
    ),
    "a broken disk": (
        raising(OSError(5, "Input/output error", "/x")),
        3,
        "optbuild: error: /x: Input/output error\n",
    ),
    "a name that no disk takes": (
        raising(OSError(36, "File name too long", "/x")),
        3,
        "optbuild: error: /x: File name too long\n",
    ),
    "ctrl-c": (raising(KeyboardInterrupt()), 130, "optbuild: interrupted\n"),
    "question not answered": (raising(typer.Abort()), 130, "optbuild: interrupted\n"),
    "sigterm": (lambda _runtime: os.kill(os.getpid(), signal.SIGTERM), 130, "optbuild: ended by a signal\n"),
    "sighup": (lambda _runtime: os.kill(os.getpid(), signal.SIGHUP), 130, "optbuild: ended by a signal\n"),
}


@pytest.mark.parametrize(("body", "code", "text"), ENDINGS.values(), ids=ENDINGS)
def test_each_ending_has_its_code_and_its_words(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], body: Body, code: int, text: str
) -> None:
    assert run(body) == code
    assert capsys.readouterr().err == text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_what_is_free(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path, number: int
) -> None:
    """A write that fails does not say of which file; the cache's folder is not known here."""
    assert run(raising(OSError(number, os.strerror(number)))) == 3
    said = capsys.readouterr().err
    assert said.startswith(f"optbuild: error: the operating system: {os.strerror(number)}\n  a disk is full; free are ")
    for folder in (tmp_path, tmp_path / "optbuild", Path(tempfile.gettempdir())):
        assert re.search(rf"[\d,]+\.\d MB at {re.escape(str(folder))}", said)
    assert "\n  next: make room there" in said


def test_a_program_that_found_a_full_disk_is_not_blamed(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    words = "E: Write error - write (28: No space left on device)"
    assert run(raising(ToolFailedError("apt-get update", 100, words, hint="check the network"))) == 3
    said = capsys.readouterr().err
    assert words in said
    assert " MB at " in said
    assert "network" not in said


def test_sigterm_is_not_swallowed_by_a_broad_except(run: Callable[..., int]) -> None:
    def body(_runtime: Runtime) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Exception:  # noqa: BLE001 - the point
            return

    assert run(body) == 130


def test_the_handler_of_sigterm_is_put_back(run: Callable[..., int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    run(lambda _runtime: None)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_bug_leaves_its_traceback_in_a_log(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(raising(ZeroDivisionError("that cannot be\nsecond line"))) == 4
    (log,) = (tmp_path / "optbuild" / "logs").iterdir()
    error = capsys.readouterr().err
    assert "Traceback" in log.read_text()
    assert "ZeroDivisionError: that cannot be" in log.read_text()
    assert __version__ in log.read_text()
    assert error.startswith("optbuild: error: this is a bug of optbuild: ZeroDivisionError: that cannot be\n")
    assert str(log) in error
    assert "Traceback" not in error


def test_neither_an_error_nor_the_log_of_a_bug_shows_a_secret(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(raising(CheckFailedError("cannot fetch postgresql://me:hunter2@db/x"))) == 1
    assert capsys.readouterr().err == "optbuild: error: cannot fetch postgresql://me:***@db/x\n"
    assert run(raising(ZeroDivisionError("not https://me:hunter2@x.example nor pwd-hunter"))) == 4
    (log,) = (tmp_path / "optbuild" / "logs").iterdir()
    for shown in (capsys.readouterr().err, log.read_text()):
        assert "hunter" not in shown
        assert "ZeroDivisionError: not https://***@x.example nor ***" in shown


def test_a_bug_whose_log_cannot_be_written_is_still_told(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert run(raising(ZeroDivisionError("x")), state=tmp_path / "file") == 4
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_is_told_where_no_runtime_can_be_made(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    def no_runtime(**_options: object) -> Runtime:
        raise RuntimeError("a bug in the making of worlds")

    assert run(lambda _runtime: None) == 0  # the command is there now
    assert cli.run(("try",), no_runtime, COMMAND) == 4
    error = capsys.readouterr().err
    assert "RuntimeError: a bug in the making of worlds" in error
    assert error.count("Traceback") == 1


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("tri",), "Did you mean 'try'?"),
        (("nothing",), "No such command 'nothing'"),
        (("try", "--nope"), "No such option: --nope"),
        (("try", "more"), "unexpected extra argument"),
        (("--nope",), "No such option: --nope"),
    ],
)
def test_wrong_usage_is_2(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], text: str
) -> None:
    assert run(raising(AssertionError()), *argv) == 2
    assert text in capsys.readouterr().err


def test_no_command_shows_the_help(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(AssertionError()), "--help") == 0
    out = capsys.readouterr().out
    assert "Try something." in out
    assert "optbuild doctor" in out


def test_the_version(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(AssertionError()), "--version") == 0
    assert capsys.readouterr().out == f"optbuild {__version__}\n"


@pytest.mark.parametrize(
    ("argv", "quiet"),
    [(("try",), "False"), (("-q", "try"), "True"), (("--quiet", "try"), "True"), (("try", "-q"), "True")],
    ids=["alone", "short before", "long before", "short behind"],
)
def test_quiet_reaches_the_world(run: Callable[..., int], argv: tuple[str, ...], quiet: str) -> None:
    seen = []
    assert run(lambda runtime: seen.append(runtime.env["QUIET"]), *argv) == 0
    assert seen == [quiet]


def test_a_reader_that_went_away_is_no_error(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as gone:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stdout", gone)
        assert run(lambda runtime: runtime.out.write("data\n") and None) == 128 + signal.SIGPIPE
    assert capsys.readouterr().err == ""


def test_another_broken_pipe_is_a_bug(run: Callable[..., int], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(raising(BrokenPipeError(32, "Broken pipe"))) == 4
    assert "BrokenPipeError" in capfd.readouterr().err


def test_the_commands_are_in_the_order_in_which_one_meets_them() -> None:
    first = ("plan", "optimize", "rollback", "init", "schema", "lock", "render", "build", "verify")
    order = (*first, "images", "inspect", "diff", "clean", "backup", "restore", "doctor", "completion")
    assert order == tuple(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    def no_runtime(**_options: object) -> Runtime:
        raise AssertionError("--help needs no runtime")

    assert cli.run((name, "--help"), no_runtime) == 0
    assert f"Usage: optbuild {name}" in capsys.readouterr().out
