"""`optbuild optimize --format json`."""

from __future__ import annotations

from typing import Annotated, TypedDict

from builder.report.documents.fields import Bytes, Digest, Seconds, Version


class RestartedServiceDocument(TypedDict):
    name: Annotated[str, "The service's."]
    image_ids_before: Annotated[list[Digest], "Of its containers."]
    image_ids: Annotated[list[Digest], "Of its containers now."]
    running: Annotated[bool, "A container of it runs now."]
    stopped_seconds: Annotated[Seconds | None, "No container of it ran for so long; null: none was stopped."]
    up_after_seconds: Annotated[
        Seconds | None, "From its stop until it was seen to be up, healthy where it has a check."
    ]


class OldImageDocument(TypedDict):
    id: Annotated[Digest, "The image's ID."]
    names: Annotated[list[str], "Its names here."]
    kept: Annotated[str | None, "Why it stays; null: it may go, or went."]


class SharedBytesDocument(TypedDict):
    before: Annotated[Bytes | None, "On disk, of what its services used; null: not measured."]
    now: Annotated[Bytes | None, "On disk, of what they use now."]


class OptimizeDocument(TypedDict):
    schema_version: Version
    project: Annotated[str, "The compose project's name."]
    files: Annotated[list[str], "That were written; absolute."]
    backups: Annotated[list[str], "The old bytes of each, in the same order."]
    images: Annotated[dict[str, Digest], "Shared image → its ID."]
    services: Annotated[list[RestartedServiceDocument], "Those that were restarted."]
    old_images: Annotated[list[OldImageDocument], "What the services had before, and is still there."]
    removed_images: Annotated[list[OldImageDocument], "What `--clean` removed."]
    bytes: Annotated[dict[str, SharedBytesDocument], "Shared image → bytes."]
    old_bytes: Annotated[Bytes | None, "On disk, that removing the old images frees or freed; null: not measured."]
    removal_command: Annotated[str | None, "What removes the old images; null: nothing to remove."]
    warnings: Annotated[list[str], "What was said before anything was done."]
    refused: Annotated[list[str], "Services that could share an image, were their file safe to edit."]
