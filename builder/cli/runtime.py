"""What every command is given of the outside: environment, folders, streams, processes, progress."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.errors import OptbuildError
from builder.core.limits import check_limits
from builder.core.process import LocalRunner
from builder.core.progress import BarProgress, LineProgress, Progress, SilentProgress
from builder.core.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer


def make_local_runtime(*, quiet: bool = False) -> Runtime:
    """The real one. Bars only where stderr is a terminal that can move its cursor, and not in CI.

    Raises TimeLimitError for a variable with a time limit that is not one."""
    env = dict(os.environ)
    check_limits(env)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As stderr does: a check mark must not stop us on a terminal that is not UTF-8.
        sys.stdout.reconfigure(errors="backslashreplace")
    terminal = sys.stderr.isatty() and env.get("TERM") != "dumb" and not env.get("CI")
    color = terminal and not env.get("NO_COLOR")  # no-color.org: set, and not empty
    progress: Progress
    if quiet:
        progress = SilentProgress()
    elif terminal:
        progress = BarProgress(sys.stderr, color=color)
    else:
        progress = LineProgress(sys.stderr)
    return Runtime(env, _find_cwd(), sys.stdout, sys.stderr, LocalRunner(), progress, color)


def _find_cwd() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise OptbuildError("the current folder no longer exists", hint="change into another one") from error


class LazyRuntime:
    """The runtime of one command line, made when a command first asks: ``--help`` needs none."""

    def __init__(self, make: Callable[..., Runtime]) -> None:
        self._make = make
        self._made: Runtime | None = None
        self.quiet = False

    def runtime(self) -> Runtime:
        if self._made is None:
            self._made = self._make(quiet=self.quiet)
        return self._made


def find_runtime(context: typer.Context) -> Runtime:
    """The runtime of the command line that this command is part of; ``builder.cli.main`` put it there."""
    coming = context.find_object(LazyRuntime)
    if coming is None:
        raise RuntimeError("a command runs below builder.cli.main, which makes its runtime")
    return coming.runtime()
