"""Which shared images ``--rebuild`` builds again, and how: also where the files do not say it any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.compose.model import ImageOrigin, SharedTarget
from builder.core.errors import ComposeError
from builder.core.image_reference import normalize_image_name
from builder.core.phrases import join_names

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.planned import Plan
    from builder.compose.sharing.groups import ServiceGroup
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
    unchanged = tuple(one.group for one in plan.groups if one.target is None)
    again = (_find_shared_target(group, recipes, spec) for group in unchanged)
    found = (*planned, *(target for target in again if target is not None))
    if service is None:
        if not found:
            raise _make_nothing_shared_error(unchanged)
        return found
    if service not in plan.project.services:
        raise ComposeError(f"there is no service {service}", hint=f"services here: {', '.join(plan.project.services)}")
    chosen = tuple(target for target in found if service in target.services)
    if not chosen:
        raise _make_service_error(service, unchanged)
    return (*planned, *(target for target in chosen if target not in planned))


def _find_shared_target(
    group: ServiceGroup, recipes: tuple[Recipe, ...], spec: tuple[str, Path] | None
) -> SharedTarget | None:
    """How the image of a group that stays as it is was made; None: that is not known, or it is not shared."""
    if len(group.normalized_images) != 1:
        return None
    image, normalized = group.images[0], group.normalized_images[0]
    policy = group.services[0].pull_policy
    if len(group.builders) == 1 and len(group.services) > 1:
        builder = group.builders[0].name
        return SharedTarget(group.names, image, ImageOrigin.BUILDER, builder, pull_policy=policy, keeps_name=True)
    if spec is not None and normalize_image_name(spec[0]) == normalized:
        return SharedTarget(group.names, image, ImageOrigin.SPEC, None, spec[1], policy, keeps_name=True)
    known = next((one.target for one in recipes if one.target.normalized_image == normalized), None)
    if known is None or group.builders:
        return None
    return replace(known, services=group.names, builder=None, keeps_name=True, note=None, source=_choose_origin(known))


def _choose_origin(known: SharedTarget) -> ImageOrigin:
    """A builder that left the files builds no more."""
    return ImageOrigin.SPEC if known.source is ImageOrigin.SPEC else ImageOrigin.IMAGE_ONLY


def _make_nothing_shared_error(groups: tuple[ServiceGroup, ...]) -> ComposeError:
    """Where no service is named. Of a foreign image that several use nobody asks how it is built."""
    lost = [group for group in groups if len(group.services) > 1 and not group.builders and _is_made_here(group)]
    if lost:
        return _make_lost_recipe_error(lost[0])
    return ComposeError(
        "no image that is built here is shared, so there is nothing to build again", hint="`optbuild plan`"
    )


def _is_made_here(group: ServiceGroup) -> bool:
    """Nobody asks a registry for it."""
    return all(service.pull_policy == "never" for service in group.services)


def _make_service_error(service: str, groups: tuple[ServiceGroup, ...]) -> ComposeError:
    group = next((group for group in groups if service in group.names), None)
    if group is None or len(group.services) == 1:
        return ComposeError(
            f"{service} does not share its image with another service",
            hint=f"`docker compose build {service}` builds it",
        )
    if group.builders:
        return ComposeError(
            f"{join_names(group.names)} do not share one image that could be built again",
            hint="`optbuild plan` says why they are left as they are",
        )
    return _make_lost_recipe_error(group)


def _make_lost_recipe_error(group: ServiceGroup) -> ComposeError:
    return ComposeError(
        f"no file and no earlier optimize on this machine says how the image of {join_names(group.names)} is built",
        hint="put `build:` back into one of them, then `optbuild optimize`",
    )
