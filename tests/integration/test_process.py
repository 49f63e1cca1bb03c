"""Real children: their streams, their end, and that none is left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from builder.core import process
from builder.core.errors import ToolError, ToolMissingError, ToolTimeoutError
from builder.core.process import Command, LocalRunner, terminate_children


def sh(script: str, **options: Any) -> Command:
    return Command(("sh", "-c", script), **options)


def alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def pid_in(file: Path) -> int:
    """The number that a child writes as soon as it runs."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if file.exists() and file.read_text().endswith("\n"):
            return int(file.read_text())
        time.sleep(0.02)
    raise AssertionError(f"{file} was not written")


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_streams_exit_code_folder_and_environment(tmp_path: Path) -> None:
    command = sh('pwd; echo "$X" >&2; exit 7', cwd=tmp_path, env={"X": "ü", "PATH": os.environ["PATH"]})
    result = LocalRunner().run(command)
    assert (result.code, result.out, result.err) == (7, f"{tmp_path}\n", "ü\n")
    assert result.elapsed > 0


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    assert LocalRunner().run(sh(r"printf '\377'")).out == "\ufffd"


def test_lines_arrive_while_the_child_runs() -> None:
    seen: list[tuple[str, float]] = []
    LocalRunner().run(sh("echo one; sleep 0.5; echo two"), on_out=lambda line: seen.append((line, time.monotonic())))
    assert [line for line, _ in seen] == ["one", "two"]
    assert seen[1][1] - seen[0][1] > 0.3


def test_a_megabyte_on_each_stream_and_on_stdin_stops_nobody() -> None:
    result = LocalRunner().run(sh("tee /dev/stderr", stdin=b"x" * 1_000_000, timeout=20))
    assert (len(result.out), len(result.err)) == (1_000_000, 1_000_000)


def test_a_child_that_does_not_read_its_stdin() -> None:
    assert LocalRunner().run(sh("exit 3", stdin=b"x" * 1_000_000)).code == 3


def test_a_child_that_does_not_read_cannot_get_around_the_time_limit() -> None:
    started = time.monotonic()
    with pytest.raises(ToolTimeoutError):
        LocalRunner().run(sh("sleep 60", stdin=b"x" * 1_000_000, timeout=0.5))
    assert time.monotonic() - started < 8


def test_a_missing_tool() -> None:
    with pytest.raises(ToolMissingError, match="no-such-tool") as caught:
        LocalRunner().run(Command(("no-such-tool",), install_hint="apt-get install it"))
    assert caught.value.hint == "apt-get install it"


def test_a_missing_folder_is_not_a_missing_tool(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LocalRunner().run(sh("true", cwd=tmp_path / "none"))


@pytest.mark.parametrize("mode", [0o644, 0o755], ids=["not executable", "no program"])
def test_a_file_that_cannot_be_started(tmp_path: Path, mode: int) -> None:
    (tmp_path / "tool").write_bytes(b"\x00\x01")
    (tmp_path / "tool").chmod(mode)
    with pytest.raises(ToolError, match="cannot be started"):
        LocalRunner().run(Command((str(tmp_path / "tool"),)))


def test_too_slow_a_child_is_ended_with_its_children(tmp_path: Path) -> None:
    script = f"sleep 61 & echo $! > {tmp_path}/pid; wait"
    with pytest.raises(ToolTimeoutError, match=r"did not answer within 0\.5 s"):
        LocalRunner().run(sh(script, timeout=0.5))
    assert gone(pid_in(tmp_path / "pid"))


def test_a_grandchild_may_clean_up_although_the_child_ended_at_once(tmp_path: Path) -> None:
    """As mmdebstrap below a script: it unmounts and deletes when it is told to end."""
    cleaner = f"trap 'sleep 1; echo > {tmp_path}/cleaned; exit' TERM; sleep 65 & wait"
    with pytest.raises(ToolTimeoutError):
        LocalRunner().run(sh(f'sh -c "{cleaner}" & sleep 64', timeout=1))
    assert (tmp_path / "cleaned").exists()


def test_who_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TERMINATE_GRACE_SECONDS", 0.3)
    script = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.1; done"
    with pytest.raises(ToolTimeoutError):
        LocalRunner().run(sh(script, timeout=0.5))
    assert gone(pid_in(tmp_path / "pid"))


def test_an_error_of_a_callback_is_raised_and_the_child_still_ends() -> None:
    def fail(_line: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        LocalRunner().run(sh("seq 100000", timeout=20), on_out=fail)


def test_children_of_worker_threads_end_when_a_signal_handler_says_so() -> None:
    codes: list[int] = []
    worker = threading.Thread(target=lambda: codes.append(LocalRunner().run(sh("exec sleep 62")).code))
    worker.start()
    deadline = time.monotonic() + 5
    while worker.is_alive() and time.monotonic() < deadline:
        terminate_children()
        time.sleep(0.05)
    worker.join(1)
    assert codes == [-signal.SIGTERM]


PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from builder.cli import main
from builder.core.process import Command, LocalRunner
import types, typer

def command() -> None:
    "Try."
    script = f"sleep 63 & echo $! > {sys.argv[1]}/$0; wait"
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: LocalRunner().run(Command(("sh", "-c", script, name))), ("one", "two")))

sys.modules["builder.cli.try"] = types.SimpleNamespace(command=command)
sys.exit(main.run(["try"], main.make_local_runtime, {"try": "Try."}))
"""


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGTERM, "ended by a signal"), (signal.SIGINT, "interrupted")],
    ids=["SIGTERM", "SIGINT"],
)
def test_a_signal_ends_optbuild_with_130_and_everything_it_started(
    tmp_path: Path, number: signal.Signals, words: str
) -> None:
    argv = (sys.executable, "-c", PROGRAM, str(tmp_path))
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as optbuild:
        children = [pid_in(tmp_path / name) for name in ("one", "two")]
        optbuild.send_signal(number)
        _, err = optbuild.communicate(timeout=20)
    assert optbuild.returncode == 130
    assert err == f"optbuild: {words}\n"
    assert all(gone(pid) for pid in children)
