"""What an optimize did, measured, as one value: the text for a person and the JSON are both made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.rollout.replaced_images import removal_command
from builder.rollout.restart import Downtime

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from builder.compose.model import Plan, Target
    from builder.engine.compose_containers import Container
    from builder.rollout.apply import Applied
    from builder.rollout.replaced_images import OldImage

EARLY = "OB106"
"""A service can start before the image exists that another builds."""


@dataclass(frozen=True)
class ServiceOutcome:
    """One restarted service. ``before`` and ``after``: image IDs of its containers."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    running: bool
    downtime: Downtime


@dataclass(frozen=True)
class Outcome:
    """The whole."""

    project: str
    files: tuple[Path, ...] = ()
    backups: tuple[Path, ...] = ()
    targets: tuple[Target, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    """Shared image → its ID."""
    bytes: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    """Shared image → true bytes of what its services used before, and of what they use now; None: not measured."""
    services: tuple[ServiceOutcome, ...] = ()
    old: tuple[OldImage, ...] = ()
    """Images that the services had before and that are still there."""
    freed: int | None = None
    """True bytes that go with those of ``old`` that may go, or that went with ``removed``; None: not measured."""
    removed: tuple[OldImage, ...] = ()
    """What ``--clean`` removed. Then none of ``old`` may go."""
    warnings: tuple[str, ...] = ()
    """What was said before anything was done."""
    refused: tuple[str, ...] = ()
    """Services that could share an image, were it safe to edit their file."""

    @property
    def command(self) -> str:
        """What removes the old images; empty: nothing to remove."""
        return removal_command(self.old)


def warnings_of(plan: Plan, targets: tuple[Target, ...]) -> tuple[str, ...]:
    """What the plan says beside the edit: of these targets, and of services that can start too early."""
    affected = {name for target in targets for name in target.services}
    said = [warning for one in plan.groups if one.target in targets for warning in one.warnings]
    said += [one.message for one in plan.findings if one.code == EARLY and affected & set(one.services)]
    return (*dict.fromkeys(said), *plan.notes)


def refused_of(plan: Plan) -> tuple[str, ...]:
    return tuple(name for one in plan.groups if one.refused for name in one.group.services)


def services_of(applied: Applied, now: tuple[Container, ...]) -> tuple[ServiceOutcome, ...]:
    """The affected services that have containers."""
    return tuple(
        ServiceOutcome(
            record.name,
            _unique(one.image_id for one in record.containers),
            _unique(one.image_id for one in now if one.service == record.name),
            any(one.running for one in now if one.service == record.name),
            applied.downtime.get(record.name, Downtime()),
        )
        for record in applied.journal.services
    )


def _unique(images: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(images))
