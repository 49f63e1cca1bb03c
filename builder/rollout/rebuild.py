"""Which shared images ``--rebuild`` builds again, and how: also where the files do not say it any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.compose.model import ImageOrigin, SharedTarget
from builder.compose.sharing.groups import find_builders
from builder.core.errors import ComposeError
from builder.core.image_reference import normalize_image_name
from builder.core.phrases import join_names

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import Plan, Project, ServiceGroup
    from builder.rollout.journal import Recipe


def select_rebuild_targets(
    plan: Plan,
    recipes: tuple[Recipe, ...],
    spec: tuple[str, Path] | None,
    *,
    rebuild: bool,
    service: str | None,
) -> tuple[SharedTarget, ...]:
    """What the plan changes; with ``rebuild`` also the images that are shared already.

    ``spec``: image name and folder of an optbuild.toml. ``service`` picks the one image that it uses. Raises
    ComposeError where it uses none that is shared, or where nobody knows how that one is built.
    """
    planned = tuple(one.target for one in plan.groups if one.target is not None)
    if not rebuild:
        return planned
    again = {
        one.group: _find_shared_target(plan, one.group, recipes, spec) for one in plan.groups if one.target is None
    }
    found = (*planned, *(target for target in again.values() if target is not None))
    if service is None:
        if not found:
            raise _make_nothing_shared_error(plan, tuple(again))
        return found
    if service not in plan.project.services:
        raise ComposeError(f"there is no service {service}", hint=f"services here: {', '.join(plan.project.services)}")
    chosen = tuple(target for target in found if service in target.services)
    if not chosen:
        raise _make_service_error(plan, service, tuple(again))
    return (*planned, *(target for target in chosen if target not in planned))


def _find_shared_target(
    plan: Plan, group: ServiceGroup, recipes: tuple[Recipe, ...], spec: tuple[str, Path] | None
) -> SharedTarget | None:
    """How the image of a group that stays as it is was made; None: that is not known, or it is not shared."""
    if len(set(map(normalize_image_name, group.images))) != 1:
        return None
    image = group.images[0]
    policy = plan.project.services[group.services[0]].pull_policy
    builders = find_builders(plan.project, group)
    if len(builders) == 1 and len(group.services) > 1:
        return SharedTarget(
            group.services, image, ImageOrigin.BUILDER, builders[0], pull_policy=policy, keeps_name=True
        )
    if spec is not None and normalize_image_name(spec[0]) == normalize_image_name(image):
        return SharedTarget(group.services, image, ImageOrigin.SPEC, None, spec[1], policy, keeps_name=True)
    known = next(
        (one.target for one in recipes if normalize_image_name(one.target.image) == normalize_image_name(image)), None
    )
    if known is None or builders:
        return None
    return replace(
        known, services=group.services, builder=None, keeps_name=True, note=None, source=_choose_origin(known)
    )


def _choose_origin(known: SharedTarget) -> ImageOrigin:
    """A builder that left the files builds no more."""
    return ImageOrigin.SPEC if known.source is ImageOrigin.SPEC else ImageOrigin.IMAGE_ONLY


def _make_nothing_shared_error(plan: Plan, groups: tuple[ServiceGroup, ...]) -> ComposeError:
    """Where no service is named. How a foreign image is built does not matter, also where several use it."""
    lost = [
        group
        for group in groups
        if len(group.services) > 1 and not find_builders(plan.project, group) and _is_made_here(plan.project, group)
    ]
    if lost:
        return _make_lost_recipe_error(lost[0])
    return ComposeError(
        "no image that is built here is shared, so there is nothing to build again", hint="`optbuild plan`"
    )


def _is_made_here(project: Project, group: ServiceGroup) -> bool:
    """No registry is asked for it."""
    return all(project.services[name].pull_policy == "never" for name in group.services)


def _make_service_error(plan: Plan, service: str, groups: tuple[ServiceGroup, ...]) -> ComposeError:
    group = next((group for group in groups if service in group.services), None)
    if group is None or len(group.services) == 1:
        return ComposeError(
            f"{service} does not share its image with another service",
            hint=f"`docker compose build {service}` builds it",
        )
    if find_builders(plan.project, group):
        return ComposeError(
            f"{join_names(group.services)} do not share one image that could be built again",
            hint="`optbuild plan` says why they are left as they are",
        )
    return _make_lost_recipe_error(group)


def _make_lost_recipe_error(group: ServiceGroup) -> ComposeError:
    return ComposeError(
        f"no file and no earlier optimize on this machine says how the image of {join_names(group.services)} is built",
        hint="put `build:` back into one of them, then `optbuild optimize`",
    )
