"""Which service keeps ``build:``: one that is there, and so builds, whenever another one needs its image (design.md,
"Compose", rule 2)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from builder.compose.services.dependencies import find_all_dependencies, is_active_with, is_init_like
from builder.compose.sharing.blockers import NotShareableError
from builder.compose.sharing.shared_definitions import find_file_order
from builder.core.phrases import join_names

if TYPE_CHECKING:
    from builder.compose.model import Project
    from builder.compose.sharing.groups import ServiceGroup

_SERVICE_CONTEXT = "service:"
"""Begins an additional context that is the image of another service."""


def check_needed_builds(project: Project, group: ServiceGroup, builder: str | None) -> None:
    """Raises NotShareableError where another service than ``builder`` cannot do without its ``build:``."""
    needed = _find_needed_builds(project, group)
    others = [name for name in needed if name != builder]
    if others:
        step = "only one of them could keep it" if len(needed) > 1 else f"choose `--builder-service {others[0]}`"
        why = "; ".join(needed[name] for name in others)
        raise NotShareableError(f"{join_names(others)} cannot do without `build:` ({why}): {step}")


def rank_builders(project: Project, group: ServiceGroup) -> tuple[str, ...]:
    """The services that could keep ``build:``, the best first; a service that cannot do without it stands alone.

    Raises NotShareableError where several cannot.
    """
    needed = tuple(_find_needed_builds(project, group))
    if len(needed) > 1:
        check_needed_builds(project, group, None)
    if needed:
        return needed
    services, order = project.services, find_file_order(project)
    reached, profiles = _count_dependents(project, group), {one.profiles: one for one in group.services}
    sharers = Counter(one.profiles for one in group.services)

    def rank(name: str) -> tuple[int, bool, int, tuple[int, int]]:
        """Sharers that are there without it; whether it works on and on; sharers that start it; its place."""
        absent = sum(count for found, count in sharers.items() if not is_active_with(services[name], profiles[found]))
        return absent, not is_init_like(project, services[name]), -reached[name], order.get(name, (0, 0))

    return tuple(sorted((service.name for service in group.builders), key=rank))


def _find_needed_builds(project: Project, group: ServiceGroup) -> dict[str, str]:
    """Service → what else than starting it needs its build."""
    builders = {service.name: service for service in group.builders}
    needed = {
        name: f"`docker compose watch` builds {name} (`develop.watch`)"
        for name, service in builders.items()
        if service.is_watched
    }
    for other in project.services.values():
        contexts = other.build.additional_contexts if other.build is not None and other.name not in group.names else ()
        for _, context in contexts:
            name = context.removeprefix(_SERVICE_CONTEXT)
            if context.startswith(_SERVICE_CONTEXT) and name in builders:
                needed.setdefault(name, f"{other.name} is built on its image (`additional_contexts`, `{context}`)")
    return needed


def _count_dependents(project: Project, group: ServiceGroup) -> Counter[str]:
    """Service → how many of the others do not start without it."""
    services, members = project.services, set(group.names)
    return Counter(
        other
        for name in group.names
        for other in members & find_all_dependencies(project, name)
        if is_active_with(services[other], services[name])
    )
