"""The rules: each looks at the whole project and yields what it found. One table says which exist.

A new rule is a row here, its text in the catalog and in ``templates/explain``, and a function in a file of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.rules import (
    advice,
    brokers,
    builds,
    commands,
    connection,
    daemons,
    dag_readers,
    data,
    execution_api,
    executors,
    failing_checks,
    fernet_keys,
    health,
    installs,
    migrations,
    obsolete,
    passing_checks,
    refused,
    secret_keys,
    sharing,
    tags,
)
from builder.compose.rules import near_duplicates as near
from builder.compose.rules import separate_products as apart
from builder.findings.model import sort_findings

if TYPE_CHECKING:
    from builder.compose.rules.context import RuleContext, RuleFunction
    from builder.findings.model import Finding

RULES: dict[str, RuleFunction] = {
    "OB101": builds.find_duplicate_builds,
    "OB102": builds.find_same_tags,
    "OB103": near.find_near_duplicates,
    "OB104": apart.find_separate_products,
    "OB105": sharing.find_shared_images,
    "OB106": sharing.find_early_starts,
    "OB107": apart.find_mixed_products,
    "OB201": commands.find_invalid_commands,
    "OB202": health.find_missing_health_checks,
    "OB203": tags.find_floating_tags,
    "OB204": data.find_unpersisted_data,
    "OB205": obsolete.find_obsolete_version_keys,
    "OB206": tags.find_moved_names,
    "OB207": connection.find_missing_connections,
    "OB208": execution_api.find_unreachable_execution_api,
    "OB209": secret_keys.find_missing_secret_keys,
    "OB210": installs.find_installs_at_start,
    "OB211": migrations.find_early_readers,
    "OB212": daemons.find_daemons,
    "OB213": failing_checks.find_failing_checks,
    "OB214": refused.find_refused_projects,
    "OB215": fernet_keys.find_fernet_problems,
    "OB216": executors.find_unfit_executors,
    "OB217": brokers.find_unreachable_brokers,
    "OB218": dag_readers.find_missing_dag_readers,
    "OB219": passing_checks.find_passing_checks,
    "OB301": advice.find_dockerfile_advice,
}
"""Code → its rule. Only the rule that passes on findings of Dockerfiles yields several; it is under the first."""


def run_rules(context: RuleContext) -> tuple[Finding, ...]:
    """What all rules find: the worst first, then by code and place."""
    return tuple(sort_findings(finding for find in RULES.values() for finding in find(context)))
