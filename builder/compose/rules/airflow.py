"""Which Airflow a service runs, as far as its project tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.airflow.images import is_airflow_image, version_of_image
from builder.airflow.variables import VERSION_VARIABLE
from builder.compose.services.start_commands import image_text

if TYPE_CHECKING:
    from builder.compose.model import Service
    from builder.compose.rules.context import Look
    from builder.dockerfile.facts import DockerfileFacts


_ASKED = 20
"""Sharers that are asked for the version; what none of them knows, the rest does not either."""


def version_for(look: Look, service: Service) -> str | None:
    """The Airflow version of the service's image: its Dockerfile, its tag, its environment, or a sharer's."""
    found = _version(service, look.facts.get(service.name))
    group = look.group_of(service.name)
    if found is None and group is not None:
        others = (look.project.services[name] for name in group.services[:_ASKED])
        found = next((version for one in others if (version := _version(one, look.facts.get(one.name)))), None)
    return found


def _version(service: Service, facts: DockerfileFacts | None) -> str | None:
    if facts is not None and facts.airflow_version:
        return facts.airflow_version
    image = image_text(service) if service.build is None else None
    return version_of_image(image) or _plain(service.environment.get(VERSION_VARIABLE))


def _plain(text: str | None) -> str | None:
    return text if text and re.fullmatch(r"\d+\.\d+\.\d+", text) else None


def is_airflow(look: Look, service: Service) -> bool:
    """As its group says; a service that is in no group by its image alone."""
    group = look.group_of(service.name)
    return group.airflow if group is not None else is_airflow_image(image_text(service))
