"""OB301 to OB307: the advice about each Dockerfile, given once for all services that build it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.rules.tags import locate_dockerfile_line
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.rules.context import RuleContext
    from builder.core.errors import Where
    from builder.dockerfile.facts import Advice


def find_dockerfile_advice(context: RuleContext) -> Iterator[Finding]:
    """One finding for each line and code; a service that builds another target of the file may add its own."""
    told: dict[tuple[str, str, int], tuple[Where, Advice, list[str]]] = {}
    for name, facts in context.facts.items():
        for advice in facts.advice:
            if advice.code == "OB304" and _has_other_user(context, name):
                continue
            where = locate_dockerfile_line(context, name, facts, advice.line)
            key = (advice.code, where.file, advice.line)
            told.setdefault(key, (where, advice, []))[2].append(name)
    for where, advice, names in told.values():
        if context.facts[names[0]].path is not None:
            yield Finding(advice.code, where, advice.message, tuple(names), advice.fix, advice.details, advice.edits)
            continue
        message = f"{advice.message} (line {advice.line} of the inline Dockerfile)"
        fix = advice.fix and advice.fix.replace("$", "$$")  # Compose reads it before Docker does
        yield Finding(advice.code, where, message, tuple(names), fix, advice.details)


def _has_other_user(context: RuleContext, name: str) -> bool:
    """Whether the compose file itself gives the service a user that is not root."""
    user = (context.project.services[name].user or "").partition(":")[0]
    return user not in ("", "0", "root")
