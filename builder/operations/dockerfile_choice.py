"""Which Dockerfile of a folder makes the image of Airflow: what its services build, else the one that is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.adopt.folder import find_dockerfiles, guess_context
from builder.adopt.metadata import PROJECT, REQUIREMENTS, SETUP
from builder.adopt.model import BuildContext, ProjectBuild
from builder.core.errors import AdoptionError, Where
from builder.dockerfile import read_instructions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builder.adopt.model import Collection
    from builder.compose.model import Project, Service
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.operations.own_bases import OwnBase, OwnBases

_SEVERAL_HINT = "say which one with --dockerfile FILE"
_OTHER_HINT = "name the Dockerfile of Airflow with --dockerfile FILE, or the folder that it lies in"


@dataclass(frozen=True)
class DockerfileChooser:
    """``read`` gives texts below ``root``; ``facts`` are those of the services' Dockerfiles."""

    root: Path
    collection: Collection
    read: Callable[[str], str | None]
    project: Project | None
    facts: Mapping[str, DockerfileAnalysis]
    bases: OwnBases

    def list_airflow_services(self, build: ProjectBuild | None) -> list[Service]:
        """The services that start the image."""
        from builder.compose.services.airflow import is_airflow_group

        services = () if self.project is None else tuple(self.project.services.values())
        if build is None:
            return [one for one in services if is_airflow_group((one,), self.facts)]
        path = build.context.dockerfile.resolve()
        return [one for one in services if self._find_path(one) == path]

    def _find_path(self, service: Service) -> Path | None:
        facts = self.facts.get(service.name)
        return facts.path.resolve() if facts is not None and facts.path is not None else None

    def choose(self, named: str | None) -> ProjectBuild | None:
        """The Dockerfile that makes the image; None: there is none. Raises AdoptionError: several, or another's."""
        if named is not None:
            return self._open_named(named)
        return self._find_composed() or self._find_alone()

    def _open_named(self, name: str) -> ProjectBuild:
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root) or not path.is_file():
            raise AdoptionError(
                f"there is no Dockerfile {name} in {self.root}", hint="name it as it lies below the folder"
            )
        composed = next((self._make_build(one) for one in self._list_built() if self._find_path(one) == path), None)
        build = composed or self._open(path)
        if not self.bases.is_airflow(build):
            raise AdoptionError(f"{self._describe(path)}, and nothing of it is Airflow's", hint=_OTHER_HINT)
        return build

    def _list_built(self) -> list[Service]:
        return [] if self.project is None else [one for one in self.project.services.values() if one.build is not None]

    def _find_composed(self) -> ProjectBuild | None:
        """What the services of the compose file build, as far as it is Airflow's."""
        own = [one for one in self._list_built() if self._is_airflow_build(one)]
        builds = {self._find_path(one): one for one in reversed(own) if self._find_path(one) is not None}
        builds = self._leave_bases(builds) if len(builds) > 1 else builds
        if not builds:
            return None
        if len(builds) > 1:
            names = [f"{path.relative_to(self.root)} ({one.name})" for path, one in builds.items() if path is not None]
            raise AdoptionError(f"the compose file builds Airflow by {', '.join(names)}", hint=_SEVERAL_HINT)
        first = next(iter(builds.values()))
        left = [one for one in own if self._find_path(one) in builds and one.build is not None]
        others = [one for one in left if one.build and first.build and one.build.args != first.build.args]
        if others:
            reason = f"{first.name} and {others[0].name} build it with other arguments: those of {first.name} are taken"
            self.collection.leave(self._locate(first), "build.args", reason, "write a spec for each, or make them one")
        path = self._find_path(first)
        name = path.relative_to(self.root).as_posix() if path is not None and path.is_relative_to(self.root) else ""
        self.collection.note(self._locate(first), f"{name} makes the image of {first.name}")
        return self._make_build(first)

    def _is_airflow_build(self, service: Service) -> bool:
        facts = self.facts.get(service.name)
        if facts is None or facts.airflow:
            return facts is not None
        return self._is_inside(service) and self.bases.is_airflow(self._make_build(service))

    def _is_inside(self, service: Service) -> bool:
        """Whether its Dockerfile and its context lie in the project's folder."""
        path = self._find_path(service)
        if path is None or service.build is None:
            return False
        return all(one.is_relative_to(self.root) for one in (path, Path(service.build.context).resolve()))

    def _leave_bases(self, builds: Mapping[Path | None, Service]) -> dict[Path | None, Service]:
        """Without those that another one stands on, and whose services are not a part of Airflow themselves."""
        from builder.adopt.services import find_service_role

        below = {one.build.context.dockerfile for each in builds.values() for one in self._list_below(each)}
        started = {self._find_path(one) for one in self._list_built() if find_service_role(one) is not None}
        return {path: one for path, one in builds.items() if path not in below or path in started}

    def _list_below(self, service: Service) -> tuple[OwnBase, ...]:
        return self.bases.list_below(self._make_build(service)) if self._is_inside(service) else ()

    def _locate(self, service: Service) -> Where:
        from builder.compose.rewrite.locate import locate_key

        return locate_key(self.project, service.name, "build") if self.project is not None else Where("")

    def _make_build(self, service: Service) -> ProjectBuild:
        given, path = service.build, self._find_path(service)
        if given is None or path is None or not path.is_relative_to(self.root):
            raise AdoptionError(
                f"the service {service.name} is built outside of {self.root}", hint="run it in the folder above both"
            )
        folder = Path(given.context).resolve()
        if not folder.is_relative_to(self.root):
            raise AdoptionError(
                f"the build context of {service.name}, {folder}, lies outside of {self.root}",
                hint="run it in the folder above both",
            )
        context = BuildContext(self.root, folder, path)
        return ProjectBuild(context, self._read_dockerfile(path), given.args, given.target, given.additional_contexts)

    def _find_alone(self) -> ProjectBuild | None:
        """The one Dockerfile below the folder that is Airflow's."""
        paths = find_dockerfiles(self.root)
        opened = [self._open(path) for path in paths]
        builds = [build for build in opened if self.bases.is_airflow(build)] or [
            build for build in opened if self._reads_airflow_list(build)
        ]
        below = {one.build.context.dockerfile for build in builds for one in self.bases.list_below(build)}
        builds = [build for build in builds if build.context.dockerfile not in below]
        if len(builds) > 1:
            names = [one.context.dockerfile.relative_to(self.root).as_posix() for one in builds]
            raise AdoptionError(f"several Dockerfiles make an image of Airflow: {', '.join(names)}", hint=_SEVERAL_HINT)
        if builds:
            others = len(paths) - 1
            path = builds[0].context.dockerfile.relative_to(self.root).as_posix()
            if others:
                self.collection.note(Where(path), f"of {len(paths)} Dockerfiles the one that makes an image of Airflow")
            return builds[0]
        if paths and not self.list_airflow_services(None) and not self._names_airflow():
            described = "\n".join(f"  {self._describe(path)}" for path in paths)
            raise AdoptionError(f"no Dockerfile here makes an image of Airflow:\n{described}", hint=_OTHER_HINT)
        for other in paths:
            name = other.relative_to(self.root).as_posix()
            self.collection.leave(
                Where(name), "the whole file", "nothing in it installs Airflow", f"if it should: --dockerfile {name}"
            )
        return None

    def list_airflow_dockerfiles(self) -> list[str]:
        """All of the folder that make an image of Airflow, as paths below it."""
        opened = [self._open(path) for path in find_dockerfiles(self.root)]
        found = [build.context.dockerfile for build in opened if self.bases.is_airflow(build)]
        return [path.relative_to(self.root).as_posix() for path in found]

    def _names_airflow(self) -> bool:
        return bool(self._list_airflow_lists())

    def _list_airflow_lists(self) -> list[str]:
        """Files of the folder that ask for Airflow."""
        return [name for name in (PROJECT, SETUP, REQUIREMENTS) if "apache-airflow" in (self.read(name) or "")]

    def _reads_airflow_list(self, build: ProjectBuild) -> bool:
        """Whether a stage copies or reads a file that asks for Airflow, in whatever way its packages get further."""
        names = self._list_airflow_lists()
        texts = [one.value for one in read_instructions(build.text) if one.name in {"COPY", "ADD", "RUN"}]
        return any(name in text for name in names for text in texts)

    def _open(self, path: Path) -> ProjectBuild:
        text = self._read_dockerfile(path)
        return self.bases.find_build(path) or ProjectBuild(guess_context(self.root, path, text), text)

    def _read_dockerfile(self, path: Path) -> str:
        name = path.relative_to(self.root).as_posix()
        text = self.read(name)
        if text is None:
            raise AdoptionError(
                f"{name} cannot be read", hint="allow this user to read it; a link must stay in the folder"
            )
        return text

    def _describe(self, path: Path) -> str:
        """``Dockerfile:1 begins with node:20``."""
        name = path.relative_to(self.root).as_posix()
        froms = [one for one in read_instructions(self._read_dockerfile(path)) if one.name == "FROM"]
        return f"{name}:{froms[-1].line} begins with {froms[-1].value}" if froms else f"{name} has no FROM"
