"""Who starts with whom: what ``up SERVICE`` starts beside the service itself."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from builder.airflow.find import find_started_role
from builder.compose.services.command_lines import parse_commands

if TYPE_CHECKING:
    from builder.compose.model import Project, Service

_INIT_WORDS = ("init", "migrate", "setup", "bootstrap")
_MIGRATING = frozenset({"init", "migrate", "upgrade"})
COMPLETED = "service_completed_successfully"


def find_all_dependencies(project: Project, service: str) -> frozenset[str]:
    """Every service that ``service`` depends on, also through others; never itself."""
    found: set[str] = set()
    open_ones = [service]
    while open_ones:
        current = project.services.get(open_ones.pop())
        for name in () if current is None else current.depends_on:
            if name not in found and name in project.services:
                found.add(name)
                open_ones.append(name)
    return frozenset(found - {service})


def is_active_with(builder: Service, sharer: Service) -> bool:
    """Whether Compose knows ``builder`` whenever ``sharer`` is active: profiles switch services off.

    Compose refuses a service whose dependency is behind a profile that is not active.
    """
    return not builder.profiles or (bool(sharer.profiles) and set(sharer.profiles) <= set(builder.profiles))


def is_builder_started(project: Project, builder: str, sharer: str) -> bool:
    """Whether ``up SHARER`` on a fresh engine also starts, and so first builds, ``builder``."""
    if builder == sharer:
        return True
    services = project.services
    return builder in find_all_dependencies(project, sharer) and is_active_with(services[builder], services[sharer])


def find_sharers_without_builder(project: Project, builder: str, sharers: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``sharers`` that can be started while ``builder`` is not."""
    return tuple(name for name in sharers if not is_builder_started(project, builder, name))


def format_build_command(builder: str) -> str:
    """What builds its image: a service that is named is known to Compose also without its profile."""
    return shlex.join(("docker", "compose", "build", builder))


def format_start_command(service: Service) -> str:
    """What starts the service, and what it depends on."""
    if not service.profiles:
        return shlex.join(("docker", "compose", "up", "-d", service.name))
    return shlex.join(("docker", "compose", "--profile", service.profiles[0], "run", service.name))


def is_waited_for(project: Project, service: Service) -> bool:
    """Whether another service waits for its end: then it does its work and ends."""
    return any(other.depends_on.get(service.name) == COMPLETED for other in project.services.values())


def is_init_like(project: Project, service: Service) -> bool:
    """Whether it does its work and ends: others wait for its end; or it migrates, or is called so, and starts nothing
    that goes on."""
    if is_waited_for(project, service):
        return True
    calls = [words[1:] if words[:1] == ("airflow",) else words for words in parse_commands(service)]
    named = any(word in service.name.lower() for word in _INIT_WORDS)
    return (named or any(map(_is_migration, calls))) and not any(map(find_started_role, calls))


def _is_migration(call: tuple[str, ...]) -> bool:
    return call[:1] == ("db",) and len(call) > 1 and call[1] in _MIGRATING
