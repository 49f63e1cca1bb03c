"""What an optimize did, measured, as one value: the text for a person and the JSON are both made from it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.compose.services.dependencies import find_sharers_without_builder, format_start_command
from builder.rollout.replaced_images import format_removal_command
from builder.rollout.restart import Downtime

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from builder.compose.model import Project, SharedTarget
    from builder.compose.planned import Plan
    from builder.engine.compose_containers import Container
    from builder.rollout.apply import ApplyResult
    from builder.rollout.replaced_images import OldImage

EARLY_START_CODE = "OB106"
"""A service can start before the image exists that another builds."""


@dataclass(frozen=True)
class ServiceResult:
    """One restarted service. ``before`` and ``after``: image IDs of its containers."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    running: bool
    downtime: Downtime


@dataclass(frozen=True)
class RolloutResult:
    """The whole."""

    project: str
    files: tuple[Path, ...] = ()
    backups: tuple[Path, ...] = ()
    targets: tuple[SharedTarget, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    """Shared image → its ID."""
    bytes: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    """Shared image → true bytes of what its services used before, and of what they use now; None: not measured."""
    services: tuple[ServiceResult, ...] = ()
    old: tuple[OldImage, ...] = ()
    """Images that the services had before and that are still there."""
    freed: int | None = None
    """True bytes that removing those of ``old`` that may go would free, or that were freed; None: not measured."""
    removed: tuple[OldImage, ...] = ()
    """What ``--clean`` removed. Then none of ``old`` may go."""
    starts: Mapping[str, str] = field(default_factory=dict)
    """Shared image → a command that starts one of its services and does not build it."""
    warnings: tuple[str, ...] = ()
    """What was said before anything was done."""
    refused: tuple[str, ...] = ()
    """Services that could share an image, were it safe to edit their file."""

    @property
    def command(self) -> str:
        """What removes the old images; empty: nothing to remove."""
        return format_removal_command(self.old)


def collect_warnings(plan: Plan, targets: tuple[SharedTarget, ...]) -> tuple[str, ...]:
    """What the plan says beside the edit: of these targets, and of services that can start too early."""
    affected = {name for target in targets for name in target.services}
    said = [warning for one in plan.groups if one.target in targets for warning in one.warnings]
    said += [one.message for one in plan.findings if one.code == EARLY_START_CODE and affected & set(one.services)]
    return (*dict.fromkeys(said), *plan.notes)


def choose_start_without_build(project: Project, target: SharedTarget) -> str:
    """What a person may type that needs the image and does not make it; a service without profile comes first."""
    if target.builder is None:
        return "docker compose up"
    early = find_sharers_without_builder(project, target.builder, target.services)
    services = sorted((project.services[name] for name in early), key=lambda one: bool(one.profiles))
    if services:
        return format_start_command(services[0])
    other = next((name for name in target.services if name != target.builder), target.builder)
    return shlex.join(("docker", "compose", "up", "--no-deps", other))


def list_refused_services(plan: Plan) -> tuple[str, ...]:
    return tuple(name for one in plan.groups if one.refused for name in one.group.names)


def collect_service_results(applied: ApplyResult, now: tuple[Container, ...]) -> tuple[ServiceResult, ...]:
    """The affected services that have containers."""
    return tuple(
        ServiceResult(
            record.name,
            _remove_duplicates(one.image_id for one in record.containers),
            _remove_duplicates(one.image_id for one in now if one.service == record.name),
            any(one.running for one in now if one.service == record.name),
            applied.downtime.get(record.name, Downtime()),
        )
        for record in applied.journal.services
    )


def _remove_duplicates(images: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(images))
