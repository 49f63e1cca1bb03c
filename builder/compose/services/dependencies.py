"""Who starts with whom: what ``up SERVICE`` starts beside the service itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def is_waited_for(project: Project, service: Service) -> bool:
    """Whether another service waits for its end: then it does its work and ends."""
    return any(other.depends_on.get(service.name) == COMPLETED for other in project.services.values())


def is_init_like(project: Project, service: Service) -> bool:
    """Whether it does its work and ends: others wait for its end, or it migrates, or it is called so."""
    if is_waited_for(project, service) or any(word in service.name.lower() for word in _INIT_WORDS):
        return True
    return any(_is_migration(words) for words in parse_commands(service))


def _is_migration(words: tuple[str, ...]) -> bool:
    return words[:2] == ("airflow", "db") and len(words) > 2 and words[2] in _MIGRATING
