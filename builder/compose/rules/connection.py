"""OB207: Airflow without a database connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.airflow.variables import CONFIG_FILE, CONFIG_VARIABLE, CONNECTION
from builder.core.phrases import join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service
    from builder.compose.rules.context import RuleContext
    from builder.compose.sharing.groups import ServiceGroup


def find_missing_connections(context: RuleContext) -> Iterator[Finding]:
    """One finding per group of Airflow services of which none says where the database is.

    Silent where it may be set elsewhere: an ``airflow.cfg`` in the image or mounted, an env_file that Compose could not
    read.
    """
    if context.project.resolved is None:
        return
    for group in context.groups:
        if (
            group.airflow
            and len(group.services) > 1
            and all(_has_no_connection(context, one) for one in group.services)
        ):
            yield _make_connection_finding(context, group)


def _has_no_connection(context: RuleContext, service: Service) -> bool:
    facts = context.facts.get(service.name)
    environment = {*service.environment, *(facts.environment if facts else ())}
    if environment & CONNECTION.spellings or CONFIG_VARIABLE in environment:
        return False
    if any(mount.target.endswith(CONFIG_FILE) for mount in service.mounts):
        return False
    copied = facts.instructions if facts else ()
    return not any(CONFIG_FILE in instruction.value for instruction in copied if instruction.name in {"COPY", "ADD"})


def _make_connection_finding(context: RuleContext, group: ServiceGroup) -> Finding:
    return Finding(
        "OB207",
        context.line(context.project, group.names[0], "environment"),
        f"{join_names(group.names)} have no {CONNECTION.name}: each uses a SQLite file inside its own container",
        group.names,
        f"{CONNECTION.name}: postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE  # in the environment of all of them",
    )
