"""OB105 and OB106: what is shared already, and who could start before the shared image exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.model import Source
from builder.compose.services.dependencies import COMPLETED, is_init_like, reached_from, without_builder
from builder.compose.sharing.groups import builders_of
from builder.compose.sharing.shared_definitions import can_wait_for, without_templates
from builder.core.image_reference import has_registry
from builder.core.phrases import listed, verb
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Group
    from builder.compose.rules.context import Look


def find_shared(look: Look) -> Iterator[Finding]:
    """OB105: one finding for each group of several services of which at most one builds."""
    for group in look.groups:
        builders = builders_of(look.project, group)
        if len(group.services) < 2 or len(builders) > 1:
            continue
        who = f"{builders[0]} builds it" if builders else "nobody here builds it"
        yield Finding(
            "OB105",
            look.line(look.project, group.services[0], "image"),
            f"{listed(group.services)} use {listed(group.images)}; {who}",
            group.services,
            details=_unprotected(look, group) if builders else (),
        )


def _unprotected(look: Look, group: Group) -> tuple[str, ...]:
    """Who would ask Docker Hub for a name that is only made here, and that anyone could register there."""
    if any(has_registry(image) for image in group.images):
        return ()
    lacking = [name for name in group.services if look.project.services[name].pull_policy != "never"]
    if not lacking:
        return ()
    who = f"{listed(lacking)} {verb(lacking, 'lacks', 'lack')} `pull_policy: never`"
    return (f"{who}: `pull`, and `up` without the image, ask Docker Hub for this name, which anyone could register",)


def find_early(look: Look) -> Iterator[Finding]:
    """OB106: one finding for each group in which one service builds, today or as planned, and not all start it."""
    for group in look.groups:
        builder = _builder(look, group)
        if builder is None:
            continue
        early = without_builder(look.project, builder, group.services)
        if early and (early := without_templates(look.project, early)):
            yield _early(look, builder, early)


def _builder(look: Look, group: Group) -> str | None:
    choice = look.choice(group)
    if choice is not None and choice.target is not None:
        return choice.target.builder if choice.target.source is Source.BUILDER else None
    builders = builders_of(look.project, group)
    return builders[0] if len(builders) == 1 else None


def _early(look: Look, builder: str, early: tuple[str, ...]) -> Finding:
    unreached = [name for name in early if builder not in reached_from(look.project, name)]
    profiles = look.project.services[builder].profiles
    details = []
    if profiles:
        details.append(
            f"{builder} is behind {verb(profiles, 'the profile', 'the profiles')} {listed(profiles)}: without it "
            "Compose does not know the service, and refuses who depends on it"
        )
    return Finding(
        "OB106",
        look.line(look.project, early[0], "depends_on"),
        f"{listed(early)} can start while {builder}, which builds {verb(early, 'its', 'their')} image, does not",
        early,
        _remedy(look, builder, unreached, bool(profiles)),
        tuple(details),
    )


def _remedy(look: Look, builder: str, unreached: list[str], hidden: bool) -> str:
    unable = [name for name in unreached if not can_wait_for(look.project, name, builder)]
    if unable:
        them = verb(unable, "it", "them")
        why = f"{listed(unable)} cannot depend on {builder}, which depends on {them} or extends {them}"
        return f"let another service build: {why}"
    condition = COMPLETED if is_init_like(look.project, look.project.services[builder]) else "service_started"
    lines = [f"depends_on:\n  {builder}:\n    condition: {condition}"] if unreached else []
    if hidden:
        lines.append(f"take `profiles:` off {builder}, or let another service build")
    return "\n".join(lines)
