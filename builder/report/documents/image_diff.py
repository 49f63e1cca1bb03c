"""`optbuild diff IMAGE IMAGE --format json`."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from builder.inspect.diff import ChangeKind
from builder.report.documents.fields import Bytes, Digest, Sha256, Version


class SideDocument(TypedDict):
    name: Annotated[str, "As it was named."]
    id: Annotated[Digest, "The image's ID."]
    names: Annotated[list[str], "Its names here."]
    platform: Annotated[str, "`linux/amd64`"]
    bytes: Annotated[Bytes, "Of all layers, unpacked."]
    visible_bytes: Annotated[Bytes, "Of the files that a container sees."]
    files: Annotated[int, "That a container sees."]
    waste_bytes: Annotated[Bytes, "What another Dockerfile would save."]


class GrowthDocument(TypedDict):
    bytes: Annotated[Bytes, "Of all layers, unpacked."]
    visible_bytes: Annotated[Bytes, "Of the files that a container sees."]
    files: Annotated[int, "How many."]
    waste_bytes: Annotated[Bytes, "What another Dockerfile would save."]
    no_package_bytes: Annotated[Bytes, "Of the files that belong to no package."]


class CommonBaseDocument(TypedDict):
    name: Annotated[str | None, "Null: it is not known."]
    layers: Annotated[int, "How many."]


class SharedLayersDocument(TypedDict):
    layers: Annotated[int, "How many."]
    bytes: Annotated[Bytes, "Unpacked."]


class SideLayerDocument(TypedDict):
    diff: Annotated[Digest, "Its diff ID: over the uncompressed tar."]
    chain: Annotated[Digest, "Its chain ID: the layer and all below it."]
    instruction: Annotated[str, "What made it; empty: the image does not say."]
    bytes: Annotated[Bytes, "Unpacked."]


class LayerChangeDocument(TypedDict):
    change: Annotated[ChangeKind, "`metadata`: it holds the same, on another layer."]
    growth: Annotated[Bytes, "After minus before."]
    before: Annotated[SideLayerDocument | None, "Null: it is new."]
    after: Annotated[SideLayerDocument | None, "Null: it is gone."]


class SidePackageDocument(TypedDict):
    version: Annotated[str, "The installed one."]
    bytes: Annotated[Bytes, "Of its files."]
    architecture: Annotated[str | None, "Of a Debian package."]
    folder: Annotated[str | None, "Of a Python distribution."]


class PackageChangeDocument(TypedDict):
    kind: Annotated[Literal["python", "debian"], "What it is a package of."]
    name: Annotated[str, "The package's."]
    change: Annotated[ChangeKind, "`metadata`: the same version with other files."]
    growth: Annotated[Bytes, "After minus before."]
    before: Annotated[SidePackageDocument | None, "Null: it is new."]
    after: Annotated[SidePackageDocument | None, "Null: it is gone."]


class OwnerDocument(TypedDict):
    kind: Annotated[Literal["python", "debian"], "What it is a package of."]
    name: Annotated[str, "The package's."]


class SideFileDocument(TypedDict):
    kind: Annotated[str, "`file`, `symlink`, `hardlink` or `other`."]
    bytes: Annotated[Bytes, "Of its content."]
    mode: Annotated[str, "Four octal digits."]
    uid: Annotated[int, "Owner."]
    gid: Annotated[int, "Group."]
    link: Annotated[str | None, "Where it leads."]
    sha256: Annotated[Sha256 | None, "Null: not a regular file, or without bytes."]


class FileChangeDocument(TypedDict):
    path: Annotated[str, "In the image, absolute."]
    owner: Annotated[OwnerDocument | None, "Whose it is, or was; null: nobody's."]
    change: Annotated[ChangeKind, "`metadata`: mode or owner."]
    growth: Annotated[Bytes, "After minus before."]
    before: Annotated[SideFileDocument | None, "Null: it is new."]
    after: Annotated[SideFileDocument | None, "Null: it is gone."]


class WasteChangeDocument(TypedDict):
    code: Annotated[str, "`OB401`; see [findings](findings.md)."]
    title: Annotated[str, "The rule in one line."]
    growth: Annotated[Bytes, "After minus before."]
    before: Annotated[Bytes, "0: none."]
    after: Annotated[Bytes, "0: none."]


class ImageDiffDocument(TypedDict):
    schema_version: Version
    changed: Annotated[bool, "A layer differs."]
    content_changed: Annotated[bool, "Not only times in a layer differ."]
    before: Annotated[SideDocument, "The first image."]
    after: Annotated[SideDocument, "The second image."]
    growth: Annotated[GrowthDocument, "After minus before."]
    base: Annotated[CommonBaseDocument, "The lowest layers that are the base's in both."]
    shared: Annotated[SharedLayersDocument, "The lowest layers that both have."]
    new_bytes: Annotated[Bytes, "What a machine with the first image still has to get, unpacked."]
    layers: Annotated[list[LayerChangeDocument], "That differ, in the order of the images."]
    packages: Annotated[list[PackageChangeDocument], "That differ, the largest change first."]
    files: Annotated[list[FileChangeDocument], "That differ, the largest change first; no folders."]
    waste: Annotated[list[WasteChangeDocument], "By code, the largest change first."]
