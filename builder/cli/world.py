"""What every command is given of the outside: environment, folders, streams, processes, progress."""

from __future__ import annotations

import io
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from builder.core.errors import OptbuildError, StateError
from builder.core.files import in_the_way
from builder.core.process import LocalRunner, Runner
from builder.core.progress import BarProgress, LineProgress, Progress, SilentProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import typer


@dataclass(frozen=True)
class World:
    """Passed in, never read inside a stage: only this module touches ``os.environ`` and ``sys``."""

    env: Mapping[str, str] = field(repr=False)  # may hold credentials, and a repr ends up in tracebacks
    cwd: Path
    out: IO[str]
    err: IO[str]
    runner: Runner
    progress: Progress
    color: bool

    @property
    def state_folder(self) -> Path:
        """``$XDG_STATE_HOME/optbuild``: what is promoted, superseded, verified; locks; logs."""
        return self._folder("XDG_STATE_HOME", ".local/state")

    @property
    def cache_folder(self) -> Path:
        """``$XDG_CACHE_HOME/optbuild``: may be deleted at any time."""
        return self._folder("XDG_CACHE_HOME", ".cache")

    @property
    def width(self) -> int:
        """Characters in a line of the terminal that ``out`` is; 0: it is none, and nothing is cut."""
        return shutil.get_terminal_size().columns if self.out.isatty() else 0

    def _folder(self, variable: str, below_home: str) -> Path:
        """Raises StateError where there is none and none can be made."""
        folder = Path(self.env.get(variable) or self._home(variable) / below_home) / "optbuild"
        if (there := in_the_way(folder)) is not None:
            raise StateError(
                f"{there} is no folder, so there can be no {folder}", hint=f"set {variable} to a folder, or unset it"
            )
        return folder

    def _home(self, instead: str) -> Path:
        if self.env.get("HOME"):
            return Path(self.env["HOME"])
        try:
            return Path.home()
        except RuntimeError as error:  # a container that runs under a number which no user of it has
            raise StateError(
                f"there is no home folder: HOME is not set, and no user has the number {os.getuid()} here",
                hint=f"set HOME, or {instead}, to a folder that you may write to",
            ) from error


def this_world(*, quiet: bool = False) -> World:
    """The real one. Bars only where stderr is a terminal that can move its cursor, and not in CI."""
    env = dict(os.environ)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As stderr does: a check mark must not stop us on a terminal that is not UTF-8.
        sys.stdout.reconfigure(errors="backslashreplace")
    terminal = sys.stderr.isatty() and env.get("TERM") != "dumb" and not env.get("CI")
    color = terminal and "NO_COLOR" not in env
    progress: Progress
    if quiet:
        progress = SilentProgress()
    elif terminal:
        progress = BarProgress(sys.stderr, color=color)
    else:
        progress = LineProgress(sys.stderr)
    return World(env, _cwd(), sys.stdout, sys.stderr, LocalRunner(), progress, color)


def _cwd() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise OptbuildError("the current folder no longer exists", hint="change into another one") from error


class WorldToCome:
    """The world of one command line, made when a command first asks: ``--help`` needs none."""

    def __init__(self, make: Callable[..., World]) -> None:
        self._make = make
        self._made: World | None = None
        self.quiet = False

    def world(self) -> World:
        if self._made is None:
            self._made = self._make(quiet=self.quiet)
        return self._made


def world_of(context: typer.Context) -> World:
    """The world of the command line that this command is part of; ``builder.cli.main`` put it there."""
    coming = context.find_object(WorldToCome)
    if coming is None:
        raise RuntimeError("a command runs below builder.cli.main, which makes its world")
    return coming.world()
