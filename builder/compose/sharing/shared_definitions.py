"""Services that others take over by ``extends`` or a merge: what is said of one, they get too."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from builder.compose.rewrite.resolve import find_key_sources
from builder.compose.services.dependencies import find_all_dependencies
from builder.core.errors import ComposeError

if TYPE_CHECKING:
    from builder.compose.model import Project


def select_startable_services(project: Project, services: tuple[str, ...]) -> tuple[str, ...]:
    """``services`` without those that nobody starts: taken over by others, waited for by none, and behind a profile
    that no other service has."""
    users = Counter(profile for one in project.services.values() for profile in one.profiles)
    needed = {name for one in project.services.values() for name in one.depends_on}
    return tuple(
        name
        for name in services
        if not (profiles := project.services[name].profiles)
        or any(users[profile] > 1 for profile in profiles)
        or name in needed
        or not _find_inheriting_services(project, name)
    )


def can_wait_for(project: Project, service: str, other: str) -> bool:
    """Whether ``service`` may depend on ``other`` without a circle: what takes it over would depend on it too."""
    followers = _find_inheriting_services(project, service)
    return other not in followers and not find_all_dependencies(project, other) & {service, *followers}


def find_file_order(project: Project) -> dict[str, tuple[int, int]]:
    """Service → its place in the files: which of them first says something about it, and where."""
    try:
        sites = find_key_sources(project)
    except ComposeError:  # rewriting the files reports it
        return {}
    paths = {path: place for place, path in enumerate(project.sources)}
    found = {}
    for name, strata in sites.services.items():
        own = [one.levels[0] for one in strata if one.levels[0].owner is not None and one.levels[0] is one.home]
        found[name] = min(((paths[level.document.path], level.node.start) for level in own), default=(0, 0))
    return found


def _find_inheriting_services(project: Project, service: str) -> frozenset[str]:
    try:
        sites = find_key_sources(project)
    except ComposeError:  # rewriting the files reports it
        return frozenset()
    strata = sites.services.get(service, ())
    return frozenset(name for stratum in strata for name in sites.users[stratum.home]) - {service}
