"""Which service keeps ``build:``: one that is started, and so builds, before every other one that needs its image."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from builder.compose.services.dependencies import is_init_like, is_on_with, reached_from, without_builder
from builder.compose.sharing.blockers import LeftAloneError
from builder.compose.sharing.groups import builders_of
from builder.compose.sharing.shared_definitions import can_wait_for, without_templates
from builder.core.phrases import listed, verb

if TYPE_CHECKING:
    from builder.compose.model import Group, Project
    from builder.compose.sharing.options import Choices


TRIED = 8
"""Services that advice is looked for with: a thousand stay fast."""


class NoBuilder(NamedTuple):
    """Why no service keeps ``build:``, and what makes one able to."""

    why: str
    remedy: str


def _reached_by_all(project: Project, group: Group, sharers: tuple[str, ...]) -> list[str]:
    common = set(builders_of(project, group)) & set(sharers)
    for name in sharers:
        common &= {name, *reached_from(project, name)}
    return [name for name in common if _is_on_with_all(project, name, sharers)]


def _is_on_with_all(project: Project, name: str, sharers: tuple[str, ...]) -> bool:
    services = project.services
    return all(is_on_with(services[name], services[other]) for other in sharers if other != name)


def builder_for(project: Project, group: Group, choices: Choices) -> str | None:
    """The service that keeps ``build:``; None where no one starts with all the others."""
    forced = choices.builder_service
    if forced is not None and forced in group.services:
        if project.services[forced].build is None:
            raise LeftAloneError(f"{forced} has no `build:` that it could keep")
        return forced
    for sharers in (group.services, without_templates(project, group.services)):
        if fitting := _reached_by_all(project, group, sharers):
            return min(fitting, key=lambda name: (not is_init_like(project, project.services[name]), name))
    return None


def why_no_builder(project: Project, group: Group) -> NoBuilder:
    """Names the service that would do, were it not for some that do not depend on it."""
    builders = builders_of(project, group)
    sharers = without_templates(project, group.services)
    started = _started_with(project, sharers)
    init_like = [name for name in builders if is_init_like(project, project.services[name])]
    candidates = [name for name in init_like or [name for name in builders if started[name]] if name in sharers]
    if not candidates:
        return NoBuilder("none of them is started with any of the others", "Choose one with `--builder-service NAME`")
    ranked = sorted(candidates, key=lambda name: (-started[name], name))[:TRIED]
    found = {name: _steps(project, name, sharers) for name in ranked}
    nearest = next((name for name in ranked if found[name]), ranked[0])
    steps = " and ".join(found[nearest])
    return NoBuilder(
        f"{listed(without_builder(project, nearest, sharers))} can start without {nearest}",
        f"{steps[:1].upper()}{steps[1:]}, or choose it with `--builder-service {nearest}`"
        if steps
        else f"Choose it with `--builder-service {nearest}`",
    )


def _started_with(project: Project, sharers: tuple[str, ...]) -> Counter[str]:
    """Service → how many of the others do not start without it."""
    services, members = project.services, set(sharers)
    return Counter(
        other
        for name in sharers
        for other in members & reached_from(project, name)
        if is_on_with(services[other], services[name])
    )


def _steps(project: Project, builder: str, sharers: tuple[str, ...]) -> list[str]:
    """What makes every sharer start ``builder``; nothing where a service would have to wait for itself."""
    early = without_builder(project, builder, sharers)
    waiting = [name for name in early if builder not in reached_from(project, name)]
    if not all(can_wait_for(project, name, builder) for name in waiting):
        return []
    if _is_on_with_all(project, builder, sharers):
        return [f"let {verb(waiting, 'it', 'them')} depend on {builder}"]
    return [f"take `profiles:` off {builder}", *([f"let {listed(waiting)} depend on it"] if waiting else [])]
