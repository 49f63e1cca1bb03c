"""Who answers under a host name inside a project's networks, and who outside of the project may answer there too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.compose.model import Project

OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1"})  # noqa: S104 - not to listen on, but to recognise
"""Names of the container that asks."""


def find_service_by_host(project: Project, host: str) -> str | None:
    """Compose's networks know a service by its name, by its container's, and by its aliases; None: by no such name."""
    wanted = host.lower()
    return next((name for name in project.services if wanted in _list_names(project, name)), None)


def is_reached_from_outside(project: Project, service: str) -> bool:
    """Whether something that is not in the files may reach it, or be reached by it, beside what it asks the world:
    through a published port, a network of somebody else's, or the host's."""
    found = find_definition(project, service)
    networks: Mapping[str, Any] = (project.resolved or project.raw or {}).get("networks") or {}
    external = {name for name, one in networks.items() if isinstance(one, dict) and one.get("external")}
    joined = set(found.get("networks") or ("default",))
    return bool(found.get("ports") or found.get("network_mode") or joined & external)


def find_definition(project: Project, service: str) -> Mapping[str, Any]:
    """What the files say of the service, as Compose resolved it where it could; empty where nothing is known."""
    found: Mapping[str, Any] = ((project.resolved or project.raw or {}).get("services") or {}).get(service) or {}
    return found


def _list_names(project: Project, service: str) -> Iterator[str]:
    yield service.lower()
    yield (project.services[service].container_name or "").lower()
    networks = find_definition(project, service).get("networks") or {}
    for network in networks.values() if isinstance(networks, dict) else ():
        yield from (alias.lower() for alias in (network or {}).get("aliases") or ())
