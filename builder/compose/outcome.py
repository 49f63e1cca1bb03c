"""What an optimize did, measured, as one value: the text for a person and the JSON are both made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.compose.restart import Downtime
from builder.compose.superseded import removal_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from builder.compose.apply import Applied
    from builder.compose.model import Target
    from builder.compose.superseded import OldImage
    from builder.engine.stack import Container


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

    @property
    def command(self) -> str:
        """What removes the old images; empty: nothing to remove."""
        return removal_command(self.old)


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
