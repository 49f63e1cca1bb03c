"""Advice about one Dockerfile: what its image holds or lacks, each with line and text to paste.

Only the stages whose layers the target has are looked at: what a builder stage leaves behind is nobody's loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.advice_python import not_pinned_again, pip_caches
from builder.compose.advice_system import compilers, ends_as_root, package_lists, recursive_change

if TYPE_CHECKING:
    from builder.compose.facts import Advice, DockerfileFacts
    from builder.compose.installed import ReadFile
    from builder.compose.runs import Step


def advise(facts: DockerfileFacts, steps: tuple[Step, ...], read: ReadFile) -> tuple[Advice, ...]:
    """In the order of the lines, then of the codes."""
    found = (
        *compilers(steps, facts),
        *pip_caches(steps, facts),
        *not_pinned_again(steps, facts, read),
        *ends_as_root(steps, facts),
        *recursive_change(steps, facts),
        *package_lists(steps),
    )
    return tuple(sorted(found, key=lambda one: (one.line, one.code)))
