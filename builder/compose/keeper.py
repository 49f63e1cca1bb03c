"""Which service keeps ``build:``: one that is started, and so builds, before every other one that needs its image."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from builder.compose.group import builders_of
from builder.compose.refusals import LeftAloneError
from builder.compose.startorder import is_init_like, is_on_with, reached_from, without_builder
from builder.compose.wording import listed, verb

if TYPE_CHECKING:
    from builder.compose.choices import Choices
    from builder.compose.model import Group, Project


def _reached_by_all(project: Project, group: Group) -> list[str]:
    common = set(builders_of(project, group))
    for name in group.services:
        common &= {name, *reached_from(project, name)}
    services = project.services
    return [
        name
        for name in common
        if all(is_on_with(services[name], services[other]) for other in group.services if other != name)
    ]


def builder_for(project: Project, group: Group, choices: Choices) -> str | None:
    """The service that keeps ``build:``; None where no one starts with all the others."""
    forced = choices.builder_service
    if forced is not None and forced in group.services:
        if project.services[forced].build is None:
            raise LeftAloneError(f"{forced} has no `build:` that it could keep")
        return forced
    fitting = _reached_by_all(project, group)
    return min(fitting, key=lambda name: (not is_init_like(project, project.services[name]), name), default=None)


def why_no_builder(project: Project, group: Group) -> str:
    """Names the service that would do, were it not for some that do not depend on it."""
    builders = builders_of(project, group)
    started = _started_with(project, group)
    init_like = [name for name in builders if is_init_like(project, project.services[name])]
    candidates = init_like or [name for name in builders if started[name]]
    if not candidates:
        return "no service keeps `build:`: none of them is started with any of the others"
    nearest = min(candidates, key=lambda name: (-started[name], name))
    early = without_builder(project, nearest, group.services)
    return (
        f"no service keeps `build:`: {listed(early)} can start without {nearest}. "
        f"{_remedy(project, nearest, early)}, or choose it with `--builder-service {nearest}`"
    )


def _started_with(project: Project, group: Group) -> Counter[str]:
    """Service → how many others of the group do not start without it."""
    services, members = project.services, set(group.services)
    return Counter(
        other
        for name in group.services
        for other in members & reached_from(project, name)
        if is_on_with(services[other], services[name])
    )


def _remedy(project: Project, builder: str, early: tuple[str, ...]) -> str:
    if all(builder in reached_from(project, name) for name in early):  # then profiles keep them apart
        return f"Take `profiles:` off {builder}"
    return f"Let {verb(early, 'it', 'them')} depend on {builder}"
