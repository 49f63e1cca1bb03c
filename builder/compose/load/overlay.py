"""A folder in which some files have other bytes and everything else is as it is, without touching the real ones.

It holds the path from the root down to each changed file as real folders, and beside that path symbolic links to
whatever is there. So every relative path, also one with ``..``, leads to what it leads to in the real tree.

It is made in memory where it can be: a thousand links took 0.4 s on a disk, and 0.01 s there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PREFIX = "optbuild-overlay-"
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder that is made there is nobody else's
"""Files in memory (shm_overview(7)); systems other than Linux have none."""


@contextlib.contextmanager
def create_overlay(changed: Mapping[Path, bytes]) -> Iterator[Path]:
    """The overlay's root, for the block. ``changed``: absolute path → bytes."""
    with contextlib.ExitStack() as stack:
        try:
            root = stack.enter_context(_fill_folder(_MEMORY, changed))
        except OSError:  # there is none, or it is full
            root = stack.enter_context(_fill_folder(None, changed))
        yield root


@contextlib.contextmanager
def _fill_folder(place: Path | None, changed: Mapping[Path, bytes]) -> Iterator[Path]:
    """An overlay in a new folder below ``place`` (None: where temporary files are), for the block."""
    made = tempfile.mkdtemp(prefix=_PREFIX, dir=place)  # readable by nobody else: the files may hold secrets
    try:
        root = Path(made).resolve()
        folders = {parent for path in changed for parent in path.parents}
        kept = {str(path) for path in (*folders, *changed)}
        for folder in sorted(folders, key=lambda folder: len(folder.parts)):
            _link_entries(root, folder, kept)
        for path, data in changed.items():
            resolve_in_overlay(root, path).write_bytes(data)
        yield root
    finally:
        shutil.rmtree(made, ignore_errors=True)


class OverlaySet:
    """Overlays that many calls look at, each made once, for the block."""

    def __init__(self) -> None:
        self._made: dict[frozenset[tuple[Path, bytes]], Path] = {}
        self._lock = threading.Lock()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def open_overlay(self, changed: Mapping[Path, bytes]) -> Iterator[Path]:
        """As :func:`create_overlay`; the overlay outlasts the block, for whoever asks for the same."""
        key = frozenset(changed.items())
        with self._lock:
            if key not in self._made:
                self._made[key] = self._stack.enter_context(create_overlay(changed))
        yield self._made[key]


def resolve_in_overlay(root: Path, path: Path) -> Path:
    """Where an absolute path is in the overlay."""
    return root / path.relative_to(path.anchor)


def _link_entries(root: Path, folder: Path, kept: set[str]) -> None:
    """``kept``: paths that the overlay holds itself."""
    here = resolve_in_overlay(root, folder)
    here.mkdir(exist_ok=True)
    with (
        contextlib.suppress(PermissionError),
        os.scandir(folder) as entries,
    ):  # it cannot be listed
        for entry in entries:
            if entry.path not in kept:
                os.symlink(entry.path, f"{here}/{entry.name}")  # noqa: PTH211 - a thousand Path objects take longer
