"""What an edit does to the other ways in which its files are read: which of them break, and which change.

Here answers of before and after are compared; :mod:`builder.compose.load.combinations` asks for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from builder.compose.display import format_relative_path
from builder.compose.load.combinations import Combination
from builder.compose.load.discover import DEFAULT_NAMES, OVERRIDE_NAMES
from builder.compose.model import FileEdit, ProjectFiles, SharedTarget
from builder.compose.yaml.nodes import Mapping as MappingNode
from builder.compose.yaml.nodes import Scalar, find_value, resolve_alias
from builder.compose.yaml.parse import read_tree
from builder.core.image_reference import has_registry
from builder.core.phrases import choose_verb, join_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from builder.compose.load.combinations import CombinationAnswer
    from builder.compose.load.unread_files import UnreadFile
    from builder.compose.model import Build, Project, Service

MOST_ASKED = 20
"""Unread files that Compose is asked about; each takes two calls."""


class ProblemKind(Enum):
    UNPROVEN = auto()
    """The project itself would mean something else."""
    REFUSED = auto()
    """Compose accepted the combination, and would refuse it."""
    NEVER_PULLED = auto()
    """A service's image comes from a registry there, and its new pull policy would keep it from being fetched."""
    STACK = auto()
    """`docker stack` accepted the file, and would refuse it for its pull policy."""


@dataclass(frozen=True)
class CombinationProblem:
    """``services``: those that it concerns; empty: any. ``text`` says what would fail, with the command."""

    kind: ProblemKind
    services: tuple[str, ...]
    text: str
    hint: str = ""


@dataclass(frozen=True)
class EditVerdict:
    """``problems`` must be gone before the edit is shown; ``notes`` are what a person should know about it."""

    problems: tuple[CombinationProblem, ...] = ()
    notes: tuple[str, ...] = ()


EditCheck = Callable[[tuple[FileEdit, ...], tuple[SharedTarget, ...]], EditVerdict]


@dataclass(frozen=True)
class CombinationList:
    """What is asked for. ``left_out``: unread files that would be asked about too, were they not so many."""

    asked: tuple[Combination, ...]
    left_out: tuple[Path, ...] = ()


def list_combinations(
    project: Project, edits: Iterable[FileEdit], targets: Iterable[SharedTarget], unread: Sequence[UnreadFile]
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
        yield Combination(ProjectFiles(one.path.parent, (one.path,)), added=one.path)
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
    return Combination(ProjectFiles(path.parent, (path,)))


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
        for entry in services.entries if isinstance(services, MappingNode) else ():
            if find_value(resolve_alias(entry.value), "deploy") is not None:
                return True
    return False


class CombinationComparison:
    """One combination, before and after an edit."""

    def __init__(
        self,
        project: Project,
        combination: Combination,
        answers: tuple[CombinationAnswer, CombinationAnswer],
        targets: tuple[SharedTarget, ...],
    ) -> None:
        self._project, self._combination = project, combination
        self._before, self._after = answers
        self._old = self._before.facts or {}
        self._targets = {name: target for target in targets for name in target.services}
        self._builds = _index_builds(self._after.services.values())

    @property
    def _is_refused(self) -> bool:
        return self._after.facts is None or (self._before.interpolated and not self._after.interpolated)

    @property
    def _is_deployed(self) -> bool:
        """Not every file with a version of that format is deployed as a stack: Compose passes over it."""
        return any(has_deploy_keys(self._project.sources[path]) for path in self._combination.files.files)

    def _format_command(self, verb: str) -> str:
        return f"`{self._combination.format_command(self._project.files.directory, verb)}`"

    def find_problems(self) -> Iterator[CombinationProblem]:
        """What keeps the edit from being made as it is."""
        if self._before.facts is None or not self._after.asked:
            return
        if self._is_refused:
            if not self._combination.stack or self._is_deployed:
                yield self._make_refusal()
            return
        unfetched = [name for name, service in self._after.services.items() if self._is_never_pulled(name, service)]
        if unfetched:
            text = f"{self._format_command('pull')} could not fetch the image of {join_names(unfetched)} any more"
            yield CombinationProblem(ProblemKind.NEVER_PULLED, tuple(unfetched), text)

    def _make_refusal(self) -> CombinationProblem:
        if self._combination.stack:
            text = f"{self._format_command('deploy')} would be refused: {self._after.complaint}"
            return CombinationProblem(ProblemKind.STACK, (), text)
        command = self._format_command("config --quiet")
        text = f"{command} works today and would be refused: {self._after.complaint}"
        return CombinationProblem(ProblemKind.REFUSED, (), text, self._advise_on_refusal())

    def _advise_on_refusal(self) -> str:
        added = self._combination.added
        if added is None:
            return ""
        name = format_relative_path(self._project, added)
        command = self._format_optimize_command()
        return f"where {name} belongs to the project, `{command}`; where nobody uses it, move it away"

    def _format_optimize_command(self) -> str:
        command = self._combination.format_command(self._project.files.directory, "")
        return command.replace("docker compose", "optbuild optimize", 1).rstrip()

    def _is_never_pulled(self, name: str, service: Service) -> bool:
        """Its image comes from a registry, and could be fetched before."""
        if service.pull_policy != "never" or service.image is None or name not in self._old or self._old[name].never:
            return False
        if has_registry(service.image):
            return True
        ours = {target.normalized_image for target in self._targets.values()}
        return service.normalized_image_name not in ours | self._builds.keys()

    def find_notes(self) -> Iterator[str]:
        """What changes, and is still valid."""
        if self._before.facts is None or not self._after.asked:
            return
        if self._combination.stack and self._is_refused and not self._is_deployed:
            yield (
                f"{self._format_command('deploy')} accepts this file today, and would refuse its `pull_policy`: for a "
                "stack, give the image a name with a registry, and the key is left out"
            )
        lost = [name for name in self._after.services if self._has_lost_build(name)]
        if lost:
            builds = choose_verb(lost, "builds", "build")
            yield (
                f"{self._format_command('build')} {builds} the image of {join_names(lost)} today, and no service would "
                "build it any more"
            )

    def _has_lost_build(self, name: str) -> bool:
        service, target = self._after.services[name], self._targets.get(name)
        had = name in self._old and self._old[name].builds
        on_purpose = target is not None and target.builder is None
        return had and not on_purpose and service.normalized_image_name not in self._builds

    def find_rivals(self) -> tuple[str, ...]:
        """Services that would build another image under a name that is shared now, and was not before."""
        new = (target for target in dict.fromkeys(self._targets.values()) if not target.keeps_name)
        return tuple(
            service.name
            for target in new
            for service in self._builds.get(target.normalized_image, ())
            if self._select_build(service) not in self._list_builds(target)
        )

    def _list_builds(self, target: SharedTarget) -> list[Build | None]:
        """As they are in the project itself."""
        return [self._select_build(self._project.services[name]) for name in target.services]

    def _select_build(self, service: Service) -> Build | None:
        """With variables, where Compose filled them in on neither side."""
        if self._after.interpolated or service.raw_build is None:
            return service.build
        return service.raw_build

    def format_rival_note(self, rivals: tuple[str, ...]) -> str:
        added = self._combination.added
        name = format_relative_path(self._project, added) if added is not None else self._format_command("build")
        return (
            f"with {name}, {join_names(rivals)} {choose_verb(rivals, 'builds', 'build')} another image under the "
            f"shared name. Plan the files together: `{self._format_optimize_command()}`"
        )


def is_override(project: Project, rivals: Iterable[str], alone: CombinationAnswer) -> bool:
    """Whether a file that names these services is meant to be read with the project's, and is not one of several
    projects side by side: alone it is invalid, or does not say how they are started."""
    services = alone.services
    return any(name not in services or _lacks_command(project.services[name], services[name]) for name in rivals)


def _lacks_command(mine: Service, other: Service) -> bool:
    return (mine.command is not None and other.command is None) or (
        mine.entrypoint is not None and other.entrypoint is None
    )


def _index_builds(services: Iterable[Service]) -> dict[str, tuple[Service, ...]]:
    """Image name → the services that build it."""
    found: dict[str, tuple[Service, ...]] = {}
    for service in services:
        for name in service.built_names:
            found[name] = (*found.get(name, ()), service)
    return found


def describe_left_out(project: Project, left_out: tuple[Path, ...]) -> Iterator[str]:
    if left_out:
        names = [os.path.relpath(path, project.files.directory) for path in left_out]
        yield (
            f"{join_names(names)} {choose_verb(names, 'names', 'name')} services of the edit too, and Compose was not "
            f"asked about {choose_verb(names, 'it', 'them')}: after {MOST_ASKED} such files it is enough. Compare "
            "`docker compose -f … config` before and after"
        )


def describe_outside_edits(project: Project, changed: Iterable[Path], used: Mapping[Path, bool]) -> Iterator[str]:
    """Edits of files that projects elsewhere may take over; ``used``: those of which a known one does."""
    for path in changed:
        if path not in project.files.files and not path.is_relative_to(project.files.directory) and path not in used:
            name = format_relative_path(project, path)
            yield f"{name} is outside this project's folder: other projects that extend or include it get the edit too"
