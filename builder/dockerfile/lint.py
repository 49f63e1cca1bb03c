"""Advice about one Dockerfile: what its image holds or lacks, each with line and text to paste.

Only the stages whose layers the target has are looked at: what a builder stage leaves behind is nobody's loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from builder.dockerfile.lint_pip import not_pinned_again, pip_caches
from builder.dockerfile.lint_system import compilers, ends_as_root, package_lists, recursive_change

if TYPE_CHECKING:
    from builder.dockerfile.facts import Advice, DockerfileFacts
    from builder.dockerfile.packages import ReadFile
    from builder.dockerfile.run_steps import Step


Advise = Callable[[tuple["Step", ...], "DockerfileFacts", "ReadFile"], Iterator["Advice"]]
ADVICE: dict[str, Advise] = {
    "OB301": lambda steps, facts, _: compilers(steps, facts),
    "OB302": lambda steps, facts, _: pip_caches(steps, facts),
    "OB303": not_pinned_again,
    "OB304": lambda steps, facts, _: ends_as_root(steps, facts),
    "OB305": lambda steps, facts, _: recursive_change(steps, facts),
    "OB306": lambda steps, *_: package_lists(steps),
}
"""Code → what finds it. A new rule is a row here, its text in the catalog and in ``templates/explain``, a function."""


def advise(facts: DockerfileFacts, steps: tuple[Step, ...], read: ReadFile) -> tuple[Advice, ...]:
    """In the order of the lines, then of the codes."""
    found = (one for find in ADVICE.values() for one in find(steps, facts, read))
    return tuple(sorted(found, key=lambda one: (one.line, one.code)))
