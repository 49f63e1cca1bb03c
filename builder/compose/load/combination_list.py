"""Which other ways to read the files of an edit are asked about."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.compose.load.combinations import Combination
from builder.compose.load.discover import DEFAULT_NAMES, OVERRIDE_NAMES
from builder.compose.yaml.nodes import Mapping, Scalar, Sequence, find_value, follow
from builder.compose.yaml.parse import read_tree
from builder.core.phrases import choose_verb, join_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Sequence as AnySequence
    from pathlib import Path

    from builder.compose.load.unread_files import UnreadFile
    from builder.compose.model import FileEdit, Project, ProjectFiles, SharedTarget
    from builder.compose.yaml.nodes import Anchored, Node

MOST_ASKED = 20
"""Unread files that Compose is asked about; each takes two calls."""


@dataclass(frozen=True)
class CombinationList:
    """What is asked for. ``left_out``: unread files that would be asked about too, were they not so many."""

    asked: tuple[Combination, ...]
    left_out: tuple[Path, ...] = ()


def list_combinations(
    project: Project, edits: Iterable[FileEdit], targets: Iterable[SharedTarget], unread: AnySequence[UnreadFile]
) -> CombinationList:
    """Each unread file that names a sharer on top of the project's, or that takes an edited file over; each edited
    file alone, where the project has others; as a stack what was made for one."""
    services = {name for target in targets for name in target.services}
    changed = {edit.path: edit.before for edit in edits}
    near = [one for one in unread if one.uses or (one.beside and one.services & services)]
    asked = [combination for one in near[:MOST_ASKED] for combination in _combine_unread_file(project, one, services)]
    asked += [_read_alone(project, path) for path in changed if project.files.files != (path,)]
    asked += [replace(_read_alone(project, path), stack=True) for path, data in changed.items() if is_for_stack(data)]
    if len(project.files.files) > 1 and any(combination.stack for combination in asked):
        asked.append(Combination(project.files, stack=True))
    return CombinationList(tuple(dict.fromkeys(asked)), tuple(one.path for one in near[MOST_ASKED:]))


def _combine_unread_file(project: Project, one: UnreadFile, services: set[str]) -> Iterator[Combination]:
    files = project.files
    if one.uses:
        yield Combination(_make_lone_files(project, one.path), added=one.path)
    if one.beside and one.services & services:
        for first in _list_first_files(files):
            is_main = one.path.name in DEFAULT_NAMES and one.path.parent == files.directory
            together = (one.path, *first) if is_main else (*first, one.path)
            yield Combination(replace(files, files=together), added=one.path)


def _list_first_files(files: ProjectFiles) -> tuple[tuple[Path, ...], ...]:
    """What a further file is put on top of: the main file, and all, unless one of them is an override that Compose
    takes by its name, which nobody names beside another."""
    if len(files.files) == 1 or any(path.name in OVERRIDE_NAMES for path in files.files):
        return (files.files[:1],)
    return files.files[:1], files.files


def _read_alone(project: Project, path: Path) -> Combination:
    """A main file as it is in its project; another one as a project of its folder."""
    if path in project.files.files:
        return Combination(replace(project.files, files=(path,)))
    return Combination(_make_lone_files(project, path))


def _make_lone_files(project: Project, path: Path) -> ProjectFiles:
    """A project of this one file in its folder, read as cautiously as the project."""
    return replace(project.files, directory=path.parent, files=(path,), env_files=(), name=None)


def is_for_stack(data: bytes) -> bool:
    """Whether `docker stack` may read the file: it gives a version of that format, or says how a service is deployed.
    What its schema refuses is found out by asking."""
    return any(_has_stack_version(data)) or has_deploy_keys(data)


def _has_stack_version(data: bytes) -> Iterator[bool]:
    for root in read_tree(data).roots:
        version = find_value(root, "version")
        yield isinstance(version, Scalar) and version.value.startswith("3")


def has_deploy_keys(data: bytes) -> bool:
    for root in read_tree(data).roots:
        services = find_value(root, "services")
        for entry in services.entries if isinstance(services, Mapping) else ():
            if any(find_value(one, "deploy") is not None for one in follow(entry.value, _list_merged)):
                return True
    return False


def _list_merged(node: Anchored) -> list[Node]:
    """What a mapping merges; of the list behind ``<<``, its items."""
    if isinstance(node, Mapping):
        return [entry.value for entry in node.entries if entry.is_merge]
    return list(node.items) if isinstance(node, Sequence) else []


def describe_left_out(project: Project, left_out: tuple[Path, ...]) -> Iterator[str]:
    if left_out:
        names = [os.path.relpath(path, project.files.directory) for path in left_out]
        yield (
            f"{join_names(names)} {choose_verb(names, 'names', 'name')} services of the edit too, and Compose was not "
            f"asked about {choose_verb(names, 'it', 'them')}: after {MOST_ASKED} such files it is enough. Compare "
            "`docker compose -f … config` before and after"
        )
