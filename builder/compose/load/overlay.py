"""A folder in which some files have other bytes and everything else is as it is, without touching the real ones.

It holds the path from the root down to each changed file as real folders, and beside that path symbolic links to
whatever is there. So every relative path, also one with ``..``, leads to what it leads to in the real tree.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PREFIX = "optbuild-overlay-"


@contextlib.contextmanager
def create_overlay(changed: Mapping[Path, bytes]) -> Iterator[Path]:
    """The overlay's root, for the block. ``changed``: absolute path → bytes."""
    root = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()  # readable by nobody else: the files may hold secrets
    try:
        folders = {parent for path in changed for parent in path.parents}
        for folder in sorted(folders, key=lambda folder: len(folder.parts)):
            _link_entries(root, folder, folders, changed)
        for path, data in changed.items():
            resolve_in_overlay(root, path).write_bytes(data)
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def resolve_in_overlay(root: Path, path: Path) -> Path:
    """Where an absolute path is in the overlay."""
    return root / path.relative_to(path.anchor)


def _link_entries(root: Path, folder: Path, folders: set[Path], changed: Mapping[Path, bytes]) -> None:
    here = resolve_in_overlay(root, folder)
    here.mkdir(exist_ok=True)
    with contextlib.suppress(PermissionError):  # a folder that can be passed through, but not listed
        for entry in folder.iterdir():
            if entry not in folders and entry not in changed:
                (here / entry.name).symlink_to(entry)
