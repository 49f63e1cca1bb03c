"""A project that is taken over, as values: what was found, where, and what could not be carried over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.errors import Where


@dataclass(frozen=True)
class Found:
    """One value, and the place that says it."""

    value: str
    where: Where


@dataclass(frozen=True)
class OpenPoint:
    """What is not carried over. ``what``: the words of the file, without secrets; ``step``: what to do instead."""

    where: Where
    what: str
    reason: str
    step: str


@dataclass(frozen=True)
class Remark:
    """What was carried over in another form, or left out because it does nothing here: nothing to do."""

    where: Where
    text: str


@dataclass(frozen=True)
class Base:
    """``kind``: ``airflow``, ``image``, ``debian``; ``name`` as the spec has it."""

    kind: str
    name: str
    where: Where


@dataclass(frozen=True)
class BuildContext:
    """What a Dockerfile sees of the project. Paths are absolute, and resolved."""

    root: Path
    """The folder that optbuild.toml will lie in."""
    folder: Path
    """The build context; below ``root``, or ``root`` itself."""
    dockerfile: Path

    def name_of(self, path: str) -> str:
        """A path in the context as one below ``root``."""
        prefix = self.folder.relative_to(self.root).as_posix()
        return path if prefix == "." else f"{prefix}/{path}"


@dataclass(frozen=True)
class ProjectBuild:
    """One Dockerfile as one build sees it."""

    context: BuildContext
    text: str
    args: tuple[tuple[str, str | None], ...] = ()
    target: str | None = None
    additional_contexts: tuple[tuple[str, str], ...] = ()


@dataclass
class Collection:
    """Filled while the files are read, in their order; :mod:`builder.adopt.decide` makes a spec of it."""

    versions: list[Found] = field(default_factory=list)
    """Of Airflow: every place that names one."""
    pythons: list[Found] = field(default_factory=list)
    """Every place that names one."""
    python_ranges: list[Found] = field(default_factory=list)
    """What a project allows (PEP 440), with the key: ``requires-python = >=3.10``."""
    extras: list[Found] = field(default_factory=list)
    requirements: list[Found] = field(default_factory=list)
    requirement_files: list[Found] = field(default_factory=list)
    constraint_files: list[Found] = field(default_factory=list)
    has_official_constraints: bool = False
    apt_runtime: list[Found] = field(default_factory=list)
    apt_build: list[Found] = field(default_factory=list)
    environment: dict[str, Found] = field(default_factory=dict)
    labels: dict[str, Found] = field(default_factory=dict)
    files: dict[str, Found] = field(default_factory=dict)
    """Path below the root → path in the image."""
    read_files: set[str] = field(default_factory=set)
    """Paths below the root whose content is in the spec: lists of packages."""
    roles: list[Found] = field(default_factory=list)
    left_runs: list[Where] = field(default_factory=list)
    """Where a RUN does what no key says: a script of the project can."""
    left_parts: tuple[str, ...] | None = None
    """Extras and groups of pyproject.toml that nothing installs; None: it was not read."""
    database: Found | None = None
    broker: Found | None = None
    name: Found | None = None
    tag: Found | None = None
    open: list[OpenPoint] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def note(self, where: Where, text: str) -> None:
        """Once: a Dockerfile may say it in two places."""
        if (remark := Remark(where, text)) not in self.remarks:
            self.remarks.append(remark)

    def leave(self, where: Where, what: str, reason: str, step: str) -> None:
        """Say once what is not carried over."""
        point = OpenPoint(where, what, reason, step)
        if point not in self.open:
            self.open.append(point)


@dataclass(frozen=True)
class SchemaFile:
    """The JSON Schema beside a spec that names it. ``path`` as it is shown."""

    path: str
    text: str
    there: bytes | None
    """What lies there already, and stays."""

    @property
    def is_new(self) -> bool:
        return self.there is None

    @property
    def is_other(self) -> bool:
        """Whether what lies there is not what this version of optbuild would write."""
        return self.there is not None and self.there != self.text.encode()


@dataclass(frozen=True)
class Adoption:
    """The spec's text, and what to say about it."""

    text: str
    sources: tuple[str, ...]
    """The files that it was made from."""
    carried: int
    """Values in the spec."""
    open: tuple[OpenPoint, ...]
    remarks: tuple[Remark, ...]
