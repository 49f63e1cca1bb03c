"""What a group of equal builds becomes: one image name, and one place that the image comes from; or why nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.compose.model import Group, Project, Source, Target
from builder.compose.sharing.blockers import (
    LeftAloneError,
    check_policies,
    check_registries,
    check_tags,
    collision,
    lacking_policy,
    refuse_tags,
)
from builder.compose.sharing.builder_service import builder_for, why_no_builder
from builder.compose.sharing.groups import builders_of
from builder.compose.sharing.options import Choice, Choices
from builder.compose.sharing.recipe_comment import build_note, by_hand, spec_note, unwritten_arguments, why_untold
from builder.compose.sharing.shared_name import Name, new_name, others_names, own_name
from builder.core.errors import ComposeError
from builder.core.image_reference import has_registry, is_taggable, normalize_image_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from builder.compose.model import Service

Taken = Callable[[str], bool]


def choose_targets(
    project: Project,
    groups: tuple[Group, ...],
    choices: Choices,
    *,
    taken: Taken = lambda _name: False,
    occupied: Taken = lambda _name: False,
) -> Mapping[tuple[str, ...], Choice]:
    """A choice for every group, by its services.

    ``taken`` knows the image names that other projects on the engine use, ``occupied`` those under which the engine has
    an image that this project did not build: none of them becomes a new name. Raises ComposeError when ``choices``
    name a service or group that does not exist.
    """
    _check(project, groups, choices)
    chosen: dict[tuple[str, ...], Choice] = {}
    given: set[str] = set()
    spec_group = _spec_group(project, groups, choices)
    for group in sorted(groups, key=lambda one: (not one.airflow, -len(one.services), one.services)):
        choice = choose_target(
            project,
            group,
            choices,
            taken=lambda name: normalize_image_name(name) in given or taken(name),
            occupied=occupied,
            spec_is_for=spec_group,
        )
        if choice.target is not None:
            given.add(normalize_image_name(choice.target.image))
        chosen[group.services] = choice
    return chosen


def choose_target(
    project: Project,
    group: Group,
    choices: Choices,
    *,
    taken: Taken = lambda _name: False,
    occupied: Taken = lambda _name: False,
    spec_is_for: Group | None = None,
) -> Choice:
    """The choice for one group. ``spec_is_for``: the one Airflow group that the optbuild.toml makes."""
    try:
        if _spec_makes(group, choices) and group.airflow and _asked_for(group, choices):
            check_policies(project, group)
            return _from_spec(project, group, choices, spec_is_for)
        _wanted(project, group, choices)
        if len(builders_of(project, group)) > 1:
            return _share(project, group, choices, taken=taken, occupied=occupied, spec_is_for=spec_is_for)
        return _protect(project, group)
    except LeftAloneError as left:
        return Choice(None, str(left))


def _check(project: Project, groups: tuple[Group, ...], choices: Choices) -> None:
    if choices.builder_service is not None and choices.builder_service not in project.services:
        raise ComposeError(
            f"there is no service {choices.builder_service}", hint=f"services here: {', '.join(project.services)}"
        )
    alone = next((group for group in groups if group.services == (choices.builder_service,)), None)
    if alone is not None:
        raise ComposeError(
            f"{choices.builder_service} shares its image with no other service, so it cannot build for one",
            hint="name one of the services that build the same image",
        )
    for name in choices.groups:
        if not any(_names(group, name) for group in groups):
            raise ComposeError(
                f"no service and no image here is called {name}", hint=f"services here: {', '.join(project.services)}"
            )


def _names(group: Group, name: str) -> bool:
    return name in group.services or normalize_image_name(name) in {
        normalize_image_name(image) for image in group.images
    }


def _asked_for(group: Group, choices: Choices) -> bool:
    return any(_names(group, name) for name in choices.groups)


def _wanted(project: Project, group: Group, choices: Choices) -> None:
    if len(group.services) < 2:
        raise LeftAloneError("one service alone uses this image")
    if group.build is None:
        raise LeftAloneError("already shared: nobody here builds this image")
    if not group.airflow and not _asked_for(group, choices):
        raise LeftAloneError(f"not Airflow: left alone unless `--group {group.services[0]}` asks for it")
    platforms = group.build.platforms
    if len(platforms) > 1:
        raise LeftAloneError(f"it is built for several platforms ({', '.join(platforms)}): that takes a registry")
    check_policies(project, group)


def _protect(project: Project, group: Group) -> Choice:
    """One service builds and others use it already: only the policy that keeps them from asking a registry is due."""
    if len({normalize_image_name(image) for image in group.images}) > 1:
        raise LeftAloneError("already shared, under several names of one image")
    if not lacking_policy(project, group, group.images[0]):
        raise LeftAloneError("already shared")
    builder = builders_of(project, group)[0]
    others = others_names(project, group)
    if normalize_image_name(group.images[0]) in others:
        raise LeftAloneError(collision(group.images[0], others))
    target = Target(group.services, group.images[0], Source.BUILDER, builder, keeps_name=True)
    return Choice(target)


def _share(
    project: Project, group: Group, choices: Choices, *, taken: Taken, occupied: Taken, spec_is_for: Group | None
) -> Choice:
    check_tags(project, group)
    check_registries(project, group)
    if _spec_makes(group, choices) and group.airflow:
        return _from_spec(project, group, choices, spec_is_for)
    name = _name(project, group, lambda image: taken(image) or occupied(image))
    builder = None if choices.image_only else builder_for(project, group, choices)
    if builder is None:
        choice = _image_only(project, group, name, choices)
        return replace(choice, warnings=(*_shared_with(name.image, taken), *choice.warnings))
    target = _target(group, name, Source.BUILDER, builder=builder)
    return Choice(target, warnings=_shared_with(name.image, taken))


def _spec_makes(group: Group, choices: Choices) -> bool:
    """Whether an optbuild.toml may make its image: a builder that the person named comes first."""
    return choices.spec_image is not None and choices.builder_service not in group.services


def _from_spec(project: Project, group: Group, choices: Choices, spec_is_for: Group | None) -> Choice:
    image, folder = choices.spec_image, choices.spec_folder
    if image is None or folder is None:
        raise LeftAloneError("there is no optbuild.toml")
    if spec_is_for is not None and spec_is_for.services != group.services:
        raise LeftAloneError(
            f"the optbuild.toml makes the image of {', '.join(spec_is_for.services)}; this is another build, "
            "which keeps its own Dockerfile"
        )
    others = others_names(project, group)
    if normalize_image_name(image) in others:
        raise LeftAloneError(collision(image, others))
    refuse_tags(project, group)
    own = own_name(project, group)
    keeps = own is not None and own.keeps and normalize_image_name(own.image) == normalize_image_name(image)
    if keeps and group.build is None and not lacking_policy(project, group, image):
        raise LeftAloneError("already shared: the optbuild.toml makes this image")
    target = _target(group, Name(image, keeps), Source.SPEC, folder=folder, note=spec_note(project, folder))
    return Choice(target)


def _image_only(project: Project, group: Group, name: Name, choices: Choices) -> Choice:
    refuse_tags(project, group)
    builder = project.services[_builders(project, group)[0]]
    untold = why_untold(project, builder)
    lack = None if choices.image_only else why_no_builder(project, group)
    if untold and lack is not None:
        raise LeftAloneError(
            f"no service can keep `build:` ({lack.why}), and without it the file would not say how the image is built: "
            f"{untold}. {lack.remedy}; `--image-only` takes it out all the same"
        )
    note = build_note(project, builder, name.image)
    target = _target(group, name, Source.IMAGE_ONLY, note=note)
    warnings = [] if lack is None else [f"no service keeps `build:`: {lack.why}. {lack.remedy}"]
    return Choice(target, warnings=(*warnings, *_recipe_elsewhere(builder, note, untold)))


def _recipe_elsewhere(builder: Service, note: str | None, untold: str) -> Iterator[str]:
    """What of the recipe only the old file says."""
    if untold:
        yield (
            f"how the image is built leaves the file with `build:` ({untold}): only the .bak and what this machine "
            "remembers of the run say it, so keep the former"
        )
    elif by_hand(note) and (names := unwritten_arguments(builder)):
        yield (
            f"the values of the build arguments {', '.join(names)} come from variables; the command in the comment "
            "takes them from the environment"
        )


def built_by_nobody(project: Project, group: Group, choice: Choice, choices: Choices, why: str) -> Choice | None:
    """The same image where the service that was to keep ``build:`` cannot; ``why`` not. None where that is no way out:
    the person named the service, or it builds already for all."""
    target = choice.target
    if target is None or target.builder in (None, choices.builder_service) or len(builders_of(project, group)) < 2:
        return None
    try:
        name = Name(target.image, target.keeps_name)
        if why_untold(project, project.services[builders_of(project, group)[0]]):
            return None
        other = _image_only(project, group, name, replace(choices, image_only=True))
    except LeftAloneError:
        return None
    return replace(other, warnings=(f"no service keeps `build:`: {why}", *other.warnings, *choice.warnings))


def _target(
    group: Group,
    name: Name,
    source: Source,
    *,
    builder: str | None = None,
    folder: Path | None = None,
    note: str | None = None,
) -> Target:
    policy = None if has_registry(name.image) else "never"
    return Target(group.services, name.image, source, builder, folder, policy, name.keeps, note)


def _builders(project: Project, group: Group) -> tuple[str, ...]:
    if group.build is None:
        raise LeftAloneError("already shared: nobody here builds this image")
    return builders_of(project, group)


def _name(project: Project, group: Group, taken: Taken) -> Name:
    others = others_names(project, group)
    own = own_name(project, group)
    if own is not None:
        if normalize_image_name(own.image) in others:
            raise LeftAloneError(collision(own.image, others))
        if not is_taggable(own.image):
            raise LeftAloneError(f"nothing can be built under the name {own.image}")
        return own
    name = new_name(project, group, lambda image: normalize_image_name(image) in others or taken(image))
    if name is None:
        raise LeftAloneError("every name for it is in use; give one of its services an `image:`")
    return name


def _shared_with(image: str, taken: Taken) -> tuple[str, ...]:
    return (f"another project on this engine uses the name {image} too",) if taken(image) else ()


def _spec_group(project: Project, groups: tuple[Group, ...], choices: Choices) -> Group | None:
    """The Airflow duplicates with most services; the first by name among equals."""
    if choices.spec_image is None:
        return None
    fitting = [
        group
        for group in groups
        if group.airflow and (len(builders_of(project, group)) > 1 or _asked_for(group, choices))
    ]
    return min(fitting, key=lambda group: (-len(group.services), group.services), default=None)
