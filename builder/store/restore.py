"""A backup folder → images on an engine: all that is asked for is checked before the engine gets a byte of any."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from builder.core.errors import (
    BackupFolderError,
    BadImageArchiveError,
    DamagedBackupError,
    EngineFailedError,
    NamesTakenError,
    NoSuchImagesError,
)
from builder.core.files import open_regular_file
from builder.core.image_reference import normalize_image_name
from builder.core.naming import shorten_id
from builder.store.archive_check import (
    ArchiveContents,
    ArchiveLimits,
    StreamDigest,
    decompress_stream,
    read_checked_archive,
)
from builder.store.archiving import query_image, show_progress
from builder.store.disk_space import check_engine_room
from builder.store.manifest import MANIFEST_FILE, Manifest, read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from builder.core.progress import Progress, Task
    from builder.engine.protocols import RestoringEngine
    from builder.store.manifest import SavedImage

LEAST_DIGITS = 4
"""Of an ID that a person abbreviates."""
ROOM_FACTOR = 2
"""The engine unpacks an archive beside its images, and its layers from there."""


@dataclass(frozen=True)
class RestoreSelection:
    """What is to be restored from ``folder``. ``names``: each name → the image that gets it."""

    folder: Path
    images: tuple[SavedImage, ...]
    names: Mapping[str, SavedImage]


@dataclass(frozen=True)
class ArchiveCheck:
    """One archive. ``contents`` None: it is damaged, and ``why`` says how."""

    image: SavedImage
    contents: ArchiveContents | None
    why: str = ""


@dataclass(frozen=True)
class RestoredImage:
    """One image. ``loaded`` False: the engine had it. ``named``: names that it got now; ``moved``: from which image."""

    image: SavedImage
    id: str
    """On this engine; another than in the backup where one of the two engines keeps its images in containerd."""
    loaded: bool
    named: tuple[str, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)


def select_images(path: Path, references: Sequence[str]) -> RestoreSelection:
    """``path``: a backup folder, or one archive in it. No ``references``: all that it holds.

    Raises BackupFolderError, DamagedBackupError, NoSuchImageError.
    """
    folder = path if path.is_dir() else path.parent
    manifest = read_manifest(folder)
    if manifest is None:
        if not path.exists():
            raise BackupFolderError(f"there is no {path}", hint="name a folder that `optbuild backup` wrote")
        raise BackupFolderError(
            f"{folder} has no {MANIFEST_FILE}, which describes its archives",
            hint="name a folder that `optbuild backup` wrote, or copy that file too",
        )
    if not path.is_dir() and path.name != MANIFEST_FILE:
        manifest = _select_archive(manifest, path)
    images = _select_referenced(manifest, references, folder) or manifest.images
    if not images:
        raise BackupFolderError(
            f"{folder} holds no image yet", hint="`optbuild backup IMAGE --output FOLDER` saves one"
        )
    return RestoreSelection(folder, images, _index_names([image for image in manifest.images if image in images]))


def _select_archive(manifest: Manifest, path: Path) -> Manifest:
    found = tuple(image for image in manifest.images if image.file == path.name)
    if not found:
        known = ", ".join(image.file for image in manifest.images[:5]) or "none"
        raise BackupFolderError(
            f"{path} is not one of the archives that its folder's manifest names", hint=f"it has {known}"
        )
    return Manifest(found)


def _select_referenced(manifest: Manifest, references: Sequence[str], folder: Path) -> tuple[SavedImage, ...]:
    """Each once. Raises NoSuchImagesError, which names all that are missing."""
    found = {reference: _find_by_reference(manifest, reference, folder) for reference in references}
    if missing := [reference for reference, image in found.items() if image is None]:
        names = [name for image in manifest.images for name in image.names or (image.id,)]
        raise NoSuchImagesError(missing, names, str(folder))
    return tuple(dict.fromkeys(image for image in found.values() if image is not None))


def _find_by_reference(manifest: Manifest, reference: str, folder: Path) -> SavedImage | None:
    """By one of its names, by its ID or the first digits of that; None: there is none."""
    digits = reference.removeprefix("sha256:")
    found = [
        image for image in manifest.images if normalize_image_name(reference) in map(normalize_image_name, image.names)
    ]
    if not found and len(digits) >= LEAST_DIGITS:
        found = [image for image in manifest.images if image.id.removeprefix("sha256:").startswith(digits)]
    if len(found) > 1:
        lines = "".join(f"\n    {image.id}, saved {image.saved}" for image in found)
        raise BackupFolderError(f"{folder} holds several images {reference}:{lines}", hint="name one of them by its ID")
    return next(iter(found), None)


def _index_names(images: Sequence[SavedImage]) -> dict[str, SavedImage]:
    """A name that several images had, one after the other, belongs to the one that had it last."""
    return {name: image for image in images for name in image.names}


def check_archives(chosen: RestoreSelection, progress: Progress) -> tuple[ArchiveCheck, ...]:
    """Read every archive to its end: its bytes are those that were written, and they are that image and no more."""
    found = []
    for number, image in enumerate(chosen.images, 1):
        which = f" ({number} of {len(chosen.images)})" if len(chosen.images) > 1 else ""
        try:
            with (
                open_regular_file(chosen.folder / image.file) as stream,
                progress.task(f"checking {image.file}{which}") as task,
            ):
                found.append(ArchiveCheck(image, _check_contents(stream, image, task)))
        except OSError as error:
            found.append(ArchiveCheck(image, None, f"cannot be read: {error.strerror}"))
        except BadImageArchiveError as error:
            found.append(ArchiveCheck(image, None, error.message))
    return tuple(found)


def _check_contents(stream: IO[bytes], image: SavedImage, task: Task) -> ArchiveContents:
    there = os.fstat(stream.fileno()).st_size
    if there != image.bytes:
        raise BadImageArchiveError(f"it has {there} bytes, the manifest says {image.bytes}")
    limits = ArchiveLimits(image.tar_bytes, image.unpacked)
    found = read_checked_archive(stream, image.id, limits=limits, told=lambda done: show_progress(task, done, there))
    facts = {
        "sha256": (found.sha256, image.sha256),
        "sha256 when decompressed": (found.tar_sha256, image.tar_sha256),
        "configuration": (found.ids[0], image.config),
        "list of layers": (found.layers, image.layers),
        "number of bytes when decompressed": (found.tar_bytes, image.tar_bytes),
        "number of bytes when unpacked": (found.unpacked, image.unpacked),
    }
    for name, (here, said) in facts.items():
        if here != said:
            raise BadImageArchiveError(f"its {name} is not the one in the manifest")
    return found


def refuse_damaged(checked: Sequence[ArchiveCheck]) -> None:
    """Raises DamagedBackupError when one is."""
    bad = [one for one in checked if one.contents is None]
    if bad:
        lines = "".join(f"\n    {one.image.file}: {one.why}" for one in bad)
        whole = [shorten_id(one.image.id) for one in checked if one.contents is not None]
        hint = f"those that are whole can be restored on their own: `optbuild restore FOLDER {' '.join(whole)}`"
        hint = hint if whole else "save the images again, if an engine still has them"
        raise DamagedBackupError(f"archives are damaged, so nothing was loaded:{lines}", hint=hint)


def restore_images(
    engine: RestoringEngine,
    chosen: RestoreSelection,
    checked: Sequence[ArchiveCheck],
    progress: Progress,
    *,
    replace_tags: bool = False,
) -> tuple[RestoredImage, ...]:
    """Load what the engine lacks, and give the images their names.

    Raises DamagedBackupError, NamesTakenError, DiskFullError before anything is done; EngineFailedError and
    BadImageArchiveError later: what was done until then stays, and the next run goes on from there.
    """
    refuse_damaged(checked)
    ids = {one.image.id: one.contents.ids for one in checked if one.contents is not None}
    if not replace_tags:
        _refuse_taken_names(engine, chosen, ids)
    lacking = [image for image in chosen.images if _find_present_id(engine, ids[image.id]) is None]
    if lacking:
        room = ROOM_FACTOR * max(image.unpacked for image in lacking) + sum(image.unpacked for image in lacking)
        check_engine_room(engine.measure_free_bytes(), room, "loading the images")
    run = _RestoreRun(engine, chosen, progress, replace_tags)
    return tuple(run.load_and_tag(image, ids[image.id]) for image in chosen.images)


def _refuse_taken_names(engine: RestoringEngine, chosen: RestoreSelection, ids: Mapping[str, tuple[str, ...]]) -> None:
    now = {name: engine.find_image_id(name) for name in chosen.names}
    taken = [
        (name, found, chosen.names[name].id)
        for name, found in now.items()
        if found is not None and found not in ids[chosen.names[name].id]
    ]
    if taken:
        raise NamesTakenError(taken)


def _find_present_id(engine: RestoringEngine, ids: Sequence[str]) -> str | None:
    return next((one for one in ids if engine.find_image_id(one) == one), None)


@dataclass(frozen=True)
class _RestoreRun:
    engine: RestoringEngine
    chosen: RestoreSelection
    progress: Progress
    replace_tags: bool

    def load_and_tag(self, image: SavedImage, ids: Sequence[str]) -> RestoredImage:
        there = _find_present_id(self.engine, ids)
        identity = there or self._load_archive(image, ids)
        named, moved = [], {}
        for name in [name for name in image.names if self.chosen.names[name] == image]:
            now = self.engine.find_image_id(name)
            if now == identity:
                continue
            if now is not None:
                moved[name] = self._check_movable(name, now, identity)
            self.engine.tag(identity, name)
            named.append(name)
        return RestoredImage(image, identity, there is None, tuple(named), moved)

    def _check_movable(self, name: str, now: str, identity: str) -> str:
        if not self.replace_tags:
            raise EngineFailedError(
                f"somebody gave {name} to {now} while {identity} was loaded; the loaded image does not have that name",
                hint="`--replace-tags` moves it",
            )
        return now

    def _load_archive(self, image: SavedImage, ids: Sequence[str]) -> str:
        """The ID of the image that is there now, with the layers of the manifest."""
        path = self.chosen.folder / image.file
        with open_regular_file(path) as stream, self.progress.task(f"loading {image.file}") as task:
            self.engine.load(_iterate_verified(stream, image, task))
        there = _find_present_id(self.engine, ids)
        found = None if there is None else query_image(self.engine.api, there)
        if found is None or found.layers != image.layers:
            raise EngineFailedError(
                f"the engine accepted {image.file}, but now has no image {image.id} with its layers",
                hint="its log says more; the archive was whole when it was sent",
            )
        return found.id


def _iterate_verified(stream: IO[bytes], image: SavedImage, task: Task) -> Iterator[bytes]:
    """The decompressed bytes. The last of them come only when all are what was checked: without its end an engine
    loads nothing of an archive, so a file that changes between check and load does no harm."""
    stored, plain, held = StreamDigest(), StreamDigest(), b""
    for piece in decompress_stream(stream, stored):
        plain.add(piece)
        show_progress(task, stored.bytes, image.bytes)
        if held:
            yield held
        held = piece
    if (stored.sha256, plain.sha256) != (image.sha256, image.tar_sha256):
        raise BadImageArchiveError(
            f"{image.file} was changed while it was loaded",
            hint="the engine did not get its end, and so loaded nothing",
        )
    yield held
