"""The folder of a context while it is built: empty each time; those that a killed build left are removed.

BuildKit knows a folder by its whole path and asks only for files that changed since the last build of it (by size and
time; measured with buildx 0.13: another path sends all again). So a project's folder has the same name each time, and
the 125 MB of its base are sent once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.files import make_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

CONTEXTS = "contexts"
"""Below the cache folder."""
PREFIX = "build-"


@contextlib.contextmanager
def make_build_folder(parent: Path, name: str | None = None) -> Iterator[Path]:
    """An empty folder below ``parent``, gone after the block; without ``name`` it has one that no other build has.

    Its lock file says that its process lives. Waits for a build that has the same name.
    """
    make_private_folder(parent)
    folder = parent / f"{PREFIX}{name or secrets.token_hex(8)}"
    with _hold_lock_file(folder.with_suffix(".lock")):
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o755)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _hold_lock_file(path: Path) -> Iterator[None]:
    """Make and lock the file; delete it at the end."""
    while True:
        with path.open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if not _is_there(stream, path):
                continue  # its last holder deleted it while we waited
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_there(stream: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


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
