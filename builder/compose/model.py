"""A compose project as values: what Compose answered about it, its groups of equal builds, the plan to change it.

Compose's answers hold secrets (environment, env files): they are never logged, written back or part of a repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from builder.core.image_reference import add_default_tag, normalize_image_name

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
    remote: bool = False
    """Compose may fetch what they include or extend from other machines (``--remote``)."""

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
    """As the file says; None: Compose names it, see :attr:`image_name`."""
    build: Build | None = None
    raw_build: Build | None = None
    """The build before interpolation: builds that only happen to be equal today differ here. None: not known."""
    foreign_build: Build | None = None
    """Of a service without ``build``: what makes its image, where files or an earlier optimize say it."""
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
    is_watched: bool = False
    """It has ``develop.watch``: `docker compose watch` builds it, or (Compose 2.26 with ``sync``) wants its build."""
    project: str = ""
    """The project's name, with which Compose names an image that has no name in the file."""

    @property
    def has_image(self) -> bool:
        """Whether the file says what it starts: a variable without a value may be all of its ``image:``."""
        return self.image is not None or self.build is not None

    @cached_property
    def image_name(self) -> str:
        """The name under which its image is looked for, as it is written, tag included."""
        return add_default_tag(self.image or f"{self.project}-{self.name}")

    @cached_property
    def normalized_image_name(self) -> str:
        """:attr:`image_name` for comparisons, see :func:`normalize_image_name`."""
        return normalize_image_name(self.image_name)

    @property
    def image_build(self) -> Build | None:
        """What makes its image, also where another service or nobody here builds it; None: that is not known."""
        return self.build or self.foreign_build

    @cached_property
    def built_names(self) -> tuple[str, ...]:
        """The normalised names that its build gives its image: its own, and those of ``build.tags``."""
        if self.build is None:
            return ()
        return tuple(dict.fromkeys((self.normalized_image_name, *map(normalize_image_name, self.build.tags))))


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
    unset_variables: frozenset[str] = frozenset()
    """That the files name without a default and that have no value here; only told where Compose refuses one."""
    meanings: Mapping[tuple[Path, str], Path] = field(default_factory=dict, repr=False)
    """A source and the path of another in it, as it is written there → that other."""


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
    policy_with_image: bool = False
    """The pull policy stands only in the file whose ``image:`` wins, not also where the build was."""

    @property
    def normalized_image(self) -> str:
        """:attr:`image` for comparisons."""
        return normalize_image_name(self.image)


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
