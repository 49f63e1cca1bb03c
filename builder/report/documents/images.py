"""`optbuild images --format json`."""

from __future__ import annotations

from typing import Annotated, TypedDict

from builder.report.documents.fields import Bytes, Digest, Timestamp, Version
from builder.store.model import RetentionReason


class ImageUserDocument(TypedDict):
    id: Annotated[str, "The container's."]
    name: Annotated[str, "The container's."]
    state: Annotated[str, "As docker says: `running`, `exited`, ..."]


class StoredLayerDocument(TypedDict):
    chain: Annotated[Digest, "Its chain ID: the layer and all below it."]
    bytes: Annotated[Bytes | None, "Unpacked."]


class ImageRowDocument(TypedDict):
    id: Annotated[Digest, "The image's ID."]
    names: Annotated[list[str], "The shortest first."]
    digests: Annotated[list[str], "`name@sha256:...`, as registries know it."]
    created: Annotated[Timestamp | None, "As the image says."]
    created_is_set: Annotated[bool, "That date was given to the build, and does not say when it was."]
    named: Annotated[Timestamp | None, "When it last got a name here."]
    unpacked_bytes: Annotated[Bytes | None, "Of all layers, unpacked."]
    unique_bytes: Annotated[Bytes | None, "Of layers that no other image has."]
    shared_bytes: Annotated[Bytes | None, "Of layers that another image has too."]
    frees_bytes: Annotated[Bytes | None, "What deleting this image, and no other, gives back."]
    standing: Annotated[RetentionReason, "What keeps it; the last three keep nothing."]
    reason: Annotated[str, "The same in words."]
    containers: Annotated[list[ImageUserDocument], "In any state."]
    projects: Annotated[list[str], "Compose projects that want it."]
    layers: Annotated[list[StoredLayerDocument], "The lowest first."]


class ImageTotalsDocument(TypedDict):
    images: Annotated[int, "How many."]
    real_bytes: Annotated[Bytes | None, "On disk, each layer once; null where not all of it is known."]
    real_at_least_bytes: Annotated[Bytes, "What of it is known."]
    unique_bytes: Annotated[Bytes | None, "Of layers that one image has."]
    unique_at_least_bytes: Annotated[Bytes, "What of it is known."]
    shared_bytes: Annotated[Bytes | None, "Of layers that several have, each once."]
    shared_at_least_bytes: Annotated[Bytes, "What of it is known."]
    apparent_bytes: Annotated[Bytes | None, "What summing `docker images` says."]
    apparent_at_least_bytes: Annotated[Bytes, "What of it is known."]
    images_untold: Annotated[int, "Images with layers whose bytes the engine does not report."]


class LastOptimizeDocument(TypedDict):
    project: Annotated[str, "The compose project's name."]
    at: Annotated[Timestamp | None, "When it ended."]
    bytes_before: Annotated[Bytes | None, "Of all images, on disk."]
    bytes_after: Annotated[Bytes | None, "Of all images, on disk."]


class VolumeDocument(TypedDict):
    name: Annotated[str, "The volume's."]
    bytes: Annotated[Bytes | None, "As the engine counts them."]
    containers: Annotated[list[str], "Names of those that mount it."]
    projects: Annotated[list[str], "Compose projects that it belongs to."]


class BuildCacheDocument(TypedDict):
    bytes: Annotated[Bytes | None, "Beside the images."]
    shared_bytes: Annotated[Bytes | None, "That are layers of images too."]
    idle_bytes: Annotated[Bytes | None, "What `optbuild clean --build-cache` can free."]
    records: Annotated[int | None, "How many steps it holds."]


class ImagesDocument(TypedDict):
    schema_version: Version
    engine: Annotated[str, "Its version."]
    images: Annotated[list[ImageRowDocument], "A row each."]
    hidden: Annotated[int, "Images that the filter leaves out."]
    totals: Annotated[ImageTotalsDocument, "Of all images."]
    last_optimize: Annotated[LastOptimizeDocument | None, "Null: there was none here."]
    volumes: Annotated[list[VolumeDocument] | None, "Null: the engine did not add them up in time."]
    build_cache: Annotated[BuildCacheDocument | None, "Of the engine's own builder; null: not in time."]
    notes: Annotated[list[str], "What else there is to know."]
