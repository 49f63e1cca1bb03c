"""OB105 and OB106: what is shared already, and who could start before the shared image exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.model import ImageOrigin
from builder.compose.services.dependencies import (
    COMPLETED,
    find_all_dependencies,
    find_sharers_without_builder,
    format_build_command,
    format_start_command,
    is_active_with,
    is_init_like,
)
from builder.compose.sharing.shared_definitions import can_wait_for, select_startable_services
from builder.core.image_reference import has_registry
from builder.core.phrases import choose_verb, join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service
    from builder.compose.rules.context import RuleContext
    from builder.compose.sharing.groups import ServiceGroup


SHOWN = 3
"""Commands in one sentence."""


def find_shared_images(context: RuleContext) -> Iterator[Finding]:
    """OB105: one finding for each group of several services of which at most one builds."""
    for group in context.groups:
        if len(group.services) < 2 or len(group.builders) > 1:
            continue
        who = f"{group.builders[0].name} builds it" if group.builders else "no service here builds it"
        yield Finding(
            "OB105",
            context.line(context.project, group.names[0], "image"),
            f"{join_names(group.names)} use {join_names(group.images)}; {who}",
            group.names,
            details=_describe_missing_policy(group) if group.builders else (),
        )


def _describe_missing_policy(group: ServiceGroup) -> tuple[str, ...]:
    """Who would ask Docker Hub for a name that is only made here, and that anyone could register there."""
    if any(has_registry(image) for image in group.images):
        return ()
    lacking = [service.name for service in group.services if service.pull_policy != "never"]
    if not lacking:
        return ()
    who = f"{join_names(lacking)} {choose_verb(lacking, 'lacks', 'lack')} `pull_policy: never`"
    return (f"{who}: `pull`, and `up` without the image, ask Docker Hub for this name, which anyone could register",)


def find_early_starts(context: RuleContext) -> Iterator[Finding]:
    """OB106: one finding for each group in which one service builds, today or as planned, and not all start it."""
    for group in context.groups:
        builder = _find_planned_builder(context, group)
        if builder is None:
            continue
        early = find_sharers_without_builder(context.project, builder, group.names)
        if early and (early := select_startable_services(context.project, early)):
            yield _make_early_start_finding(context, group, builder, early)


def _find_planned_builder(context: RuleContext, group: ServiceGroup) -> str | None:
    choice = context.choice(group)
    if choice is not None and choice.target is not None:
        return choice.target.builder if choice.target.source is ImageOrigin.BUILDER else None
    return group.builders[0].name if len(group.builders) == 1 else None


def _make_early_start_finding(
    context: RuleContext, group: ServiceGroup, builder: str, early: tuple[str, ...]
) -> Finding:
    services = context.project.services
    absent = [name for name in early if not is_active_with(services[builder], services[name])]
    details = [_describe_failing_starts([services[name] for name in early], _describe_failure(context, group))]
    if absent:
        profiles = services[builder].profiles
        details.append(
            f"{builder} is behind {choose_verb(profiles, 'the profile', 'the profiles')} {join_names(profiles)}: "
            "without it Compose does not know the service, and refuses services that depend on it"
        )
    return Finding(
        "OB106",
        context.line(context.project, early[0], "depends_on"),
        f"{join_names(early)} can start while {builder}, which builds {choose_verb(early, 'its', 'their')} "
        f"image, does not: on a machine without the image, first `{format_build_command(builder)}`",
        early,
        _suggest_start_order(context, builder, early, bool(absent)),
        tuple(details),
    )


def _describe_failing_starts(early: list[Service], failure: tuple[str, str]) -> str:
    """What a person would type, and what comes where nobody has built the image yet."""
    commands = [f"`{format_start_command(service)}`" for service in early[:SHOWN]]
    more = [f"{len(early) - SHOWN} more"] if len(early) > SHOWN else []
    found = [*commands, *more]
    return f"{join_names(found)} {choose_verb(found, *failure)} there"


def _describe_failure(context: RuleContext, group: ServiceGroup) -> tuple[str, str]:
    """Of one command and of several."""
    choice = context.choice(group)
    planned = choice.target if choice is not None else None
    policies = {planned.pull_policy} if planned else {service.pull_policy for service in group.services}
    if policies == {"never"}:
        return "ends with `No such image`", "end with `No such image`"
    return "asks a registry for it", "ask a registry for it"


def _suggest_start_order(context: RuleContext, builder: str, early: tuple[str, ...], absent: bool) -> str:
    """To wait only for a service that ends; of any other, which starts nothing that the sharers need, the command."""
    project = context.project
    unreached = [name for name in early if builder not in find_all_dependencies(project, name)]
    waiting = is_init_like(project, project.services[builder])
    lines = []
    if waiting and unreached and all(can_wait_for(project, name, builder) for name in unreached):
        lines.append(f"depends_on:\n  {builder}:\n    condition: {COMPLETED}")
    if absent and (lines or not unreached):
        lines.append(f"remove `profiles:` from {builder}")
    return "\n".join(lines) or f"on a new machine, `{format_build_command(builder)}` before anything else"
