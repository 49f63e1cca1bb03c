"""Advice about one Dockerfile: what its image holds or lacks, each with line and text to paste.

Only the stages whose layers the target has are looked at: what a builder stage leaves behind is not in the image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from builder.dockerfile.lint_pip import find_kept_pip_caches, find_unpinned_airflow
from builder.dockerfile.lint_system import (
    find_compilers,
    find_kept_package_lists,
    find_recursive_changes,
    find_root_user,
)

if TYPE_CHECKING:
    from builder.dockerfile.facts import Advice, DockerfileAnalysis
    from builder.dockerfile.run_steps import RunStep


Advise = Callable[[tuple["RunStep", ...], "DockerfileAnalysis"], Iterator["Advice"]]
ADVICE: dict[str, Advise] = {
    "OB301": find_compilers,
    "OB302": find_kept_pip_caches,
    "OB303": find_unpinned_airflow,
    "OB304": find_root_user,
    "OB305": find_recursive_changes,
    "OB306": lambda steps, _: find_kept_package_lists(steps),
}
"""Code → what finds it. A new rule is a row here, its text in the catalog and in ``templates/explain``, a function."""


def lint_dockerfile(facts: DockerfileAnalysis, steps: tuple[RunStep, ...]) -> tuple[Advice, ...]:
    """In the order of the lines, then of the codes."""
    found = (one for find in ADVICE.values() for one in find(steps, facts))
    return tuple(sorted(found, key=lambda one: (one.line, one.code)))
