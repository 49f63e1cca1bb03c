"""The image of a group that no service builds, and what is tried where the service that was to build cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.compose.model import ImageOrigin, SharedTarget
from builder.compose.sharing.blockers import NotShareableError, refuse_tags
from builder.compose.sharing.builder_service import check_needed_builds, rank_builders
from builder.compose.sharing.options import SharingOptions, TargetDecision
from builder.compose.sharing.recipe_comment import (
    explain_incomplete_comment,
    extract_manual_command,
    format_build_note,
    list_unwritten_arguments,
)
from builder.compose.sharing.shared_name import SharedName
from builder.core.image_reference import has_registry
from builder.core.naming import BACKUP_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.compose.model import Project, Service
    from builder.compose.sharing.groups import ServiceGroup

TRIED = 8
"""Services that may keep ``build:`` in place of one that cannot: a thousand stay fast."""


def choose_image_only_target(project: Project, group: ServiceGroup, name: SharedName) -> TargetDecision:
    check_needed_builds(project, group, None)
    refuse_tags(group)
    if not group.builders:
        raise NotShareableError("already shared: no service here builds this image")
    builder = group.builders[0]
    note = format_build_note(project, builder, name.image)
    target = make_target(group, name, ImageOrigin.IMAGE_ONLY, note=note)
    untold = explain_incomplete_comment(project, builder)
    return TargetDecision(target, warnings=tuple(_find_recipe_warnings(builder, note, untold)))


def _find_recipe_warnings(builder: Service, note: str | None, untold: str) -> Iterator[str]:
    """What of the recipe only the old file says."""
    if untold:
        yield (
            f"without `build:` the file no longer says how the image is built ({untold}): only the {BACKUP_SUFFIX} and "
            f"what this machine remembers of the run do, so keep the {BACKUP_SUFFIX}"
        )
    elif extract_manual_command(note) and (names := list_unwritten_arguments(builder)):
        yield (
            f"the values of the build arguments {', '.join(names)} come from variables; the command in the comment "
            "takes them from the environment"
        )


def iterate_alternatives(
    project: Project, group: ServiceGroup, choice: TargetDecision, choices: SharingOptions, why: str
) -> Iterator[TargetDecision]:
    """The same image where the service that was to keep ``build:`` cannot, and ``why`` not: another one keeps it; as
    the last resort none. Nothing where the person named the service, or it builds already for all."""
    target = choice.target
    if target is None or target.builder in (None, choices.builder_service) or len(group.builders) < 2:
        return
    others = [name for name in rank_builders(project, group) if name != target.builder]
    for name in others[:TRIED]:
        warning = f"{name} keeps `build:`, because {target.builder} cannot: {why}"
        yield TargetDecision(replace(target, builder=name), warnings=(warning, *choice.warnings))
    if explain_incomplete_comment(project, group.builders[0]):
        return
    try:
        other = choose_image_only_target(project, group, SharedName(target.image, target.keeps_name))
    except NotShareableError:
        return
    yield replace(other, warnings=(f"no service keeps `build:`: {why}", *other.warnings, *choice.warnings))


def make_target(
    group: ServiceGroup,
    name: SharedName,
    source: ImageOrigin,
    *,
    builder: str | None = None,
    folder: Path | None = None,
    note: str | None = None,
) -> SharedTarget:
    policy = None if has_registry(name.image) else "never"
    return SharedTarget(group.names, name.image, source, builder, folder, policy, name.keeps, note)
