"""The rules: each looks at the whole project and yields what it found. One table says which exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.compose.rules.look import Find, Look
    from builder.findings import Finding

RULES: dict[str, Find] = {}


def find_all(look: Look) -> tuple[Finding, ...]:
    """What all rules find: the worst first, then by code and place."""
    found = [finding for find in RULES.values() for finding in find(look)]
    return tuple(sorted(found, key=lambda one: (-one.severity, one.code, one.where.file, one.where.line or 0)))
