"""The only door to other processes: a command is data, its result is data, secrets are masked when shown."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from builder.core.errors import ToolError, ToolMissingError, ToolTimeoutError
from builder.core.interrupts import check_interrupts, hold_interrupts
from builder.core.limits import Timeout
from builder.core.process_streams import StreamReader, feed_stdin, join_readers
from builder.core.process_tree import LATELY_SECONDS, ProcessTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

SIGNAL_TURN_SECONDS = 0.5
"""How long a signal may go unnoticed while a child runs."""
TERMINATE_GRACE_SECONDS = 6.0
"""How long an interrupted child, and all that it started, may take to end by itself before it is killed: after Ctrl-C,
ten seconds are all that optbuild has."""
LAST_TURN_SECONDS = 1.0
"""How long the streams of a killed child may take to end."""
GROUP_TURN_SECONDS = 0.05
KILLS = 5
MARK = "OPTBUILD_CHILD"
"""In the environment of a child and of all that it starts, also of what it starts as a service."""


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


_running: set[_Child] = set()
"""Children of this process. Global because signals are: see :func:`terminate_children`."""


def terminate_children() -> None:
    """SIGTERM to every child that runs now and to all that it started, whichever thread waits for it. That thread kills
    what still runs after :data:`TERMINATE_GRACE_SECONDS`.

    For signal handlers: Ctrl-C reaches the main thread only, which then waits for its workers, and those for their
    children. Takes no lock; copying a set is one step of the interpreter.
    """
    for child in tuple(_running):
        child.terminate()


def kill_children() -> None:
    """SIGKILL to the same."""
    for child in tuple(_running):
        child.kill()


def end_children(is_done: Callable[[], bool] = lambda: not _running, *, grace: float = TERMINATE_GRACE_SECONDS) -> None:
    """End them, also those that a thread starts meanwhile, until nobody waits for them any more. ``grace`` in seconds:
    none for what has nothing to clean up."""
    killing = time.monotonic() + grace
    while not is_done() and time.monotonic() < killing + LAST_TURN_SECONDS:
        if time.monotonic() < killing:
            terminate_children()
        else:
            kill_children()
        time.sleep(GROUP_TURN_SECONDS)
    kill_children()


class LocalRunner:
    """Runs commands on this machine, each in a process group of its own, so that Ctrl-C is ours to pass on.

    Raises ToolMissingError, ToolTimeoutError, ToolError for what cannot be started, what a callback raised, and
    InterruptedByUserError once a signal told this process to end.
    """

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> ProcessResult:
        check_interrupts()
        started = time.monotonic()
        with hold_interrupts():
            child = _Child(*_spawn_process(command))
            _running.add(child)
            process = child.process
            readers = (StreamReader(process.stdout, on_out), StreamReader(process.stderr, on_err))
        try:
            feed_stdin(process.stdin, command.stdin)
            _wait_for_process(child, command.seconds)
        except subprocess.TimeoutExpired as error:
            child.end()
            raise _make_timeout_error(command, error.timeout) from error
        except BaseException:
            child.end()
            raise
        finally:
            _running.discard(child)
            join_readers(readers, LAST_TURN_SECONDS if child.told else TERMINATE_GRACE_SECONDS)
        check_interrupts()
        out, err = (reader.read_text() for reader in readers)
        return ProcessResult(command, process.returncode, out, err, time.monotonic() - started)


class _Child:
    """A process under way, and all that it started."""

    def __init__(self, process: subprocess.Popen[bytes], mark: bytes) -> None:
        self.process = process
        self.told: float | None = None
        """When it was told to end."""
        self._tree = ProcessTree(process.pid, mark)

    @property
    def is_overdue(self) -> bool:
        return self.told is not None and time.monotonic() > self.told + TERMINATE_GRACE_SECONDS

    def terminate(self) -> None:
        """Once: a second SIGTERM would interrupt what it cleans up."""
        if self.told is None:
            self.told = time.monotonic()
            self._tree.send(signal.SIGTERM)

    def kill(self) -> None:
        """Again where one of them started another meanwhile."""
        for _ in range(KILLS):
            self._tree.send(signal.SIGKILL)
            if not self._tree.is_running():
                return
            time.sleep(LATELY_SECONDS)

    def end(self) -> None:
        """SIGTERM, SIGKILL after a grace: no grandchild may outlive an interrupted command.

        The grace is that of all together: a grandchild may still unmount and delete when the child has ended.
        """
        try:
            self.terminate()
            while (self.process.poll() is None or self._tree.is_running()) and not self.is_overdue:
                time.sleep(GROUP_TURN_SECONDS)
        finally:  # also when a second Ctrl-C ends the waiting
            self.kill()
            self.process.wait()


def _make_timeout_error(command: Command, seconds: float) -> ToolTimeoutError:
    limit = command.timeout
    if not isinstance(limit, Timeout):
        return ToolTimeoutError(str(command), seconds)
    return ToolTimeoutError(str(command), seconds, purpose=limit.purpose, hint=limit.advice)


def _spawn_process(command: Command) -> tuple[subprocess.Popen[bytes], bytes]:
    """The process, and what marks it and all that it starts."""
    mark = {} if command.env is None else {MARK: f"{os.getpid()}.{time.monotonic_ns()}"}
    try:
        process = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=None if command.env is None else {**command.env, **mark},
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
    return process, "".join(f"{name}={value}" for name, value in mark.items()).encode()


def _wait_for_process(child: _Child, timeout: float | None) -> None:
    """Wait in short turns. The kernel may hand a signal to any thread, and Python's handlers run on the main one: were
    that blocked in waitpid, Ctrl-C would be noticed when the child ends by itself.

    Who was told to end by another thread (:func:`terminate_children`) is ended with all that it started.
    """
    process = child.process
    end = None if timeout is None else time.monotonic() + timeout
    with _open_sleeper(process) as sleep:
        while process.poll() is None and child.told is None:
            left = SIGNAL_TURN_SECONDS if end is None else end - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(process.args, timeout or 0)
            sleep(min(SIGNAL_TURN_SECONDS, left))
    if child.told is not None:
        child.end()


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
