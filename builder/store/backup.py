"""Images of an engine → archives in a folder, each read back whole before the folder's manifest names it.

One archive for each image: it can be saved, checked, copied and loaded without the others, and a run that was stopped
goes on with the next one. What this costs: layers that several images share are in each of their archives.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import builder
from builder.core.errors import BackupFolderError, BadImageArchiveError, EngineFailedError, NoSuchImagesError
from builder.core.files import hold_lock, open_regular_file, sync_folder
from builder.store.archiving import hash_stream, query_image, save_archive
from builder.store.disk_space import check_backup_room, check_engine_room
from builder.store.manifest import MANIFEST_FILE, Manifest, SavedImage, format_file_name, read_manifest, write_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from builder.core.progress import Progress
    from builder.engine.protocols import ArchiveApi, SavingEngine
    from builder.store.archive_check import ArchiveContents
    from builder.store.archiving import ImageToSave

FOLDER_LOCK = ".optbuild-backup.lock"
_LEFTOVERS = re.compile(rf"\.[a-z0-9][a-z0-9._-]*\.tar\.zst\.part|\.{re.escape(MANIFEST_FILE)}\.[A-Za-z0-9_]+")
"""What a run that was killed leaves: half an archive, half a manifest."""


class BackupStatus(StrEnum):
    """What became of an image. Its value is what a person reads."""

    SAVED = "saved"
    KEPT = "already there"
    AGAIN = "saved again"


@dataclass(frozen=True)
class BackedUpImage:
    """One image that is whole in the folder. ``why``: what was wrong with the archive that was there before."""

    image: SavedImage
    how: BackupStatus
    why: str = ""


@dataclass(frozen=True)
class BackupResult:
    """``failed``: image ID → why it is not in the folder."""

    done: tuple[BackedUpImage, ...]
    failed: Mapping[str, str]


def save_images(
    engine: SavingEngine, image_ids: Sequence[str], folder: Path, progress: Progress
) -> tuple[SavedImage, ...]:
    """Only those that were read back and found whole, whether now or in an earlier run: these may be deleted.

    An image that vanishes meanwhile, or whose archive is not what the image says, is left out; ``progress`` says why.
    Raises BackupFolderError, DamagedBackupError (the manifest), DiskFullError, EngineFailedError: what was saved
    before stays in the folder.
    """
    return tuple(one.image for one in back_up_images(engine, image_ids, folder, progress).done)


def resolve_image_ids(api: ArchiveApi, references: Sequence[str]) -> tuple[str, ...]:
    """The ID of each name or ID, each once. Raises NoSuchImagesError, which names all that are missing, and
    EngineFailedError."""
    found = {reference: query_image(api, reference) for reference in references}
    if missing := [reference for reference, image in found.items() if image is None]:
        raise NoSuchImagesError(missing, [name for one in api.images() for name in one.get("RepoTags") or ()])
    return tuple(dict.fromkeys(image.id for image in found.values() if image is not None))


def back_up_images(engine: SavingEngine, image_ids: Sequence[str], folder: Path, progress: Progress) -> BackupResult:
    """Save what the folder does not hold whole. Raises as :func:`save_images`."""
    wanted = tuple(dict.fromkeys(image_ids))
    done: list[BackedUpImage] = []
    failed: dict[str, str] = {}
    with _open_folder(folder, progress) as manifest:
        shelf = _BackupFolder(folder, manifest)
        _check_room(engine, wanted, shelf)
        for number, identity in enumerate(wanted, 1):
            which = f" ({number} of {len(wanted)})" if len(wanted) > 1 else ""
            try:
                done.append(_save_or_keep(engine.api, identity, shelf, progress, which))
            except (_ImageGoneError, BadImageArchiveError) as error:
                failed[identity] = error.message
                progress.note(f"{identity} was not saved: {error.message}")
    return BackupResult(tuple(done), failed)


class _ImageGoneError(EngineFailedError):
    """The image is not on the engine any more."""

    def __init__(self) -> None:
        super().__init__("the engine has no such image any more")


@contextlib.contextmanager
def _open_folder(folder: Path, progress: Progress) -> Iterator[Manifest]:
    """One run at a time writes to a folder; what a killed one left half is removed first."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = hold_lock(folder / FOLDER_LOCK, "backup", on_wait=lambda who: progress.note(f"waiting for {who}"))
        lock.__enter__()
    except OSError as error:
        raise BackupFolderError(
            f"no backup can be written to {folder}: {error.strerror}", hint="name a folder that you may write to"
        ) from error
    try:
        for path in sorted(folder.iterdir()):
            if _LEFTOVERS.fullmatch(path.name):
                path.unlink()
                progress.note(f"removed {path.name}, which a run that was stopped left half written")
        yield read_manifest(folder) or Manifest()
    finally:
        lock.__exit__(None, None, None)


def _check_room(engine: SavingEngine, wanted: Sequence[str], shelf: _BackupFolder) -> None:
    """Raises DiskFullError. The engine packs an image on its own disk before it sends the first byte."""
    asked = [query_image(engine.api, identity) for identity in wanted if shelf.find_entry(identity) is None]
    sizes = [image.bytes for image in asked if image is not None]
    check_backup_room(shelf.folder, sum(sizes))
    if sizes:
        check_engine_room(engine.measure_free_bytes(), max(sizes), "packing the largest of the images")


class _BackupFolder:
    """The folder while it is locked, and its manifest as it is on disk."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self._manifest = manifest

    def find_entry(self, identity: str) -> SavedImage | None:
        return self._manifest.find_image(identity)

    def choose_file_name(self, image: ImageToSave) -> str:
        known = self.find_entry(image.id)
        if known is not None:
            return known.file
        used = {one.file for one in self._manifest.images}
        ways = (format_file_name(image.names, image.id.removeprefix("sha256:")[start:]) for start in range(52))
        return next(name for name in ways if name not in used)

    def put(self, temporary: Path, entry: SavedImage) -> None:
        """At no moment does the manifest name what is not there, or not yet whole."""
        self._write(self._manifest.without_image(entry.id))
        temporary.replace(self.folder / entry.file)
        sync_folder(self.folder)
        self.record(entry)

    def record(self, entry: SavedImage) -> None:
        self._write(self._manifest.with_image(entry))

    def _write(self, manifest: Manifest) -> None:
        if manifest != self._manifest:
            write_manifest(self.folder, manifest)
            self._manifest = manifest


def _save_or_keep(
    api: ArchiveApi, identity: str, shelf: _BackupFolder, progress: Progress, which: str
) -> BackedUpImage:
    image = query_image(api, identity)
    if image is None:
        raise _ImageGoneError
    known = shelf.find_entry(identity)
    if known is None:
        return BackedUpImage(_save_to_folder(api, image, shelf, progress, which), BackupStatus.SAVED)
    why = find_damage(shelf.folder, known, progress, f"{image.shown}{which}")
    if why:
        progress.note(f"{known.file} {why}: it is saved again")
        return BackedUpImage(_save_to_folder(api, image, shelf, progress, which), BackupStatus.AGAIN, why)
    named = replace(known, names=image.names, digests=image.digests)
    shelf.record(named)  # it may have got other names since; its bytes are the same
    return BackedUpImage(named, BackupStatus.KEPT)


def find_damage(folder: Path, entry: SavedImage, progress: Progress, shown: str) -> str:
    """Empty: the file is, byte for byte, what was read back when it was written. Nothing is decompressed."""
    try:
        with open_regular_file(folder / entry.file) as stream:
            there = os.fstat(stream.fileno()).st_size
            if there != entry.bytes:
                return f"has {there} bytes, not {entry.bytes}"
            with progress.task(f"checking {shown}") as task:
                same = hash_stream(stream, task, there).sha256 == entry.sha256
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if same else "was changed: its bytes have another sha256"


def _save_to_folder(
    api: ArchiveApi, image: ImageToSave, shelf: _BackupFolder, progress: Progress, which: str
) -> SavedImage:
    file = shelf.choose_file_name(image)
    temporary = shelf.folder / f".{file}.part"
    try:
        contents = save_archive(api, image, temporary, progress, which)
    except EngineFailedError as error:
        if query_image(api, image.id) is None:
            raise _ImageGoneError from error
        raise
    entry = _make_entry(image, file, contents)
    try:
        shelf.put(temporary, entry)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return entry


def _make_entry(image: ImageToSave, file: str, contents: ArchiveContents) -> SavedImage:
    return SavedImage(
        id=image.id,
        names=image.names,
        digests=image.digests,
        platform=image.platform,
        created=image.created,
        config=contents.ids[0],
        layers=contents.layers,
        unpacked=contents.unpacked,
        file=file,
        bytes=contents.bytes,
        sha256=contents.sha256,
        tar_bytes=contents.tar_bytes,
        tar_sha256=contents.tar_sha256,
        saved=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        optbuild=builder.__version__,
    )
