"""An image against a lock: what has another version, what is missing, and what the lock does not know."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.image.lock.model import Lock
    from builder.inspect.model import Inspection, Package

_METADATA = re.compile(
    r"(?P<folder>.*)/(?P<name>[^/-]+)(?:-[^/]*)?(?:\.dist-info/METADATA|\.egg-info/PKG-INFO|\.egg-info)"
)
LockedVersions = dict[str, tuple[str, str]]
"""Name → version and architecture (empty for Python) that a lock asks for."""


class LockStatus(StrEnum):
    OTHER_VERSION = "other version"
    MISSING = "missing"
    UNKNOWN = "not in the lock"


@dataclass(frozen=True)
class LockDifference:
    """One name. ``locked`` and ``found`` are versions; None: it is not there."""

    kind: Literal["python", "debian"]
    name: str
    locked: str | None
    found: str | None
    folder: str = ""
    """Where the image has a Python distribution."""

    @property
    def standing(self) -> LockStatus:
        if self.found is None:
            return LockStatus.MISSING
        return LockStatus.UNKNOWN if self.locked is None else LockStatus.OTHER_VERSION


@dataclass(frozen=True)
class LockDiff:
    """``python`` and ``debian``: how many the lock names. Empty differences: the image is what the lock says."""

    image_id: str
    platform: str
    """Of the image, where the lock is for another one; else empty."""
    locked_platform: str
    python: int
    debian: int
    """0: the lock leaves the Debian packages to the base image, so they were not compared."""
    differences: tuple[LockDifference, ...]
    """Python first, then by name."""

    @property
    def differs(self) -> bool:
        return bool(self.differences or self.platform)


def compare_with_lock(inspection: Inspection, lock: Lock) -> LockDiff:
    """Compare what a person sees when the image runs with what ``optbuild lock`` wrote.

    Distributions that a Debian package installed are that package's, and not compared a second time.
    """
    python: LockedVersions = {one.name: (one.version, "") for one in lock.python}
    debian: LockedVersions = {one.name: (one.version, one.architecture) for one in lock.runtime}
    found = _group_packages(inspection)
    differences = [*_compare_versions("python", python, found["python"])]
    if debian:
        differences += _compare_versions("debian", debian, found["debian"])
    platform = inspection.content.platform
    return LockDiff(
        image_id=inspection.content.id,
        platform="" if platform == lock.platform else platform,
        locked_platform=lock.platform,
        python=len(python),
        debian=len(debian),
        differences=tuple(differences),
    )


def _group_packages(inspection: Inspection) -> Mapping[str, list[Package]]:
    """By kind."""
    of_debian = _find_debian_distributions(inspection)
    kinds: dict[str, list[Package]] = defaultdict(list)
    for package in inspection.packages:
        if package.key.kind == "debian" or (package.folder, package.key.name) not in of_debian:
            kinds[package.key.kind].append(package)
    return kinds


def _find_debian_distributions(inspection: Inspection) -> set[tuple[str, str]]:
    """(folder, name) of the distributions whose metadata is in a Debian package."""
    found = set()
    for path, owner in inspection.owners.items():
        match = _METADATA.fullmatch(path) if owner.kind == "debian" else None
        if match:
            found.add((match["folder"], str(canonicalize_name(match["name"]))))
    return found


def _compare_versions(
    kind: Literal["python", "debian"], locked: LockedVersions, found: Iterable[Package]
) -> Iterator[LockDifference]:
    """A name that the image has several times is compared each time: Python takes whichever comes first on its path."""
    there: dict[str, list[Package]] = defaultdict(list)
    for package in found:
        there[package.key.name].append(package)
    for name in sorted({*locked, *there}):
        wanted = locked.get(name)
        if name not in there:
            yield LockDifference(kind, name, wanted[0] if wanted else None, None)
        for package in sorted(there.get(name, ()), key=lambda one: (one.folder, one.version)):
            if wanted is None or not _is_same_version(kind, wanted, package):
                yield _make_difference(kind, wanted, package)


def _make_difference(
    kind: Literal["python", "debian"], wanted: tuple[str, str] | None, package: Package
) -> LockDifference:
    locked, architecture = wanted or (None, "")
    version = package.version
    if locked == version and architecture != package.architecture:
        locked, version = f"{locked} ({architecture})", f"{version} ({package.architecture})"
    return LockDifference(kind, package.key.name, locked, version, package.folder)


def _is_same_version(kind: str, wanted: tuple[str, str], package: Package) -> bool:
    """Python's ``1.0`` is ``1.0.0`` (PEP 440); Debian's versions are compared as they are written."""
    version, architecture = wanted
    if kind == "debian":
        return version == package.version and package.architecture in {"", architecture}
    try:
        return Version(version) == Version(package.version)
    except InvalidVersion:
        return version == package.version
