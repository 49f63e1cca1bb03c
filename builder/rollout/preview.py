"""What an optimize would do, before anybody agrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.compose.planned import PlanResult
    from builder.rollout.journal import Journal
    from builder.rollout.request import RolloutRequest


@dataclass(frozen=True)
class OptimizePreview:
    """Everything that would be done, before anybody agreed."""

    planned: PlanResult
    work: RolloutRequest
    journal: Journal | None
    """Of the last optimize."""
    running: tuple[str, ...]
    """Affected services that have containers, in the order in which they are restarted."""
