"""The Airflow services of a project, each with what rules about Airflow ask: its version, its start, its settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.airflow.find import EXECUTORS, LATEST, find_series, is_at_least
from builder.airflow.images import is_airflow_image, parse_image_series, parse_image_version
from builder.airflow.variables import EXECUTOR, VERSION_VARIABLE
from builder.compose.services.settings import AirflowSettings, read_settings
from builder.compose.services.start_commands import (
    StartCommand,
    guess_role,
    is_unseen_program,
    list_program_calls,
    parse_start_command,
    resolve_argv,
    substitute_image_defaults,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import Project, Service
    from builder.compose.sharing.groups import ServiceGroup
    from builder.dockerfile.facts import DockerfileAnalysis


_STARTED_SINCE_3 = LATEST.execution_api
_ASKED = 20
"""Sharers that are asked for the version; what none of them knows, the rest does not either."""


@dataclass(frozen=True)
class AirflowService:
    """A service that runs Airflow."""

    service: Service
    facts: DockerfileAnalysis | None
    """Of the Dockerfile that makes its image, also where another service builds it."""
    version: str | None
    start: StartCommand
    settings: AirflowSettings

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def likely_role(self) -> str:
        """The role that it starts; without a command that can be read, the one that its name promises; or empty."""
        return self.start.role or (None if self.start.calls else guess_role(self.service)) or ""


def list_airflow_services(
    project: Project, groups: Mapping[str, ServiceGroup], facts: Mapping[str, DockerfileAnalysis]
) -> tuple[AirflowService, ...]:
    """In the order of the project. ``groups`` and ``facts`` by the service's name."""
    found = []
    for service in project.services.values():
        group = groups.get(service.name)
        if not _uses_airflow(service, group):
            continue
        own = find_image_facts(service, group, facts)
        version = _find_airflow_version(service, group, facts)
        settings = read_settings(project, service, own)
        found.append(AirflowService(service, own, version, parse_start_command(service, own), settings))
    return tuple(found)


def find_image_facts(
    service: Service, group: ServiceGroup | None, facts: Mapping[str, DockerfileAnalysis]
) -> DockerfileAnalysis | None:
    """What the Dockerfile of its image says, also where another service of its group builds it."""
    makers = () if group is None or service.build is not None else (one.name for one in group.builders)
    return next((found for name in (service.name, *makers) if (found := facts.get(name)) is not None), None)


def list_executors(one: AirflowService) -> tuple[str, ...]:
    """Names of its executors, the one of most tasks first, as last words (``CeleryExecutor`` of a module path too);
    empty: not known."""
    setting = one.settings.find_setting(EXECUTOR, one.version)
    if setting is None:
        series = find_series(one.version) if one.settings.is_complete else None
        return () if series is None else tuple(known.name for known in series.executors[:1])
    variable, text = setting
    if variable not in EXECUTOR.names or not text or re.search(r"[$=;]", text):  # = and ; are of teams
        return ()
    return tuple(re.split(r"[.:]", name.strip())[-1] for name in text.split(","))


def runs_local_tasks(one: AirflowService) -> bool:
    """Whether its scheduler surely runs the tasks in its own container. The default executor does; of several, the
    first is that of every task that names none."""
    names = list_executors(one)
    if not names:
        return one.settings.find_setting(EXECUTOR, one.version) is None and one.settings.is_complete
    return names[0] in EXECUTORS and EXECUTORS[names[0]].runs_in_scheduler


def uses_celery(one: AirflowService) -> bool | None:
    """Whether one of its executors gives tasks to Celery's workers; None: not known."""
    names = list_executors(one)
    if any(name in EXECUTORS and EXECUTORS[name].uses_celery for name in names):
        return True
    return False if names and all(name in EXECUTORS for name in names) else None


def is_start_known(one: AirflowService) -> bool:
    """Whether it says what it starts, and nothing of that is in a file that cannot be seen here."""
    argv = resolve_argv(one.service, one.facts)
    return argv is not None and not any(is_unseen_program(call) for call in list_program_calls(argv))


def list_airflow_3_services(services: tuple[AirflowService, ...]) -> tuple[AirflowService, ...]:
    """Those of them that are surely Airflow 3: their version says so, or it is not known, and one of them starts what
    only Airflow 3 has."""
    unknown = [one for one in services if one.version is None]
    is_new = any(_STARTED_SINCE_3 in one.start.roles for one in unknown)
    return tuple(one for one in services if is_at_least(one.version, "3.0.0") or (is_new and one.version is None))


def _find_airflow_version(
    service: Service, group: ServiceGroup | None, facts: Mapping[str, DockerfileAnalysis]
) -> str | None:
    """The Airflow version of the service's image: its Dockerfile, its tag, its environment, or a sharer's. In full
    (``2.8.1``) where that is known, else ``2.8``."""
    found = _find_own_version(service, facts.get(service.name))
    if found is None and group is not None:
        others = group.services[:_ASKED]
        found = next((version for one in others if (version := _find_own_version(one, facts.get(one.name)))), None)
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


def _uses_airflow(service: Service, group: ServiceGroup | None) -> bool:
    """As its group says; a service that is in no group by its image alone."""
    return group.airflow if group is not None else is_airflow_image(substitute_image_defaults(service))
