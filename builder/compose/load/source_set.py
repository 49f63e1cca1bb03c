"""Which of the files that were read a path in a compose file means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import Project


@dataclass(frozen=True)
class SourceSet:
    """What of a project decides where things are; equal for equal bytes, so that answers can be kept."""

    files: tuple[Path, ...]
    sources: tuple[tuple[Path, bytes], ...] = field(repr=False)
    meanings: tuple[tuple[tuple[Path, str], Path], ...]

    @classmethod
    def of(cls, project: Project) -> SourceSet:
        return cls(project.files.files, tuple(project.sources.items()), tuple(project.meanings.items()))

    def read(self, path: Path) -> bytes | None:
        return next((data for source, data in self.sources if source == path), None)

    def resolve_named(self, text: str, named_in: Path) -> Path | None:
        """The file that ``text``, as it is written in the file ``named_in``, means; None where nothing says it."""
        return next((path for key, path in self.meanings if key == (named_in, text)), None)
