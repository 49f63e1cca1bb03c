"""What an image stands on that is not made here: a value in the lock, read from the layers, never by starting it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from builder.core.image_reference import parse_image_reference
from builder.image.lock.facts import DistributionFacts  # noqa: TC001 - dataclasses.fields() readers resolve it

FoundationKind = Literal["image", "airflow"]
ENVIRONMENT = "/home/airflow/.local"
"""Where Python packages lie in our images, and in those of Airflow."""
Contract = Literal["", "optbuild", "official"]
"""Whose promises an image that starts Airflow keeps: those of our own images or of ``apache/airflow``; empty: none."""


@dataclass(frozen=True)
class InstalledPackage:
    """One Debian package that the foundation has; ``version`` with its epoch."""

    name: str
    version: str
    architecture: str


@dataclass(frozen=True)
class InstalledDistribution:
    """One Python distribution that the foundation has.

    ``folder`` is the one that holds its dist-info, absolute; ``bytes`` are those of its files by RECORD, unpacked.
    """

    name: str
    """Normalised by PEP 503."""
    version: str
    folder: str
    bytes: int


@dataclass(frozen=True)
class Foundation:
    """An image by its digest, and what of it a build depends on."""

    kind: FoundationKind
    reference: str
    """As the spec has it, with its tag."""
    digest: str
    """``sha256:...`` of the manifest of the lock's platform or of the index that holds it, as the registry has it."""
    platform: str
    layers: tuple[str, ...]
    """Diff IDs, bottom first."""
    debian: str
    """The release's code name, ``bookworm``."""
    glibc: str
    """``2.36``"""
    python: str
    """``3.11.9``"""
    python_path: str
    """Absolute path of the interpreter's own file, after symbolic links: ``/usr/local/bin/python3.11``."""
    user: str
    """As the image's configuration has it; empty: root."""
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    shell: tuple[str, ...]
    """Empty: Docker's own, ``/bin/sh -c``."""
    working_folder: str
    environment: tuple[tuple[str, str], ...]
    """In the image's order. Values that look like secrets are refused when the image is read."""
    packages: tuple[InstalledPackage, ...]
    """Sorted by name."""
    distributions: tuple[InstalledDistribution, ...]
    """Sorted by name. Those that an interpreter of the foundation sees by itself, and those of /home/airflow/.local."""
    contract: Contract = ""
    """``optbuild``: made from an optbuild.toml, which its label ``optbuild.project`` says; ``official``: any other that
    ``[base] airflow`` names; empty: what ``[base] image`` names has no Airflow of ours."""
    bytes: int = 0
    """Of all layers, unpacked: what a machine needs that must pull it. 0 in a lock from before they were recorded."""

    @property
    def has_airflow(self) -> bool:
        """Whether it brings user, folders, entrypoint and packages of Airflow, so that only what differs is added."""
        return self.contract != ""

    @property
    def present(self) -> tuple[InstalledDistribution, ...]:
        """What ours join, because one interpreter sees both: on an image of Airflow all, else what lies in the
        environment of a foundation that was made here."""
        if self.kind == "airflow":
            return self.distributions
        return tuple(one for one in self.distributions if self.is_in_environment(one))

    @staticmethod
    def is_in_environment(one: InstalledDistribution) -> bool:
        return one.folder.startswith(f"{ENVIRONMENT}/")

    @property
    def short_reference(self) -> str:
        """For a person: twelve digits of the digest tell one image from another."""
        return f"{self.reference}@{self.digest[: len('sha256:') + 12]}"

    @property
    def has_debian_python(self) -> bool:
        """Whether the interpreter is the one of Debian's packages, not one of the image's own."""
        return self.python_path.startswith("/usr/bin/")

    @property
    def pinned_name(self) -> str:
        """What an engine knows it by, wherever its tag went: ``python@sha256:...``."""
        return f"{parse_image_reference(self.reference).repository}@{self.digest}"

    @property
    def pinned_reference(self) -> str:
        """What FROM says: ``python:3.11-slim-bookworm@sha256:...``."""
        return f"{self.reference}@{self.digest}"


@dataclass(frozen=True)
class ReadFoundation:
    """A foundation, and what only making a lock needs. ``status`` is dpkg's file as it is there."""

    foundation: Foundation
    status: str = field(repr=False)
    metadata: tuple[DistributionFacts, ...] = field(default=(), repr=False)
    """Of each distribution of the foundation, as :func:`builder.image.lock.facts.parse_metadata` reads its METADATA."""
    created: int = 0
    """When the image was made, as it says itself; seconds since 1970, 0 where it says nothing that a lock can hold."""
