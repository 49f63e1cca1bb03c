"""The context as a value: the bytes that ``docker build`` gets, before they are files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.core.files import write_atomically
from builder.core.naming import make_content_tag

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CONTENT_PLACEHOLDER = "@optbuild.content@"
"""Stands in the Dockerfile until the context's digest is known: the digest is over this form."""


@dataclass(frozen=True)
class ContextFile:
    """One file; ``path`` is relative, with forward slashes."""

    path: str
    data: bytes
    executable: bool = False

    @property
    def mode(self) -> int:
        return 0o755 if self.executable else 0o644


@dataclass(frozen=True)
class BuildContext:
    """A folder that plain ``docker build`` can build once its ``base.sh`` or ``debs.sh`` has run."""

    files: tuple[ContextFile, ...]
    """Sorted by path."""
    platform: str
    source_date_epoch: int

    def compute_digest(self) -> str:
        """sha256 (hex) over every path, mode and content, the platform and the epoch; each part framed by its length.

        Debian's packages enter as what gets them (the script and the package lists), so the digest is known
        before anything was downloaded.
        """
        total = hashlib.sha256()
        for part in (self.platform.encode(), str(self.source_date_epoch).encode()):
            total.update(len(part).to_bytes(8, "big") + part)
        for file in self.files:
            for part in (file.path.encode(), oct(file.mode).encode(), file.data):
                total.update(len(part).to_bytes(8, "big") + part)
        return total.hexdigest()

    def find_file(self, path: str) -> ContextFile:
        return next(file for file in self.files if file.path == path)

    def stamp_file(self, file: ContextFile) -> bytes:
        """The bytes as written: in the Dockerfile the content tag, which is the digest's, takes its place."""
        if file.path != "Dockerfile":
            return file.data
        return file.data.replace(CONTENT_PLACEHOLDER.encode(), make_content_tag(self.compute_digest()).encode())

    def list_stamped_files(self) -> tuple[ContextFile, ...]:
        """All files as they are written."""
        return tuple(replace(file, data=self.stamp_file(file)) for file in self.files)

    def write(self, folder: Path) -> None:
        """Write every file below ``folder``, which is made."""
        write_files(self.list_stamped_files(), folder)


def write_files(files: Iterable[ContextFile], folder: Path) -> None:
    """Write them below ``folder``, which is made; modes do not depend on the umask."""
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, file.data, mode=file.mode)
        target.chmod(file.mode)


def format_dockerfile(context: BuildContext) -> str:
    """The Dockerfile as it is written."""
    return context.stamp_file(context.find_file("Dockerfile")).decode()
