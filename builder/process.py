"""The only door to other processes: a command is data, its result is data, secrets are masked when shown."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Protocol

from builder.errors import ToolMissingError, ToolTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TERMINATE_GRACE_SECONDS = 10.0
"""How long an interrupted child may take to end by itself before it is killed."""


@dataclass(frozen=True)
class Command:
    """One process to run. ``env`` is the child's whole environment (None: ours); a secret never goes into ``argv``."""

    argv: tuple[str, ...]
    cwd: Path | None = None
    env: Mapping[str, str] | None = None
    stdin: bytes | None = None
    timeout: float | None = None
    """Seconds; the child is ended and :class:`builder.errors.ToolTimeoutError` raised when it takes longer."""
    secrets: tuple[str, ...] = ()
    """Values that are masked wherever the command is shown."""
    install_hint: str = "install it and try again"

    def __post_init__(self) -> None:
        if not self.argv or not self.argv[0]:
            raise ValueError("a command needs at least its executable")

    def __str__(self) -> str:
        text = shlex.join(self.argv)
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


@dataclass(frozen=True)
class Result:
    """How a process ended. ``elapsed`` in seconds; the streams are decoded as UTF-8, undecodable bytes replaced."""

    command: Command
    code: int
    out: str
    err: str
    elapsed: float = field(compare=False, default=0.0)

    @property
    def ok(self) -> bool:
        return self.code == 0


class Runner(Protocol):
    """What a stage needs from the operating system. Tests pass a fake; the CLI passes :class:`LocalRunner`."""

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> Result:
        """Run to the end. Each callback gets whole lines, without the newline, as they arrive, on a reader thread."""
        ...


class LocalRunner:
    """Runs commands on this machine, each in a process group of its own, so that Ctrl-C is ours to pass on."""

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> Result:
        started = time.monotonic()
        process = _spawn(command)
        out, err = _Reader(process.stdout, on_out), _Reader(process.stderr, on_err)
        try:
            _feed(process, command.stdin)
            process.wait(timeout=command.timeout)
        except subprocess.TimeoutExpired as error:
            _end_group(process)
            raise ToolTimeoutError(str(command), error.timeout) from error
        except BaseException:
            _end_group(process)
            raise
        finally:
            out.join()
            err.join()
        return Result(command, process.returncode, out.text(), err.text(), time.monotonic() - started)


def _spawn(command: Command) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=None if command.env is None else dict(command.env),
            stdin=subprocess.PIPE if command.stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if command.cwd is not None and not command.cwd.is_dir():
            raise
        raise ToolMissingError(command.argv[0], hint=command.install_hint) from error


def _feed(process: subprocess.Popen[bytes], data: bytes | None) -> None:
    if data is None or process.stdin is None:
        return
    try:
        process.stdin.write(data)
        process.stdin.close()
    except BrokenPipeError:
        pass  # the child ended without reading; its exit code tells


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the child's group, SIGKILL after a grace: no grandchild may outlive an interrupted command."""
    for number, grace in ((signal.SIGTERM, TERMINATE_GRACE_SECONDS), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=grace)
        except (ProcessLookupError, PermissionError):
            process.wait()
            return
        except subprocess.TimeoutExpired:
            continue


class _Reader:
    """Drains one stream on a thread, so that neither pipe can fill up and stop the child."""

    def __init__(self, stream: IO[bytes] | None, on_line: Callable[[str], None] | None) -> None:
        self._lines: list[str] = []
        self._stream = stream
        self._on_line = on_line
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        if self._stream is None:
            return
        with self._stream:
            for raw in self._stream:
                line = raw.decode("utf-8", "replace")
                self._lines.append(line)
                if self._on_line is not None:
                    self._on_line(line.rstrip("\r\n"))

    def join(self) -> None:
        self._thread.join(timeout=TERMINATE_GRACE_SECONDS)

    def text(self) -> str:
        return "".join(self._lines)
