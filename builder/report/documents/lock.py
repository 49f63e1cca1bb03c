"""`optbuild lock --format json`, with and without `--check`."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from builder.report.documents.fields import Bytes, Digest, Version


class FiguresDocument(TypedDict):
    distributions: Annotated[int, "Python distributions of the image."]
    sdists: Annotated[int, "Of these, built from source."]
    distribution_bytes: Annotated[Bytes | None, "To download; null: the index does not give every size."]
    runtime_packages: Annotated[int, "Debian packages of the image."]
    runtime_bytes: Annotated[Bytes, "To download."]
    build_packages: Annotated[int, "Debian packages of the builder stage alone."]
    build_bytes: Annotated[Bytes, "To download."]
    layers: Annotated[int, "Of Python packages."]


class GivenUpDocument(TypedDict):
    name: Annotated[str, "The distribution's."]
    constrained: Annotated[str, "The version that the constraints name."]
    locked: Annotated[str, "The version that was taken."]
    forced_by: Annotated[str, "The requirement that forced it."]


class ReplacementDocument(TypedDict):
    name: Annotated[str, "The distribution's."]
    old: Annotated[str, "The base's version."]
    new: Annotated[str, "The version that replaces it."]
    hidden_bytes: Annotated[Bytes, "Of the old files, which stay in the layers below."]


class LockedBaseDocument(TypedDict):
    kind: Annotated[Literal["image", "airflow"], "The key of `[base]`."]
    reference: Annotated[str, "As in the spec."]
    digest: Annotated[Digest, "Of the manifest."]
    debian: Annotated[str, "The release's code name."]
    glibc: Annotated[str, "Its version."]
    python: Annotated[str, "Its version."]


class VersionChangeDocument(TypedDict):
    name: Annotated[str, "The package's; `base` of the image below."]
    old: Annotated[str | None, "Null: it is new."]
    new: Annotated[str | None, "Null: it is gone."]


class MovesDocument(TypedDict):
    python: Annotated[list[VersionChangeDocument], "Distributions, by name."]
    debian: Annotated[list[VersionChangeDocument], "Debian packages, by name."]
    base: Annotated[VersionChangeDocument | None, "The image below, by its digest; null: the same."]


class PackageUpgradeDocument(TypedDict):
    name: Annotated[str, "The package's."]
    old: Annotated[str, "The base's version."]
    new: Annotated[str, "The version that replaces it."]


class LockDocument(TypedDict):
    schema_version: Version
    platform: Annotated[str, "`linux/amd64`"]
    figures: Annotated[FiguresDocument, "The lock in numbers."]
    given_up: Annotated[list[GivenUpDocument], "Constraints of Airflow that could not be kept."]
    replaced: Annotated[list[ReplacementDocument], "Distributions of the base that another version replaces."]
    base: Annotated[LockedBaseDocument | None, "Null: it is made here from Debian's packages."]
    moved: Annotated[MovesDocument, "Against the lock before."]
    replaced_packages: Annotated[list[PackageUpgradeDocument], "Debian packages of the base that another replaces."]


class LockCheckDocument(TypedDict):
    schema_version: Version
    current: Annotated[bool, "The lock belongs to the spec."]
    differences: Annotated[list[str], "What does not fit, in words."]
