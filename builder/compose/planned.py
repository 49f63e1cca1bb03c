"""The plan as a value, and what it was made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import FileEdit, ImageBytes, Project, ProjectFiles, SharedTarget, Sharing
    from builder.compose.sharing.groups import ServiceGroup
    from builder.compose.sharing.options import SharingOptions
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.engine.compose import ComposeCli
    from builder.findings.model import Finding


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
    waste: Mapping[str, int] = field(default_factory=dict)
    """Image ID → bytes of it that an inspection called waste; the others were not inspected."""

    @property
    def affected(self) -> tuple[str, ...]:
        """Services whose image, build or pull policy changes."""
        return tuple(name for plan in self.groups if plan.target for name in plan.target.services)


@dataclass(frozen=True)
class PlanResult:
    """The plan and what it was made from. ``no_engine``: why no engine was seen; empty: one was."""

    plan: Plan
    files: ProjectFiles
    cli: ComposeCli
    choices: SharingOptions
    facts: Mapping[str, DockerfileAnalysis] = field(repr=False)
    no_engine: str = ""
