"""The only door to other processes: a command is data, its result is data, secrets are masked when shown."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from builder.core.errors import ToolError, ToolMissingError, ToolTimeoutError
from builder.core.limits import Timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SIGNAL_TURN_SECONDS = 0.5
"""How long a signal may go unnoticed while a child runs."""
TERMINATE_GRACE_SECONDS = 10.0
"""How long an interrupted child, and all that it started, may take to end by itself before it is killed."""
GROUP_TURN_SECONDS = 0.05


@dataclass(frozen=True)
class Command:
    """One process to run. ``env`` is the child's whole environment (None: ours); a secret never goes into ``argv``."""

    argv: tuple[str, ...]
    cwd: Path | None = None
    env: Mapping[str, str] | None = field(default=None, repr=False)
    stdin: bytes | None = field(default=None, repr=False)
    timeout: Timeout | float | None = None
    """Seconds; the child is ended and :class:`builder.core.errors.ToolTimeoutError` raised when it takes longer."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values that are masked wherever the command is shown."""
    install_hint: str = "install it and try again"

    def __post_init__(self) -> None:
        if not self.argv or not self.argv[0]:
            raise ValueError("a command needs at least its executable")

    @property
    def seconds(self) -> float | None:
        """How long it may take."""
        return self.timeout.seconds if isinstance(self.timeout, Timeout) else self.timeout

    def __str__(self) -> str:
        from builder.core.redact import mask_values  # a command is rarely shown, and always made

        return mask_values(shlex.join(self.argv), self.secrets)


@dataclass(frozen=True)
class ProcessResult:
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
    ) -> ProcessResult:
        """Run to the end. Each callback gets whole lines, without the newline, as they arrive, on a reader thread."""
        ...


_running: set[subprocess.Popen[bytes]] = set()
"""Children of this process. Global because signals are: see :func:`terminate_children`."""


def terminate_children() -> None:
    """SIGTERM to the group of every child that runs now, whichever thread waits for it.

    For signal handlers: Ctrl-C reaches the main thread only, which then waits for its workers, and those for their
    children. Takes no lock; copying a set is one step of the interpreter.
    """
    for process in tuple(_running):
        _signal_group(process, signal.SIGTERM)


class LocalRunner:
    """Runs commands on this machine, each in a process group of its own, so that Ctrl-C is ours to pass on.

    Raises ToolMissingError, ToolTimeoutError, ToolError for what cannot be started, and what a callback raised.
    """

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> ProcessResult:
        started = time.monotonic()
        process = _spawn_process(command)
        threads: list[_StreamReader] = []
        try:
            _running.add(process)
            threads += [_StreamReader(process.stdout, on_out), _StreamReader(process.stderr, on_err)]
            _feed_stdin(process, command.stdin)
            _wait_for_process(process, command.seconds)
        except subprocess.TimeoutExpired as error:
            _end_group(process)
            raise _make_timeout_error(command, error.timeout) from error
        except BaseException:
            _end_group(process)
            raise
        finally:
            _running.discard(process)
            for reader in threads:
                reader.join()
        out, err = (reader.read_text() for reader in threads)
        return ProcessResult(command, process.returncode, out, err, time.monotonic() - started)


def _make_timeout_error(command: Command, seconds: float) -> ToolTimeoutError:
    limit = command.timeout
    if not isinstance(limit, Timeout):
        return ToolTimeoutError(str(command), seconds)
    return ToolTimeoutError(str(command), seconds, purpose=limit.purpose, hint=limit.advice)


def _spawn_process(command: Command) -> subprocess.Popen[bytes]:
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
    except OSError as error:  # no permission to execute it, not a program of this machine, arguments too long
        raise ToolError(f"{command.argv[0]} cannot be started: {error.strerror}", hint=command.install_hint) from error


def _wait_for_process(process: subprocess.Popen[bytes], timeout: float | None) -> None:
    """Wait in short turns. The kernel may hand a signal to any thread, and Python's handlers run on the main one: were
    that blocked in waitpid, Ctrl-C would be noticed when the child ends by itself."""
    end = None if timeout is None else time.monotonic() + timeout
    with _open_sleeper(process) as sleep:
        while process.poll() is None:
            left = SIGNAL_TURN_SECONDS if end is None else end - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(process.args, timeout or 0)
            sleep(min(SIGNAL_TURN_SECONDS, left))


@contextlib.contextmanager
def _open_sleeper(process: subprocess.Popen[bytes]) -> Iterator[Callable[[float], object]]:
    """Sleeps so many seconds, or until the process ends: at once where the kernel tells (Linux 5.3). Popen's own wait
    looks every 50 ms, which is as long as some of our children run."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        yield lambda seconds: _wait_by_polling(process, seconds)
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        yield lambda seconds: poll.poll(seconds * 1000)
    finally:
        os.close(descriptor)


def _wait_by_polling(process: subprocess.Popen[bytes], seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)


def _feed_stdin(process: subprocess.Popen[bytes], data: bytes | None) -> None:
    """Write on a thread of its own: a child that does not read must not get around the time limit."""
    stream = process.stdin
    if data is None or stream is None:
        return

    def write() -> None:
        with contextlib.suppress(BrokenPipeError):  # the child ended without reading; its exit code tells
            stream.write(data)
        with contextlib.suppress(BrokenPipeError):
            stream.close()

    threading.Thread(target=write, daemon=True).start()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the child's group, SIGKILL after a grace: no grandchild may outlive an interrupted command.

    The grace is the whole group's: a grandchild may still unmount and delete when the child has ended.
    """
    end = time.monotonic() + TERMINATE_GRACE_SECONDS
    try:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=TERMINATE_GRACE_SECONDS)
        while is_group_running(process.pid) and time.monotonic() < end:
            time.sleep(GROUP_TURN_SECONDS)
    finally:  # also when a second Ctrl-C ends the waiting
        _signal_group(process, signal.SIGKILL)
        process.wait()


def is_group_running(group: int, proc: Path = Path("/proc")) -> bool:
    """Whether a process of the group runs. A zombie does not: nobody may ever wait for an orphan in a container."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if not (proc / "self").exists():  # no Linux: what the kernel said is all there is
        return True
    return any(_is_running_in(stat, group) for stat in proc.glob("[0-9]*/stat"))


def _is_running_in(stat: Path, group: int) -> bool:
    try:
        state, _parent, its_group, *_ = stat.read_text(errors="replace").rpartition(")")[2].split()
    except (OSError, ValueError):
        return False
    return state not in "ZX" and int(its_group) == group


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


class _StreamReader:
    """Drains one stream on a thread, so that neither pipe can fill up and stop the child.

    An error of the callback does not stop the draining; :meth:`text` raises it.
    """

    def __init__(self, stream: IO[bytes] | None, on_line: Callable[[str], None] | None) -> None:
        self._lines: list[str] = []
        self._stream = stream
        self._on_line = on_line
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        if self._stream is None:
            return
        with self._stream:
            for raw in self._stream:
                line = raw.decode("utf-8", "replace")
                self._lines.append(line)
                self._pass_line(line.rstrip("\r\n"))

    def _pass_line(self, line: str) -> None:
        if self._on_line is None or self._error is not None:
            return
        try:
            self._on_line(line)
        except BaseException as error:  # noqa: BLE001 - raised again by text(), on the thread that can handle it
            self._error = error

    def join(self) -> None:
        """Until the stream ended; a grandchild that keeps it open is not waited for longer than the grace."""
        self._thread.join(timeout=TERMINATE_GRACE_SECONDS)

    def read_text(self) -> str:
        if self._error is not None:
            raise self._error
        return "".join(self._lines)
