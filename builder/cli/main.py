"""The ``optbuild`` executable: the commands in the order in which a person meets them.

The one place that maps errors to stderr and exit codes.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import select
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import builder
from builder.cli.runtime import LazyRuntime, make_local_runtime
from builder.cli.typer_values import skip_conversion
from builder.core.errors import ExitCode, OptbuildError
from builder.core.process import terminate_children

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from builder.core.runtime import Runtime

COMMANDS: tuple[str, ...] = (
    "doctor",
    "lock",
    "render",
    "build",
    "verify",
    "plan",
    "optimize",
    "rollback",
    "images",
    "clean",
    "backup",
    "restore",
    "inspect",
    "diff",
    # In the order in which a person meets them. Each is the function `command` of builder/cli/<name>.py.
)
_HELP = ["-h", "--help"]
BROKEN_PIPE = 128 + signal.SIGPIPE
"""As every Unix program whose reader has ended (``optbuild images | head -1``)."""
_MACHINE_FAULTS = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS),
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENAMETOOLONG),
    }
)
"""What the operating system or its disks refuse is not a bug of ours."""


class _Terminated(KeyboardInterrupt):
    """SIGTERM, or SIGHUP of a closed terminal. Like Ctrl-C not an ``Exception``: no broad ``except`` catches it."""


class _LazyGroup(TyperGroup):
    """Imports the module of a command when that command is asked for, and no other."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature; its click is private
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _load_command(cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS:  # typer's "Did you mean" looks through what was loaded
            self.commands = {name: _load_command(name) for name in COMMANDS}
        return super().resolve_command(ctx, args)


def _load_command(name: str) -> Any:
    module = importlib.import_module(f"builder.cli.{name}")
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name=name)(module.command)
    command: Any = typer.main.get_command(single)
    command.params.append(_make_quiet_option())
    _skip_conversions(command)
    return command


def _skip_conversions(command: Any) -> None:
    """The help option is not in ``params``, and gets its names from the first context that asks for it."""
    for parameter in command.get_params(typer.Context(command, help_option_names=_HELP)):
        skip_conversion(parameter)


def _set_quiet(ctx: typer.Context, value: bool) -> None:
    coming = ctx.find_object(LazyRuntime)
    if value and coming is not None:
        coming.quiet = True


_Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", callback=_set_quiet, expose_value=False, help="No progress: only results and errors."
    ),
]


def _make_quiet_option() -> Any:
    """``-q`` behind a command means what it means before it."""
    single = typer.Typer(add_completion=False)

    @single.command()
    def _nothing(quiet: _Quiet = False) -> None: ...

    return typer.main.get_command(single).params[0]


app = typer.Typer(
    name="optbuild",
    cls=_LazyGroup,
    add_completion=False,
    rich_markup_mode=None,  # plain help: rich costs as much as the whole rest of the start-up
    context_settings={"help_option_names": _HELP, "max_content_width": 100},
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"optbuild {builder.__version__}")
        raise typer.Exit


@app.callback(no_args_is_help=True)
def root(
    quiet: _Quiet = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Make one small, pinned, proven image out of the many that an Airflow project builds.

    Start with `optbuild doctor`, which says what this machine can do. An image is described by an optbuild.toml;
    `optbuild COMMAND --help` explains each command.
    """


def main() -> NoReturn:
    """What the installed ``optbuild`` runs."""
    sys.exit(run(sys.argv[1:], make_local_runtime))


def run(argv: Sequence[str], make_runtime: Callable[..., Runtime]) -> int:
    """Run one command line; the exit code. ``make_runtime(quiet=...)`` gives the command its runtime."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored: nohup, which means to go on
        numbers.append(signal.SIGHUP)
    previous = {number: signal.signal(number, _raise_interrupt) for number in numbers}
    try:
        return _run_guarded(argv, make_runtime)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _raise_interrupt(number: int, _frame: FrameType | None) -> None:
    """Children first: workers wait for them, and the main thread for its workers."""
    terminate_children()
    raise KeyboardInterrupt if number == signal.SIGINT else _Terminated


def _run_guarded(argv: Sequence[str], make_runtime: Callable[..., Runtime]) -> int:
    try:
        return _invoke_command(argv, make_runtime)
    except OptbuildError as error:
        return _say_error(error)
    except (KeyboardInterrupt, typer.Abort) as stop:
        return _write_error(
            "ended by a signal" if isinstance(stop, _Terminated) else "interrupted", ExitCode.INTERRUPTED
        )
    except OSError as error:
        return _report_os_error(error, make_runtime)
    except Exception as error:  # noqa: BLE001 - whatever else is raised is a bug of ours
        return _report_bug(error, make_runtime)


def _report_os_error(error: OSError, make_runtime: Callable[..., Runtime]) -> int:
    if isinstance(error, BrokenPipeError) and _is_reader_gone():
        return _silence_streams()
    if error.errno in _MACHINE_FAULTS:
        return _write_error(f"error: {error.filename or 'the operating system'}: {error.strerror}", ExitCode.ENGINE)
    return _report_bug(error, make_runtime)


def _invoke_command(argv: Sequence[str], make_runtime: Callable[..., Runtime]) -> int:
    command: Any = typer.main.get_command(app)
    _skip_conversions(command)
    try:
        with command.make_context("optbuild", list(argv), obj=LazyRuntime(make_runtime)) as context:
            command.invoke(context)
        code = int(ExitCode.DONE)
    except typer.Exit as end:
        code = end.exit_code
    except typer.TyperException as error:  # click's usage errors: they bring their text and their code, 2
        error.show() if hasattr(error, "show") else _write_error(f"error: {error}", error.exit_code)
        code = int(ExitCode.USAGE)
    sys.stdout.flush()
    return code


def _write_error(text: str, code: int) -> int:
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
    from builder.core.redact import mask_addresses, mask_log  # people send the log to others

    text = mask_addresses("".join(traceback.format_exception(error)))
    summary = mask_addresses(f"{type(error).__name__}: {error}".splitlines()[0])
    try:
        runtime = make_runtime(quiet=True)
        text, summary = (mask_log(one, runtime.env) for one in (text, summary))
        folder = runtime.state_folder / "logs"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
        log.write_text(f"optbuild {builder.__version__}, Python {sys.version}\n{text}", encoding="utf-8")
    except Exception:  # noqa: BLE001 - the runtime, or its folder for logs, may be what failed
        return _write_error(
            f"{text}error: this is a bug of optbuild, and its log file could not be written", ExitCode.BUG
        )
    return _write_error(
        f"error: this is a bug of optbuild: {summary}\n  next: report it with the log in {log}",
        ExitCode.BUG,
    )
