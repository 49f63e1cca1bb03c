"""Which shared images ``--rebuild`` builds again, and how: also where the files do not say it any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.compose.model import Source, Target
from builder.compose.sharing.groups import builders_of
from builder.core.errors import ComposeError
from builder.core.image_reference import normalize_image_name
from builder.core.phrases import listed

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import Group, Plan, Project
    from builder.rollout.journal import Recipe


def targets_of(
    plan: Plan,
    recipes: tuple[Recipe, ...],
    spec: tuple[str, Path] | None,
    *,
    rebuild: bool,
    service: str | None,
) -> tuple[Target, ...]:
    """What the plan changes; with ``rebuild`` also the images that are shared already.

    ``spec``: image name and folder of an optbuild.toml. ``service`` picks the one image that it uses. Raises
    ComposeError where it uses none that is shared, or where nobody knows how that one is built.
    """
    planned = tuple(one.target for one in plan.groups if one.target is not None)
    if not rebuild:
        return planned
    again = {one.group: _shared(plan, one.group, recipes, spec) for one in plan.groups if one.target is None}
    found = (*planned, *(target for target in again.values() if target is not None))
    if service is None:
        if not found:
            raise _nothing_known(plan, tuple(again))
        return found
    if service not in plan.project.services:
        raise ComposeError(f"there is no service {service}", hint=f"services here: {', '.join(plan.project.services)}")
    chosen = tuple(target for target in found if service in target.services)
    if not chosen:
        raise _unknown(plan, service, tuple(again))
    return (*planned, *(target for target in chosen if target not in planned))


def _shared(plan: Plan, group: Group, recipes: tuple[Recipe, ...], spec: tuple[str, Path] | None) -> Target | None:
    """How the image of a group that stays as it is was made; None: that is not known, or it is not shared."""
    if len(set(map(normalize_image_name, group.images))) != 1:
        return None
    image = group.images[0]
    policy = plan.project.services[group.services[0]].pull_policy
    builders = builders_of(plan.project, group)
    if len(builders) == 1 and len(group.services) > 1:
        return Target(group.services, image, Source.BUILDER, builders[0], pull_policy=policy, keeps_name=True)
    if spec is not None and normalize_image_name(spec[0]) == normalize_image_name(image):
        return Target(group.services, image, Source.SPEC, None, spec[1], policy, keeps_name=True)
    known = next(
        (one.target for one in recipes if normalize_image_name(one.target.image) == normalize_image_name(image)), None
    )
    if known is None or builders:
        return None
    return replace(known, services=group.services, builder=None, keeps_name=True, note=None, source=_source(known))


def _source(known: Target) -> Source:
    """A builder that left the files builds no more."""
    return Source.SPEC if known.source is Source.SPEC else Source.IMAGE_ONLY


def _nothing_known(plan: Plan, groups: tuple[Group, ...]) -> ComposeError:
    """Where no service is named. Of a foreign image that several use nobody asks how it is built."""
    lost = [
        group
        for group in groups
        if len(group.services) > 1 and not builders_of(plan.project, group) and _is_made_here(plan.project, group)
    ]
    if lost:
        return _recipe_lost(lost[0])
    return ComposeError(
        "no image that is built here is shared, so there is nothing to build again", hint="`optbuild plan`"
    )


def _is_made_here(project: Project, group: Group) -> bool:
    """Nobody asks a registry for it."""
    return all(project.services[name].pull_policy == "never" for name in group.services)


def _unknown(plan: Plan, service: str, groups: tuple[Group, ...]) -> ComposeError:
    group = next((group for group in groups if service in group.services), None)
    if group is None or len(group.services) == 1:
        return ComposeError(
            f"{service} shares its image with no other service", hint=f"`docker compose build {service}` builds it"
        )
    if builders_of(plan.project, group):
        return ComposeError(
            f"{listed(group.services)} do not share one image that could be built again",
            hint="`optbuild plan` says why they are left as they are",
        )
    return _recipe_lost(group)


def _recipe_lost(group: Group) -> ComposeError:
    return ComposeError(
        f"no file and no earlier optimize on this machine says how the image of {listed(group.services)} is built",
        hint="put `build:` back into one of them, then `optbuild optimize`",
    )
