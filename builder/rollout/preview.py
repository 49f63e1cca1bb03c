"""What an optimize would do, before anybody agrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.compose.planned import Planned
    from builder.rollout.journal import Journal
    from builder.rollout.request import Work


@dataclass(frozen=True)
class Ready:
    """Everything that would be done, before anybody agreed."""

    planned: Planned
    work: Work
    journal: Journal | None
    """Of the last optimize."""
    running: tuple[str, ...]
    """Affected services that have containers, in the order in which they are restarted."""
