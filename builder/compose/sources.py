"""Which of the files that were read a path in a compose file means."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import Project


@dataclass(frozen=True)
class Given:
    """What of a project decides where things stand; equal for equal bytes, so that answers can be kept."""

    directory: Path
    files: tuple[Path, ...]
    sources: tuple[tuple[Path, bytes], ...] = field(repr=False)

    @classmethod
    def of(cls, project: Project) -> Given:
        return cls(project.files.directory, project.files.files, tuple(project.sources.items()))

    def read(self, path: Path) -> bytes | None:
        return next((data for source, data in self.sources if source == path), None)


_VARIABLE = re.compile(r"\$\{[^}]*\}|\$\w+")
_SPECIAL = re.compile(r"[\[?*]")


def find_source(given: Given, text: str, named_in: Path) -> Path | None:
    """The file that was read and that ``text``, written in the file ``named_in``, means; None where none fits.

    Paths of the main files are relative to the project directory, those of other files to their own folder. A variable
    matches anything, as long as only one file fits: that Compose could read the project shows that one does.
    """
    folders = [given.directory] if named_in in given.files else []
    for folder in (*folders, named_in.parent):
        whole = os.path.normpath(folder / text)
        pattern = _VARIABLE.sub("*", _SPECIAL.sub(r"[\g<0>]", whole))
        found = [path for path, _ in given.sources if fnmatchcase(os.path.normpath(path), pattern)]
        if len(found) == 1:
            return found[0]
    return None
