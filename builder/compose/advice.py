"""Advice about one Dockerfile: what its image holds or lacks, each with line and text to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.compose.facts import Advice, DockerfileFacts
    from builder.compose.installed import ReadFile


def advise(facts: DockerfileFacts, read: ReadFile) -> tuple[Advice, ...]:
    """In the order of the lines."""
    return ()
