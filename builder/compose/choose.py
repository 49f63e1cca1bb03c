"""What a group of equal builds becomes: one image name, and one place that the image comes from; or why nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.compose.group import builders_of
from builder.compose.madeby import build_note, spec_note
from builder.compose.model import Build, Group, Project, Source, Target
from builder.compose.names import Name, new_name, others_names, own_name
from builder.compose.naming import familiar, has_registry, is_reference
from builder.compose.reach import is_init_like, is_on_with, reached_from, without_builder
from builder.errors import ComposeError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Taken = Callable[[str], bool]
_ASKS_NOBODY = frozenset({None, "missing", "if_not_present", "never"})
"""Pull policies that neither rebuild nor ask a registry when the image is there."""


@dataclass(frozen=True)
class Choices:
    """What the person asked for."""

    builder_service: str | None = None
    image_only: bool = False
    groups: tuple[str, ...] = ()
    """Service or image names: their groups are wanted even if they are not Airflow, or no duplicates."""
    spec_folder: Path | None = None
    spec_image: str | None = None
    """The name that the optbuild.toml in ``spec_folder`` gives, tag included."""


@dataclass(frozen=True)
class Choice:
    """A target, or the reason why there is none. ``warnings``: what the person should know about the target."""

    target: Target | None
    reason: str = ""
    warnings: tuple[str, ...] = ()


class _LeftAloneError(Exception):
    """Ends a choice; its text is the reason."""


def choose_targets(
    project: Project,
    groups: tuple[Group, ...],
    choices: Choices,
    *,
    taken: Taken = lambda _name: False,
) -> Mapping[tuple[str, ...], Choice]:
    """A choice for every group, by its services.

    ``taken`` knows the image names that other projects on the engine use. Raises ComposeError when ``choices`` name a
    service or group that does not exist.
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
            taken=lambda name: familiar(name) in given or taken(name),
            spec_is_for=spec_group,
        )
        if choice.target is not None:
            given.add(familiar(choice.target.image))
        chosen[group.services] = choice
    return chosen


def choose_target(
    project: Project,
    group: Group,
    choices: Choices,
    *,
    taken: Taken = lambda _name: False,
    spec_is_for: Group | None = None,
) -> Choice:
    """The choice for one group. ``spec_is_for``: the one Airflow group that the optbuild.toml makes."""
    try:
        if _spec_makes(group, choices) and group.airflow and _asked_for(group, choices):
            _check_policies(project, group)
            return _from_spec(project, group, choices, spec_is_for)
        _wanted(project, group, choices)
        if len(builders_of(project, group)) > 1:
            return _share(project, group, choices, taken, spec_is_for)
        return _protect(project, group)
    except _LeftAloneError as left:
        return Choice(None, str(left))


def _check(project: Project, groups: tuple[Group, ...], choices: Choices) -> None:
    if choices.builder_service is not None and choices.builder_service not in project.services:
        raise ComposeError(
            f"there is no service {choices.builder_service}", hint=f"services here: {', '.join(project.services)}"
        )
    for name in choices.groups:
        if not any(_names(group, name) for group in groups):
            raise ComposeError(
                f"no service and no image here is called {name}", hint=f"services here: {', '.join(project.services)}"
            )


def _names(group: Group, name: str) -> bool:
    return name in group.services or familiar(name) in {familiar(image) for image in group.images}


def _asked_for(group: Group, choices: Choices) -> bool:
    return any(_names(group, name) for name in choices.groups)


def _wanted(project: Project, group: Group, choices: Choices) -> None:
    if len(group.services) < 2:
        raise _LeftAloneError("one service alone uses this image")
    if group.build is None:
        raise _LeftAloneError("already shared: nobody here builds this image")
    if not group.airflow and not _asked_for(group, choices):
        raise _LeftAloneError(f"not Airflow: left alone unless `--group {group.services[0]}` asks for it")
    platforms = group.build.platforms
    if len(platforms) > 1:
        raise _LeftAloneError(f"it is built for several platforms ({', '.join(platforms)}): that takes a registry")
    _check_policies(project, group)


def _check_policies(project: Project, group: Group) -> None:
    if len(group.images) == 1 and has_registry(group.images[0]):
        return
    for name in group.services:
        policy = project.services[name].pull_policy
        if policy == "build":
            raise _LeftAloneError(
                f"{name} has `pull_policy: build`, which builds at every start: that would move the image under the "
                "others. Remove that line first"
            )
        if policy not in _ASKS_NOBODY:
            raise _LeftAloneError(
                f"{name} has `pull_policy: {policy}`, so its image is meant to come from a registry. Remove that line, "
                "or give the image a name with its registry"
            )


def _protect(project: Project, group: Group) -> Choice:
    """One service builds and others use it already: only the policy that keeps them from asking a registry is due."""
    if len({familiar(image) for image in group.images}) > 1:
        raise _LeftAloneError("already shared, under several names of one image")
    lacking = _lacking(project, group, group.images[0])
    if not lacking:
        raise _LeftAloneError("already shared")
    builder = builders_of(project, group)[0]
    others = others_names(project, group)
    if familiar(group.images[0]) in others:
        raise _LeftAloneError(_collision(group.images[0], others))
    target = Target(group.services, group.images[0], Source.BUILDER, builder, keeps_name=True)
    return Choice(
        target, warnings=(*_stragglers(project, target), f"without `pull_policy: never`: {', '.join(lacking)}")
    )


def _share(project: Project, group: Group, choices: Choices, taken: Taken, spec_is_for: Group | None) -> Choice:
    _check_tags(project, group)
    if _spec_makes(group, choices) and group.airflow:
        return _from_spec(project, group, choices, spec_is_for)
    name = _name(project, group, taken)
    builder = None if choices.image_only else _builder(project, group, choices)
    if builder is None:
        return _image_only(project, group, name, choices)
    target = _target(group, name, Source.BUILDER, builder=builder)
    return Choice(target, warnings=(*_stragglers(project, target), *_shared_with(target, taken)))


def _spec_makes(group: Group, choices: Choices) -> bool:
    """Whether an optbuild.toml may make its image: a builder that the person named comes first."""
    return choices.spec_image is not None and choices.builder_service not in group.services


def _from_spec(project: Project, group: Group, choices: Choices, spec_is_for: Group | None) -> Choice:
    image, folder = choices.spec_image, choices.spec_folder
    if image is None or folder is None:
        raise _LeftAloneError("there is no optbuild.toml")
    if spec_is_for is not None and spec_is_for.services != group.services:
        raise _LeftAloneError(
            f"the optbuild.toml makes the image of {', '.join(spec_is_for.services)}; this is another build, "
            "which keeps its own Dockerfile"
        )
    others = others_names(project, group)
    if familiar(image) in others:
        raise _LeftAloneError(_collision(image, others))
    _no_tags(project, group)
    own = own_name(project, group)
    keeps = own is not None and own.keeps and familiar(own.image) == familiar(image)
    if keeps and group.build is None and not _lacking(project, group, image):
        raise _LeftAloneError("already shared: the optbuild.toml makes this image")
    target = _target(group, Name(image, keeps), Source.SPEC, folder=folder, note=spec_note(project, folder))
    return Choice(target)


def _image_only(project: Project, group: Group, name: Name, choices: Choices) -> Choice:
    _no_tags(project, group)
    build = _build(group)
    note = build_note(project, build, name.image, project.services[builders_of(project, group)[0]].platform)
    target = _target(group, name, Source.IMAGE_ONLY, note=note)
    warnings = [] if choices.image_only else [_why_no_builder(project, group)]
    valued = [argument for argument, value in build.args if value is not None]
    if valued:
        warnings.append(
            f"the values of the build arguments {', '.join(valued)} leave the file with `build:`; the command in the "
            "comment takes them from the environment"
        )
    return Choice(target, warnings=tuple(warnings))


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


def _build(group: Group) -> Build:
    if group.build is None:
        raise _LeftAloneError("already shared: nobody here builds this image")
    return group.build


def _name(project: Project, group: Group, taken: Taken) -> Name:
    others = others_names(project, group)
    own = own_name(project, group)
    if own is not None:
        if familiar(own.image) in others:
            raise _LeftAloneError(_collision(own.image, others))
        if not is_reference(own.image):
            raise _LeftAloneError(f"nothing can be built under the name {own.image}")
        return own
    name = new_name(project, group, lambda image: familiar(image) in others or taken(image))
    if name is None:
        raise _LeftAloneError("every name for it is in use; give one of its services an `image:`")
    return name


def _collision(image: str, others: Mapping[str, str]) -> str:
    return f"the service {others[familiar(image)]} has the name {image} for another image"


def _check_tags(project: Project, group: Group) -> None:
    """The builder keeps its build with its tags; those of another build would be lost."""
    tags = {name: project.services[name].build for name in builders_of(project, group)}
    different = {frozenset(build.tags) for build in tags.values() if build is not None}
    if len(different) > 1:
        raise _LeftAloneError("their builds have different `tags:`, of which only one could stay")


def _no_tags(project: Project, group: Group) -> None:
    for name in builders_of(project, group):
        build = project.services[name].build
        if build is not None and build.tags:
            raise _LeftAloneError(
                f"the build of {name} gives further `tags:`, which only a service with `build:` can keep: choose one "
                "with `--builder-service`"
            )


def _builder(project: Project, group: Group, choices: Choices) -> str | None:
    """The service that keeps ``build:``; None where no one starts with all the others."""
    forced = choices.builder_service
    if forced is not None and forced in group.services:
        if project.services[forced].build is None:
            raise _LeftAloneError(f"{forced} has no `build:` that it could keep")
        return forced
    fitting = _reached_by_all(project, group)
    return min(fitting, key=lambda name: (not is_init_like(project, project.services[name]), name), default=None)


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


def _stragglers(project: Project, target: Target) -> tuple[str, ...]:
    """A warning about sharers that can start while the builder does not."""
    late = without_builder(project, target.builder or "", target.services)
    if not late:
        return ()
    return (f"{', '.join(late)} can start without {target.builder}, which builds the image (OB106)",)


def _why_no_builder(project: Project, group: Group) -> str:
    """Names the service that would do, were it not for some that do not depend on it."""
    candidates = [name for name in builders_of(project, group) if is_init_like(project, project.services[name])]
    if not candidates:
        return "no service keeps `build:`: none of them is started with each of the others"
    nearest = min(candidates, key=lambda name: (len(without_builder(project, name, group.services)), name))
    missing = without_builder(project, nearest, group.services)
    return (
        f"no service keeps `build:`: {', '.join(missing)} can start without {nearest}. "
        f"Let them depend on it, or choose it with `--builder-service {nearest}`"
    )


def _shared_with(target: Target, taken: Taken) -> tuple[str, ...]:
    if not taken(target.image):
        return ()
    return (f"another project on this engine uses the name {target.image} too",)


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
