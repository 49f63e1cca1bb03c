"""`optbuild plan --format json`."""

from __future__ import annotations

from typing import Annotated, TypedDict

from builder.compose.model import ImageOrigin, Sharing
from builder.report.documents.fields import Bytes, Digest, Seconds, Sha256, Version


class PlannedProjectDocument(TypedDict):
    name: Annotated[str, "The compose project's."]
    directory: Annotated[str, "Absolute."]
    files: Annotated[list[str], "The compose files, in their order."]
    services: Annotated[list[str], "All of them, those behind profiles too."]


class TargetDocument(TypedDict):
    image: Annotated[str, "The name that every sharer gets, tag included."]
    source: Annotated[
        ImageOrigin, "What makes it: a service that keeps `build:`, nobody (`--image-only`), or an optbuild.toml."
    ]
    builder: Annotated[str | None, "The service that keeps `build:`."]
    pull_policy: Annotated[str | None, "Null where the name carries a registry."]


class ImageSetDocument(TypedDict):
    apparent: Annotated[Bytes | None, "What `docker images` adds up to; null: not measured."]
    real: Annotated[Bytes | None, "On disk, each layer once."]
    images: Annotated[int | None, "Different image IDs."]


class GroupBytesDocument(TypedDict):
    now: Annotated[ImageSetDocument, "As they are."]
    then: Annotated[ImageSetDocument, "Once they share an image."]
    if_apart: Annotated[ImageSetDocument, "Once each was built by itself, without a cache."]


class GroupDocument(TypedDict):
    services: Annotated[list[str], "Those that build the same, or have the same image."]
    images: Annotated[list[str], "The names of their images today."]
    airflow: Annotated[bool, "It is Airflow."]
    builds: Annotated[str | None, "What is built, in words; null: nothing."]
    duplicate: Annotated[bool, "The same is built several times."]
    target: Annotated[TargetDocument | None, "What they become; null: nothing to do, or left alone."]
    reason: Annotated[str | None, "Why they are left alone."]
    refused: Annotated[bool, "No file can be edited for it safely; `reason` says why."]
    warnings: Annotated[list[str], "What to know before the target is applied."]
    sharing: Annotated[Sharing | None, "What their images have in common on the engine; null: not known."]
    bytes: Annotated[GroupBytesDocument, "Of their images."]
    build_seconds: Annotated[Seconds | None, "Of the last build of this image that was seen."]


class EngineImageDocument(TypedDict):
    id: Annotated[Digest, "The image's ID."]
    bytes: Annotated[Bytes | None, "Unpacked, all layers."]
    found_as: Annotated[str, "The name on the engine: Compose v1 had other ones."]


class FixDocument(TypedDict):
    line: Annotated[int, "Counted from 1, in `file` of the finding."]
    column: Annotated[int, "Characters before the place."]
    end_line: Annotated[int, "Counted from 1."]
    end_column: Annotated[int, "The same place as the start: an insertion."]
    text: Annotated[str, "What stands there instead."]


class PlanFindingDocument(TypedDict):
    code: Annotated[str, "`OB101`; see [findings](findings.md)."]
    name: Annotated[str, "The rule's name."]
    severity: Annotated[str, "`info`, `warning` or `error`."]
    title: Annotated[str, "The rule in one line."]
    file: Annotated[str | None, "Null: the project as a whole."]
    line: Annotated[int | None, "Counted from 1."]
    key: Annotated[str | None, "The key in that file."]
    services: Annotated[list[str], "Whom it concerns."]
    message: Annotated[str, "What was found, with the facts at hand."]
    details: Annotated[list[str], "A further fact each."]
    fix: Annotated[str | None, "The text to write or the command to type."]
    edits: Annotated[list[FixDocument], "`fix` for a program; empty where a person has to decide."]


class FileEditDocument(TypedDict):
    file: Annotated[str, "The compose file."]
    sha256_before: Annotated[Sha256, "Of the file as it is."]
    sha256_after: Annotated[Sha256, "Of the file with the edit."]
    diff: Annotated[str, "A unified diff."]


class PlanDocument(TypedDict):
    schema_version: Version
    project: Annotated[PlannedProjectDocument, "The compose project."]
    engine: Annotated[str | None, "Its version; null: none answered, and no bytes are known."]
    notes: Annotated[list[str], "What to know beside the findings."]
    groups: Annotated[list[GroupDocument], "Services with one build or one image."]
    images: Annotated[dict[str, EngineImageDocument], "Name → what the engine has; others are missing."]
    findings: Annotated[list[PlanFindingDocument], "The worst first."]
    edits: Annotated[list[FileEditDocument], "What `optbuild optimize` would write."]
    affected: Annotated[list[str], "Services whose image, build or pull policy changes."]
