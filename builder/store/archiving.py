"""One image of an engine → one compressed archive on disk, which is then read back whole."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from builder.core.errors import BackupDiskError, BadImageArchiveError, EngineFailedError
from builder.core.naming import shortest_first
from builder.store.archive_check import PIECE, Sums, read_whole
from builder.store.disk_space import full, megabytes, while_there_is_room
from builder.store.manifest import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

    from builder.core.progress import Progress, Task
    from builder.engine.protocols import SavingApi
    from builder.store.archive_check import Contents

LEVEL = 3
"""Of zstd: a third of an Airflow image's bytes. 6 saves a fourteenth of that and takes three times as long."""
MOST_THREADS = 4
TOLD_EVERY = 4 << 20
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DISK_REFUSES = frozenset({errno.EFBIG, errno.EIO})


@dataclass(frozen=True)
class ToSave:
    """What the engine says of an image. ``bytes``: what it counts, about those of the archive."""

    id: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    platform: str
    created: str
    layers: tuple[str, ...]
    bytes: int

    @property
    def shown(self) -> str:
        return shortest_first(self.names)[0] if self.names else self.id.removeprefix("sha256:")[:12]


def ask(api: SavingApi, reference: str) -> ToSave | None:
    """None: the engine has no such image."""
    try:
        image = api.inspect_image(reference)
    except EngineFailedError as error:
        if getattr(error, "status_code", None) != 404:
            raise
        return None
    parts = (str(image.get(key) or "") for key in ("Os", "Architecture", "Variant"))
    return ToSave(
        str(image["Id"]),
        _names(image, "RepoTags"),
        _names(image, "RepoDigests"),
        "/".join(part for part in parts if part),
        str(image.get("Created") or ""),
        tuple(str(diff) for diff in (image.get("RootFS") or {}).get("Layers") or ()),
        int(image.get("Size") or 0),
    )


def _names(image: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The shortest first: a person knows an image by it, and its archive is called after it."""
    found = {str(name) for name in image.get(key) or () if not str(name).startswith("<none>")}
    return tuple(sorted(found, key=lambda name: (len(name), name)))


def save(api: SavingApi, image: ToSave, path: Path, progress: Progress, which: str) -> Contents:
    """Write ``path``, which must be new, and read it back; it stays only when it is whole. ``which``: for the labels.

    Raises BadImageArchiveError, DiskFullError, BackupDiskError, EngineFailedError.
    """
    try:
        sums = _write(api, image, path, progress, which)
        contents = _read_back(image, path, progress, which)
        _compare(image, sums, contents)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise full(path.parent) from error
        if isinstance(error, OSError) and error.errno in _DISK_REFUSES:
            raise BackupDiskError(image.shown, str(path.parent), os.strerror(error.errno)) from error
        raise
    return contents


def _write(api: SavingApi, image: ToSave, path: Path, progress: Progress, which: str) -> tuple[Sums, Sums]:
    """The sums of the file, and of what it holds decompressed. It is on the disk when this returns."""
    from zstandard import ZstdCompressor  # only a backup needs it

    stored, plain = Sums(), Sums()
    threads = min(os.cpu_count() or 1, MOST_THREADS)
    packer = ZstdCompressor(level=LEVEL, threads=threads, write_checksum=True).compressobj()
    with _created(path) as stream, progress.task(f"saving {image.shown}{which}") as task:
        task.update(detail="the engine packs it")
        with contextlib.closing(cast("Generator[bytes]", api.get_image(image.id))) as chunks:
            for chunk in _counted(while_there_is_room(chunks, path.parent), task, image.bytes, stored):
                stream.write(stored.add(packer.compress(plain.add(chunk))))
        stream.write(stored.add(packer.flush()))
        stream.flush()
        os.fsync(stream.fileno())
    return stored, plain


def _compare(image: ToSave, written: tuple[Sums, Sums], contents: Contents) -> None:
    if tuple(sums.sha256 for sums in written) != (contents.sha256, contents.tar_sha256):
        raise BadImageArchiveError("what was written reads back as something else", hint="check the disk")
    if contents.layers != image.layers:
        raise BadImageArchiveError("the engine sent other layers than it says the image has", hint="try again")


def _created(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb")


def _counted(chunks: Iterator[bytes], task: Task, total: int, stored: Sums) -> Iterator[bytes]:
    """Tells how far it is, not for every piece. ``total`` is an estimate: an archive has headers too."""
    done = told = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if done - told >= TOLD_EVERY:
            told = done
            words = f"{megabytes(done)} of {megabytes(max(total, done))}, {megabytes(stored.bytes)} written"
            task.update(done=min(done, total), total=total, detail=words)


def _read_back(image: ToSave, path: Path, progress: Progress, which: str) -> Contents:
    """From the disk, as far as the system lets go of what it has just written."""
    with path.open("rb") as stream, progress.task(f"reading back {image.shown}{which}") as task:
        total = os.fstat(stream.fileno()).st_size
        with contextlib.suppress(AttributeError, OSError):  # not every system, not every disk
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return read_whole(stream, image.id, told=lambda done: tell(task, done, total))


def tell(task: Task, done: int, total: int) -> None:
    """Of bytes of a file."""
    task.update(done=done, total=total, detail=f"{megabytes(done)} of {megabytes(total)}")


def sums_of(stream: IO[bytes], task: Task, total: int) -> Sums:
    """Of a file, read to its end."""
    sums = Sums()
    while sums.add(stream.read(PIECE)):
        tell(task, sums.bytes, total)
    return sums
