"""Which Airflow a service runs, as far as its project shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.airflow.images import is_airflow_image, parse_image_series, parse_image_version
from builder.airflow.variables import VERSION_VARIABLE
from builder.compose.services.start_commands import substitute_image_defaults

if TYPE_CHECKING:
    from builder.compose.model import Service
    from builder.compose.rules.context import RuleContext
    from builder.dockerfile.facts import DockerfileAnalysis


_ASKED = 20
"""Sharers that are asked for the version; what none of them knows, the rest does not either."""


def find_airflow_version(context: RuleContext, service: Service) -> str | None:
    """The Airflow version of the service's image: its Dockerfile, its tag, its environment, or a sharer's. In full
    (``2.8.1``) where that is known, else ``2.8``."""
    found = _find_own_version(service, context.facts.get(service.name))
    group = context.find_group(service.name)
    if found is None and group is not None:
        others = group.services[:_ASKED]
        found = next(
            (version for one in others if (version := _find_own_version(one, context.facts.get(one.name)))), None
        )
    return found


def _find_own_version(service: Service, facts: DockerfileAnalysis | None) -> str | None:
    if facts is not None and (facts.airflow_version or facts.airflow_series):
        return facts.airflow_version or facts.airflow_series
    image = substitute_image_defaults(service) if service.build is None else None
    return (
        parse_image_version(image)
        or _parse_plain_version(service.environment.get(VERSION_VARIABLE))
        or parse_image_series(image)
    )


def _parse_plain_version(text: str | None) -> str | None:
    return text if text and re.fullmatch(r"\d+\.\d+\.\d+", text) else None


def uses_airflow(context: RuleContext, service: Service) -> bool:
    """As its group says; a service that is in no group by its image alone."""
    group = context.find_group(service.name)
    return group.airflow if group is not None else is_airflow_image(substitute_image_defaults(service))
