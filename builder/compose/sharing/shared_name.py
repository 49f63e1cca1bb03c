"""Which name the shared image of a group gets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from builder.compose.services.image_names import slugify
from builder.core.image_reference import is_taggable

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from builder.compose.model import Build, Project
    from builder.compose.sharing.groups import ServiceGroup

_TRIES = 9


@dataclass(frozen=True)
class SharedName:
    """``keeps``: all sharers have it already, as it is written."""

    image: str
    keeps: bool = False


def index_other_names(project: Project, group: ServiceGroup) -> dict[str, str]:
    """Name → a service outside of the group whose image has it, Compose's default names included."""
    inside = set(group.names)
    names: dict[str, str] = {}
    for service in project.services.values():
        if service.name in inside or (service.image is None and service.build is None):
            continue
        for name in service.built_names or (service.normalized_image_name,):
            names.setdefault(name, service.name)
    return names


def find_own_name(group: ServiceGroup) -> SharedName | None:
    """The name that the file gives already; None: there is none, there are several, or it has variables in it.

    A variable that all of them have stays: then the text is kept.
    """
    written = {service.raw_image if service.raw_image is not None else service.image for service in group.services}
    named = [service for service in group.services if service.image is not None]
    if len({service.normalized_image_name for service in named}) != 1:
        return None
    if len(written) == 1 and None not in written:
        return SharedName(named[0].image_name, keeps=True)
    if any("$" in text for text in written if text is not None):
        return None
    return SharedName(named[0].image_name)


def choose_new_name(project: Project, group: ServiceGroup, occupied: AbstractSet[str]) -> SharedName | None:
    """``<project>-airflow:latest``, or what tells another build apart; None: every try is occupied."""
    tries = _list_name_candidates(project, group)
    return next((SharedName(name) for name in tries if is_taggable(name) and name not in occupied), None)


def _list_name_candidates(project: Project, group: ServiceGroup) -> list[str]:
    owner = slugify(project.name) or "compose"
    hint = "" if group.build is None else _find_build_word(project, group.build)
    words = [owner, "airflow"] if group.airflow else [owner, hint or "shared"]
    tries = [words]
    if group.airflow and hint and hint != "airflow":
        tries.append([*words, hint])
    if words[-1] != "shared":
        tries.append([*words, "shared"])
    tries += [[*words, f"shared{number}"] for number in range(2, _TRIES)]
    return [f"{'-'.join(parts)}:latest" for parts in tries]


def _find_build_word(project: Project, build: Build) -> str:
    """One word for a build: its target, the ending of its Dockerfile, or its folder where that is not the project's."""
    name = PurePosixPath(build.dockerfile).name
    ending = re.sub(r"^dockerfile[._-]?|[._-]?dockerfile$", "", name, flags=re.IGNORECASE)
    folder = PurePosixPath(build.context.split("#", maxsplit=1)[0].removesuffix(".git"))
    is_project = build.context.rstrip("/") == project.files.directory.as_posix().rstrip("/")
    inner = PurePosixPath(build.dockerfile).parent.name
    candidates = (build.target or "", ending, inner if is_project else folder.name, "" if is_project else inner)
    return next((word for word in map(slugify, candidates) if word), "")
