"""What an edit does to the other ways in which its files are read: which of them break, and which change.

Here answers of before and after are compared; :mod:`builder.compose.load.combinations` asks for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from builder.compose.display import format_relative_path
from builder.compose.load.combination_list import has_deploy_keys
from builder.compose.model import FileEdit, SharedTarget
from builder.core.image_reference import has_registry
from builder.core.phrases import choose_verb, join_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from builder.compose.load.combinations import Combination, CombinationAnswer
    from builder.compose.model import Build, Project, Service


class ProblemKind(Enum):
    UNPROVEN = auto()
    """The project itself would mean something else."""
    REFUSED = auto()
    """Compose accepted the combination, and would refuse it."""
    NEVER_PULLED = auto()
    """A service's image comes from a registry there, and its new pull policy would keep it from being fetched."""
    UNWATCHED = auto()
    """`docker compose watch` builds a service there, and would have nothing to build it from."""
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
    def _is_unanswered(self) -> bool:
        """It took too long, or a file is named by its absolute path. Of what was refused already nobody asks."""
        lost = not self._before.asked or (self._before.facts is not None and not self._after.asked)
        return lost and not self._combination.stack

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
        unwatched = [name for name, service in self._after.services.items() if self._is_watched_in_vain(service)]
        if unwatched:
            text = f"{self._format_command('watch')} could not build {join_names(unwatched)} any more"
            yield CombinationProblem(ProblemKind.UNWATCHED, tuple(unwatched), text)

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

    def _is_watched_in_vain(self, service: Service) -> bool:
        had = service.name in self._old and self._old[service.name].builds
        return had and service.is_watched and service.build is None

    def find_notes(self) -> Iterator[str]:
        """What changes, and is still valid."""
        if self._is_unanswered:
            yield (
                f"{self._format_command('config')} gave no answer that could be compared: see whether it says the same "
                "before and after the edit, but for the image"
            )
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


def describe_outside_edits(project: Project, changed: Iterable[Path], used: Mapping[Path, bool]) -> Iterator[str]:
    """Edits of files that projects elsewhere may take over; ``used``: those of which a known one does."""
    for path in changed:
        if path not in project.files.files and not path.is_relative_to(project.files.directory) and path not in used:
            name = format_relative_path(project, path)
            yield f"{name} is outside this project's folder: other projects that extend or include it get the edit too"
