"""A compose project as values: what Compose answered about it, its groups of equal builds, the plan to change it.

Compose's answers hold secrets (environment, env files): they are never logged, written back or part of a repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.core.image_reference import add_default_tag

if TYPE_CHECKING:
    from builder.findings.model import Finding

ComposeConfig = Mapping[str, Any]
"""One `docker compose config --format json`, parsed."""


@dataclass(frozen=True)
class ProjectFiles:
    """Which files Compose would read, and how it must be called to read the same again."""

    directory: Path
    """Absolute; relative paths of the main files are relative to it."""
    files: tuple[Path, ...]
    """Absolute, in the order in which Compose merges them; override files included, included files not."""
    env_files: tuple[Path, ...] = ()
    """Of ``--env-file``; empty: ``.env`` of the directory, where there is one."""
    name: str | None = None
    """Of ``--project-name`` or COMPOSE_PROJECT_NAME; None: Compose derives it."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words behind ``docker compose`` that name this project, files always by whole path."""
        named = tuple(word for file in self.files for word in ("--file", str(file)))
        environment = tuple(word for file in self.env_files for word in ("--env-file", str(file)))
        name = ("--project-name", self.name) if self.name else ()
        return ("--project-directory", str(self.directory), *named, *environment, *name)


@dataclass(frozen=True)
class Build:
    """What makes two builds the same (design.md, rule 1). Paths are absolute, as Compose gives them."""

    context: str
    dockerfile: str = "Dockerfile"
    dockerfile_inline: str | None = field(default=None, repr=False)
    target: str | None = None
    args: tuple[tuple[str, str | None], ...] = field(default=(), repr=False)
    """Sorted by name. A value may be a secret; None: taken from the environment in which it is built."""
    secrets: tuple[str, ...] = ()
    additional_contexts: tuple[tuple[str, str], ...] = ()
    platforms: tuple[str, ...] = ()
    other: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Whatever else changes the result (labels, ssh, network, ...): key → canonical JSON, sorted."""
    tags: tuple[str, ...] = field(default=(), compare=False)
    """Further names of the image; no part of the identity."""

    @property
    def dockerfile_path(self) -> Path | None:
        """None for an inline Dockerfile or a context that is not a local folder (a Git address)."""
        if self.dockerfile_inline is not None or not self.context.startswith("/"):
            return None
        return Path(self.context) / self.dockerfile


@dataclass(frozen=True)
class Mount:
    """``kind``: volume, bind, tmpfs; ``source`` empty for an anonymous volume."""

    kind: str
    source: str
    target: str


@dataclass(frozen=True)
class Service:
    """One service after extends, include, merges, and interpolation where Compose could do that."""

    name: str
    image: str | None = None
    """As the file says; None: Compose names it ``<project>-<service>``."""
    build: Build | None = None
    raw_build: Build | None = None
    """The build before interpolation: builds that only happen to be equal today differ here. None: not known."""
    raw_image: str | None = None
    pull_policy: str | None = None
    platform: str | None = None
    profiles: tuple[str, ...] = ()
    depends_on: Mapping[str, str] = field(default_factory=dict)
    """Service → condition (``service_started``, ``service_healthy``, ``service_completed_successfully``)."""
    command: tuple[str, ...] | None = None
    """None: the image's own."""
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    mounts: tuple[Mount, ...] = ()
    health_test: tuple[str, ...] | None = None
    """None: no health check in the file; ``("NONE",)``: switched off."""
    container_name: str | None = None
    restart: str | None = None
    replicas: int = 1
    user: str | None = None
    ports: tuple[str, ...] = ()
    """``published:target``, for a person to read."""


@dataclass(frozen=True)
class Project:
    """A compose project as Compose understands it."""

    files: ProjectFiles
    name: str
    services: Mapping[str, Service]
    """In the order of their names, as Compose gives them; services behind profiles included."""
    sources: Mapping[Path, bytes] = field(repr=False)
    """The bytes of every file that a service can come from: main, override, included, extended files."""
    resolved: ComposeConfig | None = field(repr=False)
    """Interpolated; None: Compose refuses it, see ``complaints``."""
    raw: ComposeConfig | None = field(repr=False)
    """With --no-interpolate; None: refused. At least one of the two is there."""
    complaints: tuple[str, ...] = ()
    """What Compose said where it refused one of the two, in its own words."""
    meanings: Mapping[tuple[Path, str], Path] = field(default_factory=dict, repr=False)
    """A source and the path of another in it, as it is written there → that other."""

    def resolve_image_name(self, service: Service) -> str:
        """The name under which the service's image is looked for, tag included."""
        return add_default_tag(service.image or f"{self.name}-{service.name}")


@dataclass(frozen=True)
class ServiceGroup:
    """Services that build the same image, or use one image that at most one of them builds."""

    services: tuple[str, ...]
    """Sorted by name; one of a kind is a group of one."""
    build: Build | None
    """None: all use an image that nobody here builds."""
    images: tuple[str, ...]
    """Their image names without repetition, tags included, in the order of the services."""
    airflow: bool
    """Whether it is known to be Airflow (base image, labels, start commands)."""

    @property
    def is_duplicate(self) -> bool:
        """Whether several services build: under several names (OB101) or under one (OB102)."""
        return self.build is not None and len(self.services) > 1


class ImageOrigin(StrEnum):
    """Where the shared image comes from once the file is rewritten."""

    BUILDER = "builder"
    """One service keeps ``build:``."""
    IMAGE_ONLY = "image-only"
    """No service keeps it; ``optbuild optimize --rebuild`` builds it."""
    SPEC = "spec"
    """An optbuild.toml makes it."""


@dataclass(frozen=True)
class SharedTarget:
    """What one group becomes: the same three keys for every sharer."""

    services: tuple[str, ...]
    image: str
    """The name that every sharer gets, tag included."""
    source: ImageOrigin
    builder: str | None = None
    """The service that keeps ``build:``; set exactly when ``source`` is BUILDER."""
    spec_folder: Path | None = None
    pull_policy: str | None = "never"
    """None where the name carries a registry."""
    keeps_name: bool = False
    """All of them have this ``image:`` text already (maybe with variables in it): it stays as it is written."""
    note: str | None = None
    """One comment line (without ``#``) to write above the new ``image:`` where nothing else says how it is made."""


@dataclass(frozen=True)
class FileEdit:
    """One file before and after."""

    path: Path
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)

    @property
    def changes(self) -> bool:
        return self.before != self.after


class Sharing(StrEnum):
    """What the images of a group have in common on the engine now."""

    IMAGE = "one-image"
    """All names point to one ID."""
    LAYERS = "equal-layers"
    """Several IDs over the same layers, as one `docker compose build` under BuildKit makes them."""
    SOME = "some-layers"
    """The lower layers are the same (a base), the others are there several times."""
    NOTHING = "nothing"
    """Not one layer with bytes in common."""


@dataclass(frozen=True)
class ImageBytes:
    """Bytes of a set of images. ``apparent``: what `docker images` adds up to; ``real``: each layer chain once."""

    apparent: int
    real: int
    images: int
    """How many different image IDs."""


@dataclass(frozen=True)
class EngineImage:
    """One image on the engine. ``bytes``: unpacked, all layers; None: not known."""

    name: str
    """Under which it was found: v1 of Compose had other names."""
    id: str
    bytes: int | None


@dataclass(frozen=True)
class GroupPlan:
    """One group and what would be done about it."""

    group: ServiceGroup
    target: SharedTarget | None
    """None: nothing to do, or left alone (then ``reason`` says why)."""
    reason: str = ""
    now: ImageBytes | None = None
    """None: not measured (no engine, or no image there)."""
    then: ImageBytes | None = None
    if_apart: ImageBytes | None = None
    """What today's services take once their layers differ (each built by itself, without cache)."""
    build_seconds: float | None = None
    """Of the last build of this image that was seen."""
    sharing: Sharing | None = None
    """None: not known, or none of its images is there."""
    warnings: tuple[str, ...] = ()
    """What a person should know about the target before it is applied."""
    refused: bool = False
    """There would be a target, but no file can be edited for it safely; ``reason`` says why."""


@dataclass(frozen=True)
class Plan:
    """Everything that would be done, and why. Applying executes exactly this value."""

    project: Project
    groups: tuple[GroupPlan, ...]
    findings: tuple[Finding, ...]
    edits: tuple[FileEdit, ...]
    engine: str = ""
    """The engine's version; empty: none answered, all bytes are unknown."""
    images: Mapping[str, EngineImage] = field(default_factory=dict)
    """Image name (tag included) → what the engine has under it; names that are not there are missing."""
    notes: tuple[str, ...] = ()
    """What a person should know beside the findings: why there are no edits, what Compose complained about."""

    @property
    def affected(self) -> tuple[str, ...]:
        """Services whose image, build or pull policy changes."""
        return tuple(name for plan in self.groups if plan.target for name in plan.target.services)


@dataclass(frozen=True)
class KnownProject:
    """A compose project of which this machine knows. ``name`` empty: Compose derives it from files and folder.
    ``sources``: from what it is known: containers, a journal, ``-f``."""

    name: str
    directory: Path
    files: tuple[Path, ...]
    env_files: tuple[Path, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageReferences:
    """What the files of one project name. It may be more than Compose would use, never less."""

    project: str
    names: frozenset[str] = frozenset()
    """In the engine's spelling (``postgres:13``, ``name@sha256:…``)."""
    patterns: frozenset[str] = frozenset()
    """For names with a variable that has no value here; ``*`` stands for it."""
    databases: frozenset[str] = frozenset()
    """Those of ``names`` and ``patterns`` that are a database server's."""
    files: tuple[str, ...] = ()
    unreadable: str = ""
    """Why not all of it is known; then whatever the project ever used is referenced."""
    ever_used: frozenset[str] = frozenset()
    """IDs and names of that."""
