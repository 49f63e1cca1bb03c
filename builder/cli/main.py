"""The ``optbuild`` executable: signals, and the one place that maps errors to stderr and exit codes."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import builder
from builder.cli import overview
from builder.cli.runtime import LazyRuntime, make_local_runtime
from builder.cli.signals import end_on_signals
from builder.core.errors import DISK_FULL, DiskFullError, ExitCode, OptbuildError, is_disk_full
from builder.core.interrupts import TerminatedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from builder.core.runtime import Runtime

BROKEN_PIPE = 128 + signal.SIGPIPE
"""As every Unix program whose reader has ended (``optbuild images | head -1``)."""
_MACHINE_FAULTS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG, errno.EIO, errno.ENAMETOOLONG})
"""What the operating system or its disks refuse is not a bug of ours."""


def main() -> NoReturn:
    """What the installed ``optbuild`` runs."""
    try:
        code = run(sys.argv[1:], make_local_runtime)
    except KeyboardInterrupt:  # one more, while the first was answered
        code = int(ExitCode.INTERRUPTED)
    if code == ExitCode.INTERRUPTED:
        _leave_at_once(code)
    sys.exit(code)


def _leave_at_once(code: int) -> NoReturn:
    """Python would wait for threads that nobody needs any more."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def run(
    argv: Sequence[str], make_runtime: Callable[..., Runtime], commands: Mapping[str, str] = overview.COMMANDS
) -> int:
    """Run one command line; the exit code. ``make_runtime(quiet=...)`` gives the command its runtime."""
    with end_on_signals():
        return _run_guarded(argv, make_runtime, commands)


def _run_guarded(argv: Sequence[str], make_runtime: Callable[..., Runtime], commands: Mapping[str, str]) -> int:
    try:
        return _invoke_command(argv, LazyRuntime(make_runtime), commands)
    except OptbuildError as error:
        return _say_error(_explain_full_disk(error.message, make_runtime) if is_disk_full(error) else error)
    except KeyboardInterrupt as stop:
        return _write_error(
            "ended by a signal" if isinstance(stop, TerminatedError) else "interrupted", ExitCode.INTERRUPTED
        )
    except OSError as error:
        return _report_os_error(error, make_runtime)
    except Exception as error:  # noqa: BLE001 - whatever else is raised is a bug of ours
        return _report_bug(error, make_runtime)


def _report_os_error(error: OSError, make_runtime: Callable[..., Runtime]) -> int:
    if isinstance(error, BrokenPipeError) and _is_reader_gone():
        return _silence_streams()
    if error.errno in DISK_FULL:
        where = error.filename or "the operating system"
        return _say_error(_explain_full_disk(f"{where}: {error.strerror}", make_runtime))
    if error.errno in _MACHINE_FAULTS:
        return _write_error(f"error: {error.filename or 'the operating system'}: {error.strerror}", ExitCode.ENGINE)
    return _report_bug(error, make_runtime)


def _explain_full_disk(what: str, make_runtime: Callable[..., Runtime]) -> OptbuildError:
    """Neither the system nor a program always says which disk it is: the free bytes of those that optbuild writes to
    tell."""
    from builder.core.files import count_free_bytes

    folders = dict.fromkeys(_iterate_written_folders(make_runtime))
    free = ", ".join(f"{count_free_bytes(one) / 1e6:,.1f} MB at {one}" for one in folders)
    return DiskFullError(
        f"{what}\n  a disk is full; free are {free}",
        hint="make room there, or name other folders: XDG_CACHE_HOME, XDG_STATE_HOME, TMPDIR",
    )


def _iterate_written_folders(make_runtime: Callable[..., Runtime]) -> Iterator[Path]:
    import tempfile

    runtime = make_runtime(quiet=True)
    yield runtime.cwd
    with contextlib.suppress(OptbuildError):  # no environment says where it is
        yield runtime.cache_folder
    with contextlib.suppress(OptbuildError):
        yield runtime.state_folder
    yield Path(tempfile.gettempdir())


def _invoke_command(argv: Sequence[str], coming: LazyRuntime, commands: Mapping[str, str]) -> int:
    if len(argv) == 1 and argv[0] in overview.HELP_OPTIONS:
        sys.stdout.write(f"{overview.format_overview(commands, shutil.get_terminal_size().columns)}\n")
        code = int(ExitCode.DONE)
    elif not argv:
        from builder.cli.start_page import format_start_page

        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        sys.stdout.write(f"{format_start_page(coming.runtime(), width)}\n")
        code = int(ExitCode.DONE)
    else:
        from builder.cli.app import run_app  # typer

        code = run_app(commands, argv, coming)
    sys.stdout.flush()
    return code


def _write_error(text: str, code: int) -> int:
    """The code counts more than the text, which may have no reader any more."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"optbuild: {text}\n")
    return int(code)


def _say_error(error: OptbuildError) -> int:
    """The text may quote other programs: it is printed without the passwords of addresses."""
    from builder.core.redact import mask_addresses

    return _write_error(f"error: {mask_addresses(str(error))}", error.exit_code)


def _list_descriptors() -> list[int]:
    """Of stdout and stderr, as far as they are real files."""
    found = []
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # io.UnsupportedOperation is one
            found.append(stream.fileno())
    return found


def _is_reader_gone() -> bool:
    """Whether stdout or stderr is a pipe that nobody reads any more; any other broken pipe is a bug."""
    poll = select.poll()
    for descriptor in _list_descriptors():
        poll.register(descriptor, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _silence_streams() -> int:
    """Python flushes its streams once more at exit, and would complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in _list_descriptors():
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    return BROKEN_PIPE


def _report_bug(error: Exception, make_runtime: Callable[..., Runtime]) -> int:
    import traceback

    from builder.core.files import write_private_file
    from builder.core.redact import mask_addresses, mask_log  # people send the log to others

    text = mask_addresses("".join(traceback.format_exception(error)))
    summary = mask_addresses(f"{type(error).__name__}: {error}".splitlines()[0])
    try:
        runtime = make_runtime(quiet=True)
        text, summary = (mask_log(one, runtime.env) for one in (text, summary))
        folder = runtime.state_folder / "logs"
        log = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
        write_private_file(log, f"optbuild {builder.__version__}, Python {sys.version}\n{text}".encode())
    except Exception:  # noqa: BLE001 - the runtime, or its folder for logs, may be what failed
        return _write_error(
            f"{text}error: this is a bug of optbuild, and its log file could not be written", ExitCode.BUG
        )
    return _write_error(
        f"error: this is a bug of optbuild: {summary}\n  next: report it with the log in {log}",
        ExitCode.BUG,
    )
