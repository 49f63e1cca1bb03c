"""What one optimize changes: enough to undo it byte for byte after a crash at any point. On disk: journalfile."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping  # noqa: TC003 - the annotations say how a journal is read
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - as above
from typing import Any

from builder.compose.model import ProjectFiles, SharedTarget  # noqa: TC001 - as above


class Phase(StrEnum):
    """How far a run is, in this order."""

    PREPARED = "prepared"
    BUILT = "built"
    TAGGING = "tagging"
    WRITING = "writing"
    RESTARTING = "restarting"
    COMMITTED = "committed"
    UNDOING = "undoing"


_BEFORE_RESTARTING = frozenset({Phase.PREPARED, Phase.BUILT, Phase.TAGGING, Phase.WRITING})


@dataclass(frozen=True)
class FileRecord:
    """One file. ``path`` is where the bytes are: the target of a symbolic link."""

    path: Path
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)
    mode: int
    backup: Path
    temporary: Path
    """The new bytes are there until they are renamed; a killed run leaves it."""

    @property
    def before_sha256(self) -> str:
        return hashlib.sha256(self.before).hexdigest()

    @property
    def after_sha256(self) -> str:
        return hashlib.sha256(self.after).hexdigest()


@dataclass(frozen=True)
class TagRecord:
    """One name. ``before`` None: it did not exist; ``after`` None: not moved yet, or to be taken away at the end."""

    reference: str
    before: str | None
    after: str | None = None
    passing: bool = False
    """Only needed until the commit: the name under which the image was built."""


@dataclass(frozen=True)
class ContainerRecord:
    """One container as it was."""

    id: str
    image_id: str
    running: bool


@dataclass(frozen=True)
class ServiceRecord:
    """One affected service that has containers."""

    name: str
    containers: tuple[ContainerRecord, ...]
    start: bool
    """Else its containers are only made anew: nobody had started them."""
    completes: bool = False
    """It does its work and ends; others wait for that."""
    expects_health: bool = True
    """False: it was unhealthy or crashed again and again before, so nobody waits for it to be better now."""

    @property
    def replicas(self) -> int:
        return len(self.containers)


@dataclass(frozen=True)
class ReplacedImage:
    """An image that affected services had before, and the names that the files gave it."""

    image_id: str
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """How a shared image is made: for ``--rebuild``, once the file no longer says it."""

    target: SharedTarget
    service: str | None = None
    """The service whose build it was."""
    build: Mapping[str, Any] | None = field(default=None, repr=False)
    """That service's ``build:`` before interpolation: names of variables, never their values. None: not known."""
    seconds: float | None = None
    """What the last build took."""


@dataclass(frozen=True)
class Journal:
    """One run."""

    run: str
    """8 hex digits; in the names of what must not stay."""
    files: ProjectFiles
    project: str
    """The name that Compose gives its containers."""
    engine: str
    """Which engine; empty: none was used."""
    phase: Phase
    at: float
    reached: Phase | None = None
    """How far it had come when its undoing began; None: that has not, or an older optbuild wrote this."""
    edits: tuple[FileRecord, ...] = ()
    tags: tuple[TagRecord, ...] = ()
    services: tuple[ServiceRecord, ...] = ()
    """As they were before the run."""
    current: tuple[ServiceRecord, ...] | None = None
    """As rollback found them; None: no rollback, or not begun."""
    completing: tuple[str, ...] = ()
    """Those of the affected services that do their work and end."""
    steps: tuple[tuple[str, ...], ...] = ()
    """All affected services: those that are restarted together, in order."""
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Affected service → all that it depends on, over others too."""
    recipes: tuple[Recipe, ...] = ()
    made: tuple[str, ...] = ()
    """Image IDs that this run built and that were not there before."""
    known: tuple[str, ...] = ()
    """Image IDs that were there when the run began; none once it is committed."""
    replaced: tuple[ReplacedImage, ...] = ()
    """The old images."""
    cleaned: tuple[str, ...] = ()
    """Those of them that were removed since."""
    bytes_before: int | None = None
    """True bytes of all images of the engine when the run began; None: not measured, as in the first journals."""
    bytes_after: int | None = None
    """The same at its end, after ``--clean``."""
    previous: Journal | None = None
    """The committed run before this one: what a second rollback undoes."""

    @property
    def moved(self) -> frozenset[str]:
        """Image IDs that this run gave names to."""
        return frozenset({*self.made, *(tag.after for tag in self.tags if tag.after)})

    @property
    def restarted(self) -> bool:
        """Whether it may have touched containers."""
        return (self.reached or self.phase) not in _BEFORE_RESTARTING

    def with_tag(self, reference: str, after: str) -> Journal:
        tags = tuple(replace(tag, after=after) if tag.reference == reference else tag for tag in self.tags)
        return replace(self, tags=tags)


def mark_undoing(journal: Journal) -> Journal:
    """The journal of a run that is being undone, also for the second time."""
    if journal.phase is Phase.UNDOING:
        return journal
    return replace(journal, phase=Phase.UNDOING, reached=journal.phase)
