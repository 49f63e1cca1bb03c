"""Which service keeps ``build:``: one that is started, and so builds, before every other one that needs its image."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from builder.compose.services.dependencies import (
    find_all_dependencies,
    find_sharers_without_builder,
    is_active_with,
    is_init_like,
)
from builder.compose.sharing.blockers import NotShareableError
from builder.compose.sharing.shared_definitions import can_wait_for, select_startable_services
from builder.core.phrases import choose_verb, join_names

if TYPE_CHECKING:
    from builder.compose.model import Project
    from builder.compose.sharing.groups import ServiceGroup
    from builder.compose.sharing.options import SharingOptions


TRIED = 8
"""Services that advice is looked for with: a thousand stay fast."""


class NoBuilderReason(NamedTuple):
    """Why no service keeps ``build:``, and what makes one able to."""

    why: str
    remedy: str


def _find_reached_by_all(project: Project, group: ServiceGroup, sharers: tuple[str, ...]) -> list[str]:
    common = {service.name for service in group.builders} & set(sharers)
    for name in sharers:
        common &= {name, *find_all_dependencies(project, name)}
    return [name for name in common if _is_on_with_all(project, name, sharers)]


def _is_on_with_all(project: Project, name: str, sharers: tuple[str, ...]) -> bool:
    services = project.services
    return all(is_active_with(services[name], services[other]) for other in sharers if other != name)


def choose_builder(project: Project, group: ServiceGroup, choices: SharingOptions) -> str | None:
    """The service that keeps ``build:``; None where no one starts with all the others."""
    forced = choices.builder_service
    if forced is not None and forced in group.names:
        if project.services[forced].build is None:
            raise NotShareableError(f"{forced} has no `build:` that it could keep")
        return forced
    for sharers in (group.names, select_startable_services(project, group.names)):
        if fitting := _find_reached_by_all(project, group, sharers):
            return min(fitting, key=lambda name: (not is_init_like(project, project.services[name]), name))
    return None


def explain_no_builder(project: Project, group: ServiceGroup) -> NoBuilderReason:
    """Names the service that would do, were it not for some that do not depend on it."""
    sharers = select_startable_services(project, group.names)
    started = _count_dependents(project, sharers)
    init_like = [service.name for service in group.builders if is_init_like(project, service)]
    waited_for = [service.name for service in group.builders if started[service.name]]
    candidates = [name for name in init_like or waited_for if name in sharers]
    if not candidates:
        return NoBuilderReason(
            "none of them is started with any of the others", "Choose one with `--builder-service NAME`"
        )
    ranked = sorted(candidates, key=lambda name: (-started[name], name))[:TRIED]
    found = {name: _list_steps(project, name, sharers) for name in ranked}
    nearest = next((name for name in ranked if found[name]), ranked[0])
    steps = " and ".join(found[nearest])
    return NoBuilderReason(
        f"{join_names(find_sharers_without_builder(project, nearest, sharers))} can start without {nearest}",
        f"{steps[:1].upper()}{steps[1:]}, or choose it with `--builder-service {nearest}`"
        if steps
        else f"Choose it with `--builder-service {nearest}`",
    )


def _count_dependents(project: Project, sharers: tuple[str, ...]) -> Counter[str]:
    """Service → how many of the others do not start without it."""
    services, members = project.services, set(sharers)
    return Counter(
        other
        for name in sharers
        for other in members & find_all_dependencies(project, name)
        if is_active_with(services[other], services[name])
    )


def _list_steps(project: Project, builder: str, sharers: tuple[str, ...]) -> list[str]:
    """What makes every sharer start ``builder``; nothing where a service would have to wait for itself."""
    early = find_sharers_without_builder(project, builder, sharers)
    waiting = [name for name in early if builder not in find_all_dependencies(project, name)]
    if not all(can_wait_for(project, name, builder) for name in waiting):
        return []
    if _is_on_with_all(project, builder, sharers):
        return [f"let {choose_verb(waiting, 'it', 'them')} depend on {builder}"]
    return [f"remove `profiles:` from {builder}", *([f"let {join_names(waiting)} depend on it"] if waiting else [])]
