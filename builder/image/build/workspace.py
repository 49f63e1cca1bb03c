"""The folder of a context while it is built: a new one each time; those that a killed build left are removed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.files import make_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "build-"


@contextlib.contextmanager
def make_build_folder(parent: Path) -> Iterator[Path]:
    """A new, empty folder below ``parent``, gone after the block. Its lock file says that its process lives."""
    make_private_folder(parent)
    with tempfile.NamedTemporaryFile(prefix=PREFIX, suffix=".lock", dir=parent, delete=False) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        lock = Path(stream.name)
        folder = lock.with_suffix("")
        try:
            folder.mkdir(mode=0o755)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)


def remove_dead_folders(parent: Path, proc: Path = Path("/proc")) -> tuple[Path, ...]:
    """Delete the folders whose process is dead, and end builds that still run for one. Returns what was deleted.

    The kernel drops a lock with its process: a lock that can be taken has no owner any more.
    """
    swept = []
    for lock in sorted(parent.glob(f"{PREFIX}*.lock")) if parent.is_dir() else ():
        with contextlib.suppress(OSError), lock.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder = lock.with_suffix("")
            _stop_orphans(folder, proc)
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)
            swept.append(folder)
    return tuple(swept)


def _stop_orphans(folder: Path, proc: Path) -> None:
    """A killed optbuild cannot end its child: the docker client that was given this folder goes on alone."""
    for entry in proc.glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError, ValueError):
            words = entry.read_bytes().split(b"\0")
            if b"buildx" in words and any(word.startswith(os.fsencode(folder) + b"/") for word in words):
                os.kill(int(entry.parent.name), signal.SIGTERM)
