"""`optbuild clean --format json`."""

from __future__ import annotations

from typing import Annotated, TypedDict

from builder.report.documents.fields import Bytes, Digest, Version
from builder.report.documents.images import ImageRowDocument


class ChoiceDocument(ImageRowDocument):
    goes: Annotated[bool, "It would be removed, or was to be."]


class RemovedImageDocument(TypedDict):
    id: Annotated[Digest, "The image's ID."]
    names: Annotated[list[str], "Its names here."]


class SkippedImageDocument(RemovedImageDocument):
    reason: Annotated[str, "Why it was left alone after all."]


class CacheCleanupDocument(TypedDict):
    builder: Annotated[str, "The builder's name."]
    idle_bytes: Annotated[Bytes | None, "What would go."]
    exact: Annotated[bool, "False: as buildx rounds it, of any age."]
    done: Annotated[bool, "False: a preview."]
    freed_bytes: Annotated[Bytes | None, "Null: nothing was done, or it was not measured."]


class CleanDocument(TypedDict):
    schema_version: Version
    preview: Annotated[bool, "Nothing was removed: `--yes` was not given."]
    frees_bytes: Annotated[Bytes | None, "What removing all of it gives back; null where not all of it is known."]
    frees_at_least_bytes: Annotated[Bytes, "What of it is known."]
    images: Annotated[list[ChoiceDocument], "All, with the reason why each goes or stays."]
    removed: Annotated[list[RemovedImageDocument] | None, "Null in a preview, as the next five are."]
    skipped: Annotated[list[SkippedImageDocument] | None, "What was to go, and did not."]
    freed_bytes: Annotated[Bytes | None, "Measured; null where not all of it is known."]
    freed_at_least_bytes: Annotated[Bytes | None, "What of it is known."]
    bytes_before: Annotated[Bytes | None, "Of all images, on disk."]
    bytes_after: Annotated[Bytes | None, "Of all images, on disk."]
    build_cache: Annotated[CacheCleanupDocument | None, "Null without `--build-cache`."]
    backup: Annotated[str | None, "The folder in which each was saved first."]
    notes: Annotated[list[str], "What else there is to know."]
