"""`optbuild diff IMAGE LOCK --format json`, and two locks."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from builder.inspect.lock_diff import LockStatus
from builder.report.documents.fields import Bytes, Digest, Version
from builder.report.documents.lock import MovesDocument


class PlatformsDocument(TypedDict):
    image: Annotated[str, "`linux/amd64`"]
    lock: Annotated[str, "`linux/amd64`"]


class LockedCountsDocument(TypedDict):
    python: Annotated[int, "Distributions."]
    debian: Annotated[int, "0: the lock leaves them to the base image, and they were not compared."]


class LockDifferenceDocument(TypedDict):
    kind: Annotated[Literal["python", "debian"], "What it is a package of."]
    name: Annotated[str, "The package's."]
    standing: Annotated[LockStatus, "What is wrong."]
    locked: Annotated[str | None, "The version in the lock."]
    found: Annotated[str | None, "The version in the image."]
    folder: Annotated[str | None, "Of a Python distribution."]


class LockDiffDocument(TypedDict):
    schema_version: Version
    image: Annotated[str, "As it was named."]
    image_id: Annotated[Digest, "The image's ID."]
    lock: Annotated[str, "As it was named."]
    platform: Annotated[PlatformsDocument, "Two, where the lock is for another one."]
    locked: Annotated[LockedCountsDocument, "How many packages the lock names."]
    differs: Annotated[bool, "The image is not what the lock says."]
    differences: Annotated[list[LockDifferenceDocument], "Python first, then by name."]


class MovedLayerDocument(TypedDict):
    name: Annotated[str, "The layer's, as `optbuild render --explain` names it."]
    pushed: Annotated[Bytes, "Compressed, estimated."]
    because: Annotated[list[str], "`seaborn 0.12.2 -> 0.13.2`; empty: its members or its time stamp changed."]


class GoneLayerDocument(TypedDict):
    name: Annotated[str, "The layer's, as `optbuild render --explain` names it."]
    because: Annotated[list[str], "`gosu 1.14-1 -> (gone)`; empty: its members lie in another layer now."]


class LockMovesDocument(TypedDict):
    schema_version: Version
    before: Annotated[str, "As it was named."]
    after: Annotated[str, "As it was named."]
    layers: Annotated[int, "That the new image has."]
    pushed_bytes: Annotated[Bytes, "To a registry that has the old image; compressed, estimated, as all bytes here."]
    pulled_bytes: Annotated[Bytes, "By a node with overlay2 that has the old image."]
    whole_bytes: Annotated[Bytes, "Of the new image."]
    estimated: Annotated[Literal[True], "No image was built for it."]
    moved: Annotated[list[MovedLayerDocument], "The lowest first."]
    gone: Annotated[list[GoneLayerDocument], "Only the old image has them; the lowest first."]
    versions: Annotated[MovesDocument, "What changed in the image, without what builds it."]
