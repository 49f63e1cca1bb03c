"""Advice about one Dockerfile: what its image holds or lacks, each with line and text to paste.

Only the stages whose layers the target has are looked at: what a builder stage leaves behind is not in the image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from builder.dockerfile.lint_compilers import find_compilers
from builder.dockerfile.lint_owners import find_recursive_changes
from builder.dockerfile.lint_pip import find_pip_advice
from builder.dockerfile.lint_secrets import find_copied_credentials
from builder.dockerfile.lint_subject import LintSubject
from builder.dockerfile.lint_system import find_kept_package_lists
from builder.dockerfile.lint_users import find_root_user

if TYPE_CHECKING:
    from builder.dockerfile.facts import Advice

Advise = Callable[[LintSubject], Iterator["Advice"]]
ADVICE: dict[str, Advise] = {
    "OB301": find_compilers,
    "OB302": find_pip_advice,
    "OB303": find_pip_advice,
    "OB304": find_root_user,
    "OB305": find_recursive_changes,
    "OB306": find_kept_package_lists,
    "OB307": find_copied_credentials,
}
"""Code → what finds it; two codes may be found together. A new rule is a row here, its text in the catalog and in
``templates/explain``, a function."""


def lint_dockerfile(subject: LintSubject) -> tuple[Advice, ...]:
    """In the order of the lines, then of the codes."""
    found = (one for find in dict.fromkeys(ADVICE.values()) for one in find(subject))
    return tuple(sorted(found, key=lambda one: (one.line, one.code)))
