"""The typer application: the commands, and the options before them."""

from __future__ import annotations

import functools
import importlib
import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

import builder
from builder.cli.overview import ABOUT, HELP_OPTIONS, MOST_COLUMNS, QUIET_HELP, VERSION_HELP, format_overview
from builder.cli.runtime import LazyRuntime
from builder.cli.typer_values import skip_conversion
from builder.core.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class _LazyGroup(TyperGroup):
    """Imports the module of a command when that command is asked for, and no other."""

    summaries: Mapping[str, str]
    """Command → one line; see :data:`builder.cli.overview.COMMANDS`."""

    def get_help(self, ctx: Any) -> str:  # noqa: ARG002 - typer's signature
        return format_overview(self.summaries, shutil.get_terminal_size().columns)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature; its click is private
        return list(self.summaries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.summaries:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = load_command(cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.summaries:  # typer's "Did you mean" looks through what was loaded
            self.commands = {name: load_command(name) for name in self.summaries}
        return super().resolve_command(ctx, args)


def load_command(name: str) -> Any:
    """The command of that name, as typer makes it from the function in its module."""
    return _make_command(name, importlib.import_module(f"builder.cli.{name}").command)


@functools.cache  # of two runs in one process: typer looks at each parameter's type anew
def _make_command(name: str, function: Callable[..., Any]) -> Any:
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name=name)(function)
    command: Any = typer.main.get_command(single)
    command.params.append(_make_quiet_option())
    _skip_conversions(command)
    return command


def _skip_conversions(command: Any) -> None:
    """The help option is not in ``params``, and gets its names from the first context that asks for it."""
    for parameter in command.get_params(typer.Context(command, help_option_names=list(HELP_OPTIONS))):
        skip_conversion(parameter)


def _set_quiet(ctx: typer.Context, value: bool) -> None:
    coming = ctx.find_object(LazyRuntime)
    if value and coming is not None:
        coming.quiet = True


_Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", callback=_set_quiet, expose_value=False, help=QUIET_HELP),
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
    context_settings={"help_option_names": list(HELP_OPTIONS), "max_content_width": MOST_COLUMNS},
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"optbuild {builder.__version__}")
        raise typer.Exit


@app.callback(no_args_is_help=True, help=ABOUT)
def root(
    quiet: _Quiet = False,
    version: Annotated[
        bool, typer.Option("--version", help=VERSION_HELP, callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """The options before a command."""


def run_app(commands: Mapping[str, str], argv: Sequence[str], coming: LazyRuntime) -> int:
    """Run one command line; the exit code. ``commands``: their names, and a line about each."""
    group: Any = typer.main.get_command(app)
    group.summaries = commands
    _skip_conversions(group)
    try:
        with group.make_context("optbuild", list(argv), obj=coming) as context:
            group.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort as stop:  # a question that was not answered
        raise KeyboardInterrupt from stop
    except typer.TyperException as error:  # click's usage errors: they bring their text and their code, 2
        error.show() if hasattr(error, "show") else sys.stderr.write(f"optbuild: error: {error}\n")
        return int(ExitCode.USAGE)
    return int(ExitCode.DONE)
