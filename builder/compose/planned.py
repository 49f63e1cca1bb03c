"""The plan and what it was made from, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import Plan, ProjectFiles
    from builder.compose.sharing.options import SharingOptions
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.engine.compose import ComposeCli


@dataclass(frozen=True)
class PlanResult:
    """The plan and what it was made from. ``no_engine``: why no engine was seen; empty: one was."""

    plan: Plan
    files: ProjectFiles
    cli: ComposeCli
    choices: SharingOptions
    facts: Mapping[str, DockerfileAnalysis] = field(repr=False)
    no_engine: str = ""
