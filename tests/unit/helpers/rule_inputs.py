"""Projects of services that nobody builds, for rules about Airflow: an image, a command and an environment each."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from project_factories import project, service

from builder.compose.rules.context import RuleContext
from builder.compose.sharing.groups import group_services

if TYPE_CHECKING:
    from builder.compose.model import Project, Service

CONNECTION = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://db/airflow"}


def started(name: str, command: str | None, version: str = "2.8.1", **keys: Any) -> Service:
    """A service of the official image; ``command`` as in a compose file; ``environment`` beside the connection."""
    environment = {**CONNECTION, **keys.pop("environment", {})}
    words = None if command is None else tuple(shlex.split(command))
    return service(name, **{"image": f"apache/airflow:{version}", "command": words, "environment": environment, **keys})


def context_of(*services: Service, made: Project | None = None, **keys: Any) -> RuleContext:
    """What the rules see."""
    made = made or project(*services)
    return RuleContext(made, group_services(made, keys.get("facts", {})), **keys)
