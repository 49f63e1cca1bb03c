"""What a service's Dockerfile says, as a value. Words of ARG and ENV may be secrets: they are kept out of reprs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from builder.airflow.images import find_airflow_image, find_package_manager
from builder.dockerfile.files import NO_FILES, BuildFiles
from builder.dockerfile.stages import list_triggers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.airflow.images import AirflowImage
    from builder.core.text_edits import TextEdit
    from builder.dockerfile import Instruction
    from builder.dockerfile.stages import Stage


@dataclass(frozen=True)
class Advice:
    """One piece of advice about one line (OB301 to OB307)."""

    code: str
    line: int
    message: str
    fix: str | None
    """Text to paste: the file's own, with the change in it. None: too little is known for one; the details say more."""
    details: tuple[str, ...] = ()
    edits: tuple[TextEdit, ...] = ()
    """The same change for a program, in lines of the Dockerfile; empty where a person has something to decide."""


@dataclass(frozen=True)
class InstalledServer:
    """A server that the Dockerfile puts into the image; ``package`` as it is installed, or the image it comes from."""

    product: str
    package: str
    line: int


@dataclass(frozen=True)
class Pin:
    """One Python requirement: ``spec`` is ``==2.0.3`` or empty, ``file`` the requirements file it stands in."""

    name: str
    spec: str
    line: int
    file: str | None = None
    from_argument: bool = False
    """A variable is part of it, which a build argument may fill: such a pin is not shown."""


class BuildInputs(Protocol):
    """What a build gives a Dockerfile, such as a service of a compose file."""

    @property
    def args(self) -> tuple[tuple[str, str | None], ...]:
        """Build arguments; None: the value comes from the environment of the build."""

    @property
    def target(self) -> str | None:
        """The stage that is wanted; None: the last one."""

    @property
    def additional_contexts(self) -> tuple[tuple[str, str], ...]:
        """Names that stand for other contexts, such as ``docker-image://NAME``."""


@dataclass(frozen=True)
class DockerfileAnalysis:
    """One Dockerfile as one service's build sees it: its target, its arguments."""

    path: Path | None
    """None: an inline Dockerfile."""
    chain: tuple[Stage, ...]
    """The stages whose layers the target has, base first; only these count."""
    base: str | None
    """The image that the chain begins with, as it is written, its variables replaced where they are known; None: it is
    not an image (a folder), or there is none."""
    airflow: bool
    airflow_version: str | None
    """In full (``2.8.1``): good enough to pin."""
    installed: tuple[InstalledServer, ...] = ()
    """Servers; the base image is among them when it is one."""
    apt: tuple[str, ...] = ()
    """System packages of any package manager, in order."""
    pins: tuple[Pin, ...] = ()
    advice: tuple[Advice, ...] = ()
    user: str | None = None
    """Of the last USER, here or in the parent; None: the base's."""
    command: tuple[str, ...] | None = None
    """Of CMD, a shell form as ``sh -c``; None: the base's."""
    entrypoint: tuple[str, ...] | None = None
    has_health_check: bool = False
    volumes: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of ENV."""
    airflow_series: str | None = None
    """What is known of the version at least (``2.8``): good enough for commands and health, not to pin."""
    stages: tuple[Stage, ...] = ()
    """All of them, those that the target does not need too."""
    other_pins: tuple[Pin, ...] = ()
    """Python requirements that no pip of the chain installs: of uv sync, Poetry, conda and the like, and of the stages
    from which it copies or mounts files."""
    parent: DockerfileAnalysis | None = None
    """What makes the base, where a build of the same project does."""
    files: BuildFiles = field(default=NO_FILES, repr=False, compare=False)
    """What its RUNs have at hand."""
    unread: tuple[str, ...] = ()
    """Requirements files that the build needs and that could not be read here."""

    @property
    def triggers(self) -> tuple[Instruction, ...]:
        """What its ONBUILD runs in a build on top of it; those of the images below it ran in its own."""
        return list_triggers(self.chain[-1].instructions) if self.chain else ()

    @property
    def root_base(self) -> str | None:
        """The image below all Dockerfiles of this project that it builds on."""
        return self.base if self.parent is None else self.parent.root_base

    @property
    def published_base(self) -> AirflowImage | None:
        """The row of the base in the table of Airflow images; None: it has none, so nothing is known of it."""
        return find_airflow_image(self.root_base)

    @property
    def package_manager(self) -> str | None:
        """``apt`` or ``apk`` of an Airflow image; None: not known."""
        return find_package_manager(self.root_base)

    @property
    def products(self) -> tuple[str, ...]:
        """The servers by name (``PostgreSQL``), without repetition."""
        return tuple(dict.fromkeys(one.product for one in self.installed))

    @property
    def written_packages(self) -> tuple[str, ...]:
        """The system packages that the Dockerfile itself names, not those that a build argument puts in."""
        texts = [instruction.value for instruction in self.instructions]
        texts += [heredoc.body for instruction in self.instructions for heredoc in instruction.heredocs]
        return tuple(name for name in self.apt if any(name in text for text in texts))

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All of the chain, in order, without FROM."""
        return tuple(instruction for stage in self.chain for instruction in stage.instructions)
