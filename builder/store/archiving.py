"""One image of an engine → one compressed archive on disk, which is then read back whole."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from builder.core.errors import DISK_FULL, BackupDiskError, BadImageArchiveError, EngineFailedError
from builder.core.naming import shorten_id, sort_shortest_first
from builder.engine.inspected_image import list_diffs
from builder.store.archive_check import CHUNK_BYTES, StreamDigest, read_checked_archive
from builder.store.disk_space import format_megabytes, iterate_checking_room, make_disk_full_error
from builder.store.manifest import PRIVATE_MODE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

    from builder.core.progress import Progress, Task
    from builder.engine.protocols import ArchiveApi
    from builder.store.archive_check import ArchiveContents

LEVEL = 3
"""Of zstd: a third of an Airflow image's bytes. 6 saves a fourteenth of that and takes three times as long."""
MOST_THREADS = 4
REPORT_EVERY = 4 << 20
_DISK_REFUSES = frozenset({errno.EFBIG, errno.EIO})


@dataclass(frozen=True)
class ImageToSave:
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
        return sort_shortest_first(self.names)[0] if self.names else shorten_id(self.id)


def query_image(api: ArchiveApi, reference: str) -> ImageToSave | None:
    """None: the engine has no such image."""
    try:
        image = api.inspect_image(reference)
    except EngineFailedError as error:
        if getattr(error, "status_code", None) != 404:
            raise
        return None
    parts = (str(image.get(key) or "") for key in ("Os", "Architecture", "Variant"))
    return ImageToSave(
        str(image["Id"]),
        _list_names(image, "RepoTags"),
        _list_names(image, "RepoDigests"),
        "/".join(part for part in parts if part),
        str(image.get("Created") or ""),
        list_diffs(image),
        int(image.get("Size") or 0),
    )


def _list_names(image: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The shortest first: a person knows an image by it, and its archive is called after it."""
    found = {str(name) for name in image.get(key) or () if not str(name).startswith("<none>")}
    return tuple(sorted(found, key=lambda name: (len(name), name)))


def save_archive(api: ArchiveApi, image: ImageToSave, path: Path, progress: Progress, which: str) -> ArchiveContents:
    """Write ``path``, which must be new, and read it back; it stays only when it is whole. ``which``: for the labels.

    Raises BadImageArchiveError, DiskFullError, BackupDiskError, EngineFailedError.
    """
    try:
        sums = _write_archive(api, image, path, progress, which)
        contents = _read_archive_back(image, path, progress, which)
        _check_sums(image, sums, contents)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise make_disk_full_error(path.parent) from error
        if isinstance(error, OSError) and error.errno in _DISK_REFUSES:
            raise BackupDiskError(image.shown, str(path.parent), os.strerror(error.errno)) from error
        raise
    return contents


def _write_archive(
    api: ArchiveApi, image: ImageToSave, path: Path, progress: Progress, which: str
) -> tuple[StreamDigest, StreamDigest]:
    """The sums of the file, and of what it holds decompressed. It is on the disk when this returns."""
    from zstandard import ZstdCompressor  # only a backup needs it

    stored, plain = StreamDigest(), StreamDigest()
    threads = min(os.cpu_count() or 1, MOST_THREADS)
    packer = ZstdCompressor(level=LEVEL, threads=threads, write_checksum=True).compressobj()
    with _create_file(path) as stream, progress.task(f"saving {image.shown}{which}") as task:
        task.update(detail="the engine packs it")
        with contextlib.closing(cast("Generator[bytes]", api.get_image(image.id))) as chunks:
            for chunk in _iterate_counted(iterate_checking_room(chunks, path.parent), task, image.bytes, stored):
                stream.write(stored.add(packer.compress(plain.add(chunk))))
        stream.write(stored.add(packer.flush()))
        stream.flush()
        os.fsync(stream.fileno())
    return stored, plain


def _check_sums(image: ImageToSave, written: tuple[StreamDigest, StreamDigest], contents: ArchiveContents) -> None:
    if tuple(sums.sha256 for sums in written) != (contents.sha256, contents.tar_sha256):
        raise BadImageArchiveError("what was written reads back as something else", hint="check the disk")
    if contents.layers != image.layers:
        raise BadImageArchiveError("the engine sent other layers than it says the image has", hint="try again")


def _create_file(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE), "wb")


def _iterate_counted(chunks: Iterator[bytes], task: Task, total: int, stored: StreamDigest) -> Iterator[bytes]:
    """Shows how far it is, not for every piece. ``total`` is an estimate: an archive has headers too."""
    done = told = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if done - told >= REPORT_EVERY:
            told = done
            words = (
                f"{format_megabytes(done)} of {format_megabytes(max(total, done))}, "
                f"{format_megabytes(stored.bytes)} written"
            )
            task.update(done=min(done, total), total=total, detail=words)


def _read_archive_back(image: ImageToSave, path: Path, progress: Progress, which: str) -> ArchiveContents:
    """From the disk, as far as the system lets go of what it has just written."""
    with path.open("rb") as stream, progress.task(f"reading back {image.shown}{which}") as task:
        total = os.fstat(stream.fileno()).st_size
        with contextlib.suppress(AttributeError, OSError):  # not every system, not every disk
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return read_checked_archive(stream, image.id, told=lambda done: show_progress(task, done, total))


def show_progress(task: Task, done: int, total: int) -> None:
    """Of bytes of a file."""
    task.update(done=done, total=total, detail=f"{format_megabytes(done)} of {format_megabytes(total)}")


def hash_stream(stream: IO[bytes], task: Task, total: int) -> StreamDigest:
    """Of a file, read to its end."""
    sums = StreamDigest()
    while sums.add(stream.read(CHUNK_BYTES)):
        show_progress(task, sums.bytes, total)
    return sums
