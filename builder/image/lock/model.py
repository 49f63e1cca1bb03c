"""What a spec resolves to, exactly, for one platform. Frozen values; a lock holds no URL and no mirror."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from builder.core.naming import MOST_LAYERS
from builder.image.lock.foundation import Foundation  # noqa: TC001 - dataclasses.fields() readers resolve it

LOCK_VERSION = 2
"""Format of optbuild.lock as it is written. A table ``foundation`` may join it: who does not know that refuses it."""
READ_VERSIONS = (1, 2)
"""Formats that are read; any other is refused with the command that makes a new one. 1 had no layers."""
FALLBACK_EPOCH = 315_532_800
"""1980-01-01, the oldest time a zip file can hold: for an index that does not say when files were uploaded."""


@dataclass(frozen=True)
class Distribution:
    """One Python distribution: the one file that this platform installs."""

    name: str
    """Normalised by PEP 503."""
    version: str
    kind: Literal["wheel", "sdist"]
    sha256: str
    size: int | None
    """Bytes of the file; None where the index does not say."""
    dependencies: tuple[str, ...] = ()
    """PEP 508 requirements of its metadata whose markers hold here, sorted."""


@dataclass(frozen=True)
class DebianPackage:
    """One binary package of the Debian release. ``version`` with epoch; ``size`` of the .deb in bytes."""

    name: str
    version: str
    architecture: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Constraints:
    """The constraints that were used as preferences: ``version`` says which file, ``sha256`` its bytes."""

    version: str
    sha256: str

    def describe_other_origin(self, airflow: str, python: str) -> str:
        """A sentence if the file was made for another Airflow or Python; empty if not, or if it does not say."""
        made_for = re.fullmatch(r"(\d[\w.]*)/(\d+\.\d+)", self.version)
        if made_for is None or made_for.groups() == (airflow, python):
            return ""
        return (
            f"these constraints were published for Airflow {made_for[1]} and Python {made_for[2]}, and this is "
            f"Airflow {airflow} and Python {python}: versions come from them that this Airflow was never tested with"
        )


@dataclass(frozen=True)
class DroppedConstraint:
    """A constraint that could not be kept, and who forced it (``matplotlib 3.7.2 needs pyparsing<3.1``)."""

    name: str
    constrained: str
    locked: str
    forced_by: str


@dataclass(frozen=True)
class LockInputs:
    """What of the spec the lock was made from; ``lock --check`` compares this, without network."""

    airflow: str
    extras: tuple[str, ...]
    python: str
    requirements: tuple[str, ...]
    """Normalised PEP 508 lines: the spec's own and those of its requirements files, sorted."""
    constraints: str
    """``official``, ``none``, or the file or URL that the spec names."""
    debian: str
    """The release's code name; empty where the base is an image."""
    apt_runtime: tuple[str, ...]
    apt_build: tuple[str, ...]
    layers_max: int = MOST_LAYERS
    base_image: str = ""
    """``[base] image``"""
    base_airflow: str = ""
    """``[base] airflow``"""


@dataclass(frozen=True)
class PackageLayer:
    """One layer of Python packages in the image."""

    name: str
    members: tuple[str, ...]
    """Distributions, sorted; ``numpy.libs`` are the libraries that numpy's wheel bundles, which may lie elsewhere."""
    stamp: int
    """Seconds; the time of every file in it."""


@dataclass(frozen=True)
class Lock:
    """Everything that ``render`` needs besides the spec."""

    platform: str
    """``linux/amd64``"""
    inputs: LockInputs
    constraints: Constraints | None
    given_up: tuple[DroppedConstraint, ...]
    source_date_epoch: int
    """Seconds; the newest of the upload times of the locked Python distributions and of the day on which the foundation
    was made, so that it moves only when they do."""
    uv: Distribution
    """The installer of the builder stage: the uv that made this lock."""
    python: tuple[Distribution, ...]
    """Sorted by name."""
    build_requires: tuple[Distribution, ...]
    """What the sdists among ``python`` need to become wheels; empty when there is none."""
    shared_libraries: tuple[tuple[str, str], ...]
    """(soname, Debian package) that the locked wheels need from the base, sorted."""
    runtime: tuple[DebianPackage, ...]
    """The whole root file system of the final image; on a foundation, what it gets beside what is there."""
    build: tuple[DebianPackage, ...]
    """What the builder stage has beyond ``runtime``."""
    layers: tuple[PackageLayer, ...] = ()
    """Bottom first. Empty in a lock that was made before there were layers: all packages are one then."""
    foundation: Foundation | None = None
    """None: a base that is made here, from ``runtime``."""

    @property
    def release(self) -> str:
        """The Debian release's code name, whatever the base is."""
        return self.inputs.debian if self.foundation is None else self.foundation.debian
