"""What every command is given of the outside: environment, folders, streams, processes, progress."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from builder.core.errors import StateError
from builder.core.files import close_to_others, find_obstacle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.core.process import Runner
    from builder.core.progress import Progress


@dataclass(frozen=True)
class Runtime:
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
        return self._resolve_folder("XDG_STATE_HOME", ".local/state")

    @property
    def cache_folder(self) -> Path:
        """``$XDG_CACHE_HOME/optbuild``: may be deleted at any time."""
        return self._resolve_folder("XDG_CACHE_HOME", ".cache")

    def check_folders(self) -> None:
        """Raises StateError where one of the two cannot be: before a long piece of work, not halfway through it."""
        _ = self.state_folder, self.cache_folder

    @property
    def width(self) -> int:
        """Characters in a line of the terminal that ``out`` is; 0: it is none, and nothing is cut."""
        return shutil.get_terminal_size().columns if self.out.isatty() else 0

    def _resolve_folder(self, variable: str, below_home: str) -> Path:
        """Raises StateError where there is none and none can be made."""
        folder = Path(self.env.get(variable) or self._find_home(variable) / below_home) / "optbuild"
        if (there := find_obstacle(folder)) is not None:
            raise StateError(
                f"{there} is not a folder, so {folder} cannot be made", hint=f"set {variable} to a folder, or unset it"
            )
        close_to_others(folder)  # an earlier version left it to the umask
        return folder

    def _find_home(self, instead: str) -> Path:
        if self.env.get("HOME"):
            return Path(self.env["HOME"])
        try:
            return Path.home()
        except RuntimeError as error:  # a container that runs under a number which no user of it has
            raise StateError(
                f"there is no home folder: HOME is not set, and no user has the number {os.getuid()} here",
                hint=f"set HOME, or {instead}, to a folder that you may write to",
            ) from error
