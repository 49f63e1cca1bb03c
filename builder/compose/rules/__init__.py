"""The rules: each looks at the whole project and yields what it found. One table says which exist.

A new rule is a row here, its text in the catalog and in ``templates/explain``, and a function in a file of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.rules import advice, builds, commands, connection, data, health, obsolete, sharing, tags
from builder.compose.rules import near_duplicates as near
from builder.compose.rules import separate_products as apart

if TYPE_CHECKING:
    from builder.compose.rules.context import Find, Look
    from builder.findings.model import Finding

RULES: dict[str, Find] = {
    "OB101": builds.find_duplicates,
    "OB102": builds.find_same_tags,
    "OB103": near.find,
    "OB104": apart.find_others,
    "OB105": sharing.find_shared,
    "OB106": sharing.find_early,
    "OB107": apart.find_mixed,
    "OB201": commands.find,
    "OB202": health.find,
    "OB203": tags.find_floating,
    "OB204": data.find,
    "OB205": obsolete.find,
    "OB206": tags.find_moved,
    "OB207": connection.find,
    "OB301": advice.find,
}
"""Code → its rule. Only what passes on the findings of Dockerfiles yields several codes: it stands under the first."""


def find_all(look: Look) -> tuple[Finding, ...]:
    """What all rules find: the worst first, then by code and place."""
    found = [finding for find in RULES.values() for finding in find(look)]
    return tuple(sorted(found, key=lambda one: (-one.severity, one.code, one.where.file, one.where.line or 0)))
