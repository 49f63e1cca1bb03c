"""`optbuild inspect --format json`."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from builder.report.documents.fields import Bytes, Digest, Percent, Timestamp, Version


class InspectedBaseDocument(TypedDict):
    name: Annotated[str | None, "Null: none, or it has none here."]
    layers: Annotated[int, "How many of the lowest layers are the base's; 0: none, or not known."]
    why: Annotated[str | None, "Why that image counts as the base, or none does."]


class InspectedImageDocument(TypedDict):
    id: Annotated[Digest, "The image's ID."]
    names: Annotated[list[str], "Its names here."]
    platform: Annotated[str, "`linux/amd64`"]
    created: Annotated[Timestamp | None, "As the image says."]
    base: Annotated[InspectedBaseDocument, "What it was built on."]


class InspectedLayerDocument(TypedDict):
    diff: Annotated[Digest, "Its diff ID: over the uncompressed tar."]
    chain: Annotated[Digest, "Its chain ID: the layer and all below it."]
    instruction: Annotated[str | None, "What made it; null: the image does not say."]
    bytes: Annotated[Bytes, "Unpacked."]
    tar_bytes: Annotated[Bytes, "Of the uncompressed tar."]
    files: Annotated[int, "How many."]
    hidden_bytes: Annotated[Bytes, "That a later layer replaces or deletes."]
    bytecode_bytes: Annotated[Bytes, "Of compiled Python."]
    from_base: Annotated[bool, "It is one of the base's."]


class InspectedPackageDocument(TypedDict):
    kind: Annotated[Literal["python", "debian"], "What it is a package of."]
    name: Annotated[str, "Normalized, of a Python distribution."]
    version: Annotated[str, "The installed one."]
    bytes: Annotated[Bytes, "Of its files that no later layer hides, with their bytecode."]
    files: Annotated[int, "How many."]
    layer: Annotated[int, "The number of the layer that holds most of it, counted from 0."]
    architecture: Annotated[str | None, "Of a Debian package."]
    folder: Annotated[str | None, "Of a Python distribution: its `site-packages`."]
    requires: Annotated[list[str], "Names of packages here that it depends on."]
    asked_for: Annotated[bool, "Somebody wanted it by name."]


class FolderDocument(TypedDict):
    path: Annotated[str, "In the image, absolute."]
    bytes: Annotated[Bytes, "With everything below it."]
    files: Annotated[int, "How many."]


class UnownedDocument(TypedDict):
    bytes: Annotated[Bytes, "Of the files that a container sees."]
    files: Annotated[int, "How many."]
    folders: Annotated[list[FolderDocument], "Where they are, largest first."]


class WastedFileDocument(TypedDict):
    layer: Annotated[int, "Its number, counted from 0."]
    path: Annotated[str, "In the image, absolute."]
    bytes: Annotated[Bytes, "May be a part of the file, as its symbols."]


class WasteDocument(TypedDict):
    code: Annotated[str, "`OB401`; see [findings](findings.md)."]
    name: Annotated[str, "The rule's name."]
    severity: Annotated[str, "`info`, `warning` or `error`."]
    title: Annotated[str, "The rule in one line."]
    bytes: Annotated[Bytes, "What the image would be smaller by."]
    layer: Annotated[int | None, "The layer whose instruction has to change; null: several."]
    message: Annotated[str, "What it is, with the names at hand."]
    fix: Annotated[str, "The change that avoids it."]
    files: Annotated[list[WastedFileDocument], "Largest first."]


class PrunedPackageDocument(TypedDict):
    name: Annotated[str | None, "Null: Debian's packages."]
    bytes: Annotated[Bytes, "Of these, what is not in the image."]
    files: Annotated[int, "How many."]


class PrunedRuleDocument(TypedDict):
    rule: Annotated[str, "The key of `[slim]`."]
    bytes: Annotated[Bytes, "That are not in the image."]
    files: Annotated[int, "How many."]
    packages: Annotated[list[PrunedPackageDocument], "From which packages, largest first."]


class BudgetDocument(TypedDict):
    name: Annotated[str, "The key that set the limit."]
    passed: Annotated[bool, "The image keeps it."]
    actual: Annotated[float, "In `unit`."]
    limit: Annotated[float, "In `unit`."]
    unit: Annotated[Literal["bytes", "percent", "ratio"], "Of `actual` and `limit`."]
    text: Annotated[str, "The same in words."]


class InspectionDocument(TypedDict):
    schema_version: Version
    image: Annotated[InspectedImageDocument, "Which image it is."]
    bytes: Annotated[Bytes, "Of all layers, unpacked."]
    visible_bytes: Annotated[Bytes, "Of the files that a container sees."]
    bytecode_bytes: Annotated[Bytes, "Of compiled Python; part of `bytes`."]
    waste_bytes: Annotated[Bytes, "What another Dockerfile would save."]
    waste_percent: Annotated[Percent, "Of `bytes`."]
    layers: Annotated[list[InspectedLayerDocument], "The lowest first."]
    packages: Annotated[list[InspectedPackageDocument], "Largest first."]
    folders: Annotated[list[FolderDocument], "Largest first; `/` is the first."]
    nobody: Annotated[UnownedDocument, "What belongs to no package."]
    waste: Annotated[list[WasteDocument], "Errors first, then largest first."]
    pruned: Annotated[list[PrunedRuleDocument], "What was left out when it was built, largest first."]
    budget: Annotated[list[BudgetDocument], "The limits that are set."]
