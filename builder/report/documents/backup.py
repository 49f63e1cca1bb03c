"""`optbuild backup` and `optbuild restore` with `--format json`."""

from __future__ import annotations

from typing import Annotated, TypedDict

from builder.report.documents.fields import Bytes, Digest, Sha256, Timestamp, Version
from builder.store.backup import BackupStatus


class ArchiveDocument(TypedDict):
    id: Annotated[Digest, "As the engine named it that saved it."]
    names: Annotated[list[str], "All that it had."]
    digests: Annotated[list[str], "`name@sha256:...`; only a pull can bring those back."]
    platform: Annotated[str, "`linux/amd64`"]
    created: Annotated[Timestamp | None, "As the image says."]
    unpacked_bytes: Annotated[Bytes, "Of all layers, unpacked."]
    file: Annotated[str, "Of the archive, in the folder."]
    file_bytes: Annotated[Bytes, "Of the archive."]
    sha256: Annotated[Sha256, "Of the archive."]
    saved: Annotated[Timestamp | None, "When the archive was written."]


class SavedImageDocument(ArchiveDocument):
    result: Annotated[BackupStatus, "`already there`: its archive was whole."]
    damage: Annotated[str, "Of an older archive that was made again: what was wrong with it; else empty."]


class FailedImageDocument(TypedDict):
    id: Annotated[str, "The image's ID."]
    reason: Annotated[str, "Why."]


class BackupDocument(TypedDict):
    schema_version: Version
    folder: Annotated[str, "As it was named."]
    images: Annotated[list[SavedImageDocument], "Each was read back and found whole."]
    failed: Annotated[list[FailedImageDocument], "Those that are not in the folder."]


class CheckedImageDocument(ArchiveDocument):
    whole: Annotated[bool, "It can be restored."]
    damage: Annotated[str, "Empty where it is whole."]


class ArchiveCheckDocument(TypedDict):
    schema_version: Version
    images: Annotated[list[CheckedImageDocument], "Nothing of them was loaded."]


class RestoredImageDocument(ArchiveDocument):
    id_here: Annotated[Digest, "Another than `id` where one of the two engines keeps its images in containerd."]
    loaded: Annotated[bool, "False: the engine had it."]
    named: Annotated[list[str], "Names that it got now."]
    moved_from: Annotated[dict[str, Digest], "Such a name → the image that had it before."]


class RestoreDocument(TypedDict):
    schema_version: Version
    images: Annotated[list[RestoredImageDocument], "Each that was asked for."]
