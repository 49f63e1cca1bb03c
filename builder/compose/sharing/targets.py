"""What a group of equal builds becomes: one image name, and one place that the image comes from; or why nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.compose.model import ImageOrigin, SharedTarget
from builder.compose.sharing.alternatives import choose_image_only_target, make_target
from builder.compose.sharing.blockers import (
    NotShareableError,
    check_collision,
    check_policies,
    check_registries,
    check_tags,
    find_unprotected_services,
    refuse_tags,
)
from builder.compose.sharing.builder_service import check_needed_builds, rank_builders
from builder.compose.sharing.options import SharingOptions, TargetDecision
from builder.compose.sharing.recipe_comment import (
    format_spec_note,
)
from builder.compose.sharing.shared_name import SharedName, choose_new_name, find_own_name, index_other_names
from builder.core.errors import ComposeError
from builder.core.image_reference import is_taggable, normalize_image_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from builder.compose.model import Project
    from builder.compose.sharing.groups import ServiceGroup


def choose_targets(
    project: Project,
    groups: tuple[ServiceGroup, ...],
    choices: SharingOptions,
    *,
    taken: AbstractSet[str] = frozenset(),
    occupied: AbstractSet[str] = frozenset(),
) -> Mapping[tuple[str, ...], TargetDecision]:
    """A choice for every group, by its services' names.

    ``taken`` are the image names that other projects on the engine use, ``occupied`` those under which the engine has
    an image that this project did not build, all normalised: none of them becomes a new name. Raises ComposeError when
    ``choices`` name a service or group that does not exist.
    """
    _check_options(project, groups, choices)
    chosen: dict[tuple[str, ...], TargetDecision] = {}
    given: set[str] = set()
    spec_group = _find_spec_group(project, groups, choices)
    for group in sorted(groups, key=lambda one: (not one.airflow, -len(one.services), one.names)):
        choice = choose_group_target(
            project,
            group,
            choices,
            taken=taken | given,
            occupied=occupied,
            spec_is_for=spec_group,
        )
        if choice.target is not None:
            given.add(choice.target.normalized_image)
        chosen[group.names] = choice
    return chosen


def choose_group_target(
    project: Project,
    group: ServiceGroup,
    choices: SharingOptions,
    *,
    taken: AbstractSet[str] = frozenset(),
    occupied: AbstractSet[str] = frozenset(),
    spec_is_for: ServiceGroup | None = None,
) -> TargetDecision:
    """The choice for one group. ``spec_is_for``: the one Airflow group that the optbuild.toml makes."""
    try:
        if _is_made_from_spec(group, choices) and group.airflow and _is_requested(group, choices):
            check_policies(group)
            return _choose_spec_target(project, group, choices, spec_is_for)
        _check_shareable(group, choices)
        if len(group.builders) > 1:
            return _choose_shared_target(
                project, group, choices, taken=taken, occupied=occupied, spec_is_for=spec_is_for
            )
        return _protect_shared_image(project, group)
    except NotShareableError as left:
        return TargetDecision(None, str(left))


def _check_options(project: Project, groups: tuple[ServiceGroup, ...], choices: SharingOptions) -> None:
    if choices.builder_service is not None and choices.builder_service not in project.services:
        raise ComposeError(
            f"there is no service {choices.builder_service}", hint=f"services here: {', '.join(project.services)}"
        )
    alone = next((group for group in groups if group.names == (choices.builder_service,)), None)
    if alone is not None:
        raise ComposeError(
            f"{choices.builder_service} shares its image with no other service, so it cannot build for another",
            hint="name one of the services that build the same image",
        )
    for name in choices.groups:
        if not any(_has_name(group, name) for group in groups):
            raise ComposeError(
                f"no service and no image here is called {name}", hint=f"services here: {', '.join(project.services)}"
            )


def _has_name(group: ServiceGroup, name: str) -> bool:
    return name in group.names or normalize_image_name(name) in group.normalized_images


def _is_requested(group: ServiceGroup, choices: SharingOptions) -> bool:
    return any(_has_name(group, name) for name in choices.groups)


def _check_shareable(group: ServiceGroup, choices: SharingOptions) -> None:
    if len(group.services) < 2:
        raise NotShareableError("one service alone uses this image")
    if group.build is None:
        raise NotShareableError("already shared: no service here builds this image")
    if not group.airflow and not _is_requested(group, choices):
        why = "what it builds on cannot be read here, so it may be Airflow" if group.unclear else "not Airflow"
        raise NotShareableError(f"{why}: left alone unless `--group {group.names[0]}` asks for it")
    platforms = group.build.platforms
    if len(platforms) > 1:
        raise NotShareableError(f"it is built for several platforms ({', '.join(platforms)}): that needs a registry")
    check_policies(group)


def _protect_shared_image(project: Project, group: ServiceGroup) -> TargetDecision:
    """One service builds and others use it already: only the policy that keeps them from asking a registry is due."""
    if len(group.normalized_images) > 1:
        raise NotShareableError("already shared, under several names of one image")
    if not find_unprotected_services(group, group.images[0]):
        raise NotShareableError("already shared")
    check_collision(project, group, group.images[0])
    builder = group.builders[0].name
    target = SharedTarget(group.names, group.images[0], ImageOrigin.BUILDER, builder, keeps_name=True)
    return TargetDecision(target)


def _choose_shared_target(
    project: Project,
    group: ServiceGroup,
    choices: SharingOptions,
    *,
    taken: AbstractSet[str],
    occupied: AbstractSet[str],
    spec_is_for: ServiceGroup | None,
) -> TargetDecision:
    check_tags(group)
    check_registries(group)
    if _is_made_from_spec(group, choices) and group.airflow:
        return _choose_spec_target(project, group, choices, spec_is_for)
    name = _choose_name(project, group, taken | occupied)
    if choices.image_only:
        choice = choose_image_only_target(project, group, name)
    else:
        target = make_target(group, name, ImageOrigin.BUILDER, builder=_choose_builder(project, group, choices))
        choice = TargetDecision(target)
    return replace(choice, warnings=(*_list_name_warnings(name.image, taken), *choice.warnings))


def _choose_builder(project: Project, group: ServiceGroup, choices: SharingOptions) -> str:
    named = choices.builder_service
    if named is None or named not in group.names:
        return rank_builders(project, group)[0]
    if project.services[named].build is None:
        raise NotShareableError(f"{named} has no `build:` that it could keep")
    check_needed_builds(project, group, named)
    return named


def _is_made_from_spec(group: ServiceGroup, choices: SharingOptions) -> bool:
    """Whether an optbuild.toml may make its image: a builder that the person named comes first."""
    return choices.spec_image is not None and choices.builder_service not in group.names


def _choose_spec_target(
    project: Project, group: ServiceGroup, choices: SharingOptions, spec_is_for: ServiceGroup | None
) -> TargetDecision:
    image, folder = choices.spec_image, choices.spec_folder
    if image is None or folder is None:
        raise NotShareableError("there is no optbuild.toml")
    if spec_is_for is not None and spec_is_for.names != group.names:
        raise NotShareableError(
            f"the optbuild.toml makes the image of {', '.join(spec_is_for.names)}; this is another build, "
            "which keeps its own Dockerfile"
        )
    check_collision(project, group, image)
    check_needed_builds(project, group, None)
    refuse_tags(group)
    own = find_own_name(group)
    keeps = own is not None and own.keeps and normalize_image_name(own.image) == normalize_image_name(image)
    if keeps and group.build is None and not find_unprotected_services(group, image):
        raise NotShareableError("already shared: the optbuild.toml makes this image")
    target = make_target(
        group, SharedName(image, keeps), ImageOrigin.SPEC, folder=folder, note=format_spec_note(project, folder)
    )
    return TargetDecision(target)


def _choose_name(project: Project, group: ServiceGroup, taken: AbstractSet[str]) -> SharedName:
    own = find_own_name(group)
    if own is not None:
        check_collision(project, group, own.image)
        if not is_taggable(own.image):
            raise NotShareableError(f"nothing can be built under the name {own.image}")
        return own
    name = choose_new_name(project, group, index_other_names(project, group).keys() | taken)
    if name is None:
        raise NotShareableError("every name for it is in use; give one of its services an `image:`")
    return name


def _list_name_warnings(image: str, taken: AbstractSet[str]) -> tuple[str, ...]:
    return (
        (f"another project on this engine uses the name {image} too",) if normalize_image_name(image) in taken else ()
    )


def _find_spec_group(
    project: Project, groups: tuple[ServiceGroup, ...], choices: SharingOptions
) -> ServiceGroup | None:
    """The Airflow duplicates with most services; the first by name among equals. With several specs in folders of the
    project, the group whose Dockerfile lies beside the named one comes first."""
    if choices.spec_image is None:
        return None
    beside = None if choices.spec_folder == project.files.directory else choices.spec_folder
    fitting = [
        group for group in groups if group.airflow and (len(group.builders) > 1 or _is_requested(group, choices))
    ]
    return min(
        fitting,
        key=lambda group: (not _is_built_in(group, beside), -len(group.services), group.names),
        default=None,
    )


def _is_built_in(group: ServiceGroup, folder: Path | None) -> bool:
    """Its Dockerfile lies in ``folder``, or ``folder`` is its context."""
    if folder is None or group.build is None or group.build.dockerfile_path is None:
        return False
    return str(folder) in {group.build.context, str(group.build.dockerfile_path.parent)}
