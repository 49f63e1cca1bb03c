"""Writing files so that a crash leaves the old bytes or the new ones, and locks that say who holds them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from builder.core.errors import UnwritableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOCK_POLL_SECONDS = 0.2
MOST_BYTES = 5_000_000
"""Of a file that a person wrote: an env file, a spec, a list of requirements."""


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace ``path`` by ``data`` in one step: temp file beside it, fsync, rename, fsync of the folder.

    An existing file keeps its mode and owner, and a symbolic link stays one; ``mode`` is that of a new file, whatever
    the umask.
    """
    path = path.resolve()
    existing: os.stat_result | None = None
    with contextlib.suppress(FileNotFoundError):
        existing = path.stat()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            _copy_owner_and_mode(stream.fileno(), existing, mode)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_private_folder(folder: Path) -> None:
    """With the folders above it that are missing, all of them for their owner only, whatever the umask."""
    for path in (*reversed(folder.parents), folder):
        if not path.is_dir():
            path.mkdir(mode=0o700, exist_ok=True)


def write_private_file(path: Path, data: bytes) -> None:
    """As :func:`write_atomically`, for its owner only, in a folder that is made so where it is missing."""
    make_private_folder(path.parent)
    write_atomically(path, data, mode=0o600)


def close_to_others(root: Path) -> None:
    """Take everybody's rights but the owner's from a folder that is open to others, and from all that is in it.

    Nothing is done where it belongs to somebody else, and nothing to what is in a folder that is closed.
    """
    with contextlib.suppress(OSError):  # it is not there, or not ours any more
        found = root.stat()
        if found.st_uid != os.geteuid() or not found.st_mode & 0o077:
            return
        root.chmod(found.st_mode & 0o700)
        for path in root.rglob("*"):
            with contextlib.suppress(OSError):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode & 0o700)


def _copy_owner_and_mode(descriptor: int, existing: os.stat_result | None, mode: int) -> None:
    if existing is not None:
        with contextlib.suppress(PermissionError):  # only root can give a file away; the bytes matter more
            os.fchown(descriptor, existing.st_uid, existing.st_gid)
        mode = existing.st_mode & 0o7777
    os.fchmod(descriptor, mode)  # after fchown, which clears the set-id bits


def write_with_temporary(path: Path, data: bytes, *, temporary: Path, like: Path, replace: bool = True) -> None:
    """As :func:`write_atomically`, with a temp file whose name the caller knows, so that it can be found after a kill.

    ``like`` gives mode and owner. With ``replace`` False an existing ``path`` raises FileExistsError and stays.
    """
    existing = like.stat()
    temporary.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
            _copy_owner_and_mode(stream.fileno(), existing, 0o600)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            temporary.replace(path)
        else:
            _move_to_free_name(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _move_to_free_name(temporary: Path, path: Path) -> None:
    """A link never replaces anything; where the file system has none, look first."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        temporary.replace(path)
    temporary.unlink(missing_ok=True)


def open_regular_file(path: Path) -> IO[bytes]:
    """For reading. Raises OSError, also for what is not a plain file: reading a pipe would wait forever."""
    stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "it is not a plain file", str(path))
    return stream


def read_regular_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """Raises OSError, also for what is not a plain file, and for one of more than ``most`` bytes."""
    with open_regular_file(path) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most / 1e6:g} MB", str(path))
    return data


def sync_folder(folder: Path) -> None:
    """Make renames in it last: they are on disk only once their folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def count_free_bytes(folder: Path) -> int:
    """Free bytes of the disk on which ``folder`` is, or will be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def find_obstacle(folder: Path) -> Path | None:
    """What keeps ``folder`` from being there or being made: the nearest of it and its parents that exists, where that
    is not a folder. Also a link that leads nowhere."""
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path) or path == path.parent)
    return None if there.is_dir() else there


@contextlib.contextmanager
def hold_lock(path: Path, purpose: str, *, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock file ``path`` for the block; wait while another process holds it.

    ``on_wait`` is called once, with words that name the holder ("process 123: build of x, since 12 s"). The kernel
    drops the lock with its process, so a killed holder never blocks the next one. Raises UnwritableError where
    something else is there: what a link leads to would be emptied.
    """
    make_private_folder(path.parent)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UnwritableError(str(path), "it is not a plain file, as a lock is", hint="see what it is, and remove it")
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600), "a+b") as stream:
        reported = False
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not reported and on_wait is not None:
                    on_wait(_describe_holder(path))
                reported = True
                time.sleep(LOCK_POLL_SECONDS)
        stream.truncate(0)
        stream.write(json.dumps({"pid": os.getpid(), "purpose": purpose, "since": time.time()}).encode())
        stream.flush()
        try:
            yield
        finally:
            stream.truncate(0)  # so that nobody who waits for the next holder reads of this one


def _describe_holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_bytes())
        return f"process {holder['pid']}: {holder['purpose']}, since {time.time() - holder['since']:.0f} s"
    except (ValueError, KeyError, OSError):
        return "another process"
