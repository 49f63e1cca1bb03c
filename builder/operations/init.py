"""A folder → the optbuild.toml that builds the same: which files make the image is found, never asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.adopt.adopt import make_adoption
from builder.adopt.dockerfile import DockerfileReader, collect_base, is_official
from builder.adopt.folder import find_dockerfiles, guess_context, make_reader
from builder.adopt.metadata import PACKAGES, PROJECT, REQUIREMENTS, SETUP, MetadataReader
from builder.adopt.model import Base, BuildContext, Collection, Found
from builder.adopt.services import collect_services, list_additional_requirements
from builder.core.errors import AdoptionError, ComposeError, MissingFileError, ToolError, Where
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.adopt.decide import Choices
    from builder.adopt.model import Adoption
    from builder.compose.model import Project, Service
    from builder.core.runtime import Runtime
    from builder.dockerfile.facts import DockerfileAnalysis

_FOLDERS = ("dags", "plugins", "include")
"""Of an Airflow project, where nothing else says what is copied."""
_START_SCRIPTS = ("startup.sh",)
"""Of Amazon's managed Airflow."""


@dataclass(frozen=True)
class InitOptions:
    """``folder`` is the project's; ``dockerfile`` is relative to it, None: found."""

    folder: Path
    dockerfile: str | None
    choices: Choices


@dataclass(frozen=True)
class _Build:
    """One Dockerfile as one build sees it."""

    context: BuildContext
    text: str
    args: tuple[tuple[str, str | None], ...] = ()
    target: str | None = None
    additional_contexts: tuple[tuple[str, str], ...] = ()


def run_init(runtime: Runtime, options: InitOptions) -> Adoption:
    """What the spec would be; nothing is written. Raises AdoptionError, SpecError, MissingFileError."""
    root = (runtime.cwd / options.folder).resolve()
    if not root.is_dir():
        raise MissingFileError(f"there is no folder {root}", hint="name the folder of the project")
    return _Adopter(runtime, root, options).run()


class _Adopter:
    """Fills one collection from one folder."""

    def __init__(self, runtime: Runtime, root: Path, options: InitOptions) -> None:
        self._root = root
        self._options = options
        self._collection = Collection()
        self._read = make_reader(root)
        self._sources: list[str] = []
        self._project = self._read_compose(runtime)
        self._facts: Mapping[str, DockerfileAnalysis] = {}

    def run(self) -> Adoption:
        if self._project is not None:
            from builder.compose.load.dockerfiles import read_dockerfiles  # only where there is a compose file

            self._facts = read_dockerfiles(self._project)
        build = self._choose_build()
        base = self._collect_build(build) if build is not None else self._collect_folder()
        if self._project is not None:
            self._sources.append(self._project.files.files[0].name)
            collect_services(self._project, self._list_airflow_services(build), self._collection)
        collect_base(base, self._collection)
        choices = self._options.choices
        sources = tuple(dict.fromkeys(self._sources))
        return make_adoption(self._collection, base, choices, folder=self._root, read=self._read, sources=sources)

    def _read_compose(self, runtime: Runtime) -> Project | None:
        """None: the folder has no compose file, or it cannot be read here, which is said."""
        from builder.compose.load.discover import DEFAULT_NAMES
        from builder.compose.load.project import read_project
        from builder.operations.plan import PlanOptions, find_project

        name = next((one for one in DEFAULT_NAMES if (self._root / one).is_file()), None)
        if name is None:
            return None
        try:
            files, cli = find_project(runtime, PlanOptions((str(self._root),)))
            return read_project(files, cli, runtime.runner, runtime.env)
        except (ComposeError, ToolError) as error:
            step = (
                error.hint or "correct it, and run `optbuild init` again: it says the roles and the build's arguments"
            )
            self._collection.leave(Where(name), name, error.message, step)
            return None

    def _list_airflow_services(self, build: _Build | None) -> list[Service]:
        """The services that start the image."""
        from builder.compose.services.airflow import is_airflow_group

        services = () if self._project is None else tuple(self._project.services.values())
        if build is None:
            return [one for one in services if is_airflow_group((one,), self._facts)]
        path = build.context.dockerfile.resolve()
        return [one for one in services if self._find_path(one) == path]

    def _find_path(self, service: Service) -> Path | None:
        facts = self._facts.get(service.name)
        return facts.path.resolve() if facts is not None and facts.path is not None else None

    def _choose_build(self) -> _Build | None:
        """The Dockerfile that makes the image; None: there is none. Raises AdoptionError: several, or another's."""
        if self._options.dockerfile is not None:
            return self._open_named(self._options.dockerfile)
        return self._find_composed() or self._find_alone()

    def _open_named(self, name: str) -> _Build:
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root) or not path.is_file():
            raise AdoptionError(
                f"there is no Dockerfile {name} in {self._root}", hint="name it as it lies below the folder"
            )
        composed = next((self._make_build(one) for one in self._list_built() if self._find_path(one) == path), None)
        build = composed or self._open(path)
        if not self._is_airflow(build):
            raise AdoptionError(f"{self._describe(path)}, and nothing of it is Airflow's", hint=_OTHER_HINT)
        return build

    def _list_built(self) -> list[Service]:
        return (
            [] if self._project is None else [one for one in self._project.services.values() if one.build is not None]
        )

    def _find_composed(self) -> _Build | None:
        """What the services of the compose file build, as far as it is Airflow's."""
        own = [one for one in self._list_built() if one.name in self._facts and self._facts[one.name].airflow]
        builds = {self._find_path(one): one for one in reversed(own) if self._find_path(one) is not None}
        if not builds:
            return None
        if len(builds) > 1:
            names = [f"{path.relative_to(self._root)} ({one.name})" for path, one in builds.items() if path is not None]
            raise AdoptionError(f"the compose file builds Airflow by {', '.join(names)}", hint=_SEVERAL_HINT)
        first = next(iter(builds.values()))
        others = [
            one
            for one in own
            if one.build is not None and first.build is not None and one.build.args != first.build.args
        ]
        if others:
            reason = f"{first.name} and {others[0].name} build it with other arguments: those of {first.name} are taken"
            self._collection.leave(self._locate(first), "build.args", reason, "write a spec for each, or make them one")
        path = self._find_path(first)
        name = path.relative_to(self._root).as_posix() if path is not None and path.is_relative_to(self._root) else ""
        self._collection.note(self._locate(first), f"{name} makes the image of {first.name}")
        return self._make_build(first)

    def _locate(self, service: Service) -> Where:
        from builder.compose.rewrite.locate import locate_key

        return locate_key(self._project, service.name, "build") if self._project is not None else Where("")

    def _make_build(self, service: Service) -> _Build:
        given, path = service.build, self._find_path(service)
        if given is None or path is None or not path.is_relative_to(self._root):
            raise AdoptionError(
                f"the service {service.name} is built outside of {self._root}", hint="run it in the folder above both"
            )
        from pathlib import Path

        folder = Path(given.context).resolve()
        if not folder.is_relative_to(self._root):
            raise AdoptionError(
                f"the build context of {service.name}, {folder}, lies outside of {self._root}",
                hint="run it in the folder above both",
            )
        context = BuildContext(self._root, folder, path)
        return _Build(context, self._read_dockerfile(path), given.args, given.target, given.additional_contexts)

    def _find_alone(self) -> _Build | None:
        """The one Dockerfile below the folder that is Airflow's."""
        paths = find_dockerfiles(self._root)
        builds = [build for path in paths if self._is_airflow(build := self._open(path))]
        if len(builds) > 1:
            names = [one.context.dockerfile.relative_to(self._root).as_posix() for one in builds]
            raise AdoptionError(f"several Dockerfiles make an image of Airflow: {', '.join(names)}", hint=_SEVERAL_HINT)
        if builds:
            others = len(paths) - 1
            path = builds[0].context.dockerfile.relative_to(self._root).as_posix()
            if others:
                self._collection.note(
                    Where(path), f"of {len(paths)} Dockerfiles the one that makes an image of Airflow"
                )
            return builds[0]
        if paths and not self._list_airflow_services(None) and not self._names_airflow():
            described = "\n".join(f"  {self._describe(path)}" for path in paths)
            raise AdoptionError(f"no Dockerfile here makes an image of Airflow:\n{described}", hint=_OTHER_HINT)
        return None

    def _names_airflow(self) -> bool:
        return any("apache-airflow" in (self._read(name) or "") for name in (PROJECT, SETUP, REQUIREMENTS))

    def _open(self, path: Path) -> _Build:
        text = self._read_dockerfile(path)
        return _Build(guess_context(self._root, path, text), text)

    def _read_dockerfile(self, path: Path) -> str:
        name = path.relative_to(self._root).as_posix()
        text = self._read(name)
        if text is None:
            raise AdoptionError(
                f"{name} cannot be read", hint="allow this user to read it; a link must stay in the folder"
            )
        return text

    def _is_airflow(self, build: _Build) -> bool:
        try:
            return analyze_dockerfile(build.text, build, make_reader(build.context.folder)).airflow
        except (ValueError, IndexError, KeyError, RecursionError):
            return False

    def _describe(self, path: Path) -> str:
        """``Dockerfile:1 begins with node:20``."""
        from builder.dockerfile import read_instructions

        name = path.relative_to(self._root).as_posix()
        froms = [one for one in read_instructions(self._read_dockerfile(path)) if one.name == "FROM"]
        return f"{name}:{froms[-1].line} begins with {froms[-1].value}" if froms else f"{name} has no FROM"

    def _collect_build(self, build: _Build) -> Base:
        name = build.context.dockerfile.relative_to(self._root).as_posix()
        self._sources.append(name)
        args = {key: value for key, value in build.args if value is not None}
        read = make_reader(build.context.folder)
        reader = DockerfileReader(self._collection, build.context, name, build.text, read, args, build.target)
        try:
            base = reader.collect()
        except ValueError as error:
            raise AdoptionError(str(error), hint="correct the Dockerfile, or the target of its build") from error
        self._sources += sorted(self._collection.read_files)
        metadata = MetadataReader(self._collection, self._read)
        if base.kind == "managed":
            self._collect_project_folder(metadata)
        if base.kind == "image" and not self._collection.pythons:
            metadata.collect_python()
        return base

    def _collect_project_folder(self, metadata: MetadataReader) -> None:
        """What the ONBUILD of Astronomer's runtime does, and what a project without a Dockerfile means."""
        if metadata.collect_requirements():
            self._sources.append(REQUIREMENTS)
        metadata.collect_packages()
        if PACKAGES in self._collection.read_files:
            self._sources.append(PACKAGES)
        for name in _FOLDERS:
            folder = self._root / name
            if folder.is_dir() and not folder.is_symlink() and any(path.is_file() for path in folder.rglob("*")):
                self._collection.files.setdefault(name, Found(f"/opt/airflow/{name}", Where(f"{name}/")))

    def _collect_folder(self) -> Base:
        """A project without a Dockerfile: the image that its compose file starts, else a base of Debian's packages."""
        metadata = MetadataReader(self._collection, self._read)
        services = self._list_airflow_services(None)
        stock = next((one for one in services if one.build is None and is_official(one.image or "")), None)
        if stock is not None and self._project is not None:
            from builder.adopt.requirements import RequirementReader
            from builder.compose.rewrite.locate import locate_key

            reader = RequirementReader(self._collection, self._read)
            for one in list_additional_requirements(self._project, services):
                reader.add_requirement(one.value, one.where)
            where = locate_key(self._project, stock.name, "image")
            return Base("airflow", stock.image or "", where)
        has_project = metadata.collect_project()
        if has_project:
            self._sources.append(PROJECT if self._read(PROJECT) is not None else SETUP)
        metadata.collect_python()
        self._collect_project_folder(metadata)
        self._leave_scripts()
        if not has_project and REQUIREMENTS not in self._sources:
            raise AdoptionError(self._explain_nothing(), hint=_NOTHING_HINT)
        return Base("debian", "", Where(self._sources[0]))

    def _leave_scripts(self) -> None:
        for name in _START_SCRIPTS:
            if (self._root / name).is_file():
                reason = "the managed Airflow runs it at each start, and no key of the spec does"
                step = "write its variables into [image.env], its packages into [apt] and [python]"
                self._collection.leave(Where(name), name, reason, step)

    def _explain_nothing(self) -> str:
        if self._read(PROJECT) is not None:
            return f"{PROJECT} in {self._root} has no dependencies, and there is no Dockerfile"
        return f"there is no project of Airflow in {self._root}"


_SEVERAL_HINT = "say which one with --dockerfile FILE"
_OTHER_HINT = "name the Dockerfile of Airflow with --dockerfile FILE, or the folder that it lies in"
_NOTHING_HINT = (
    "name a folder with a Dockerfile, a compose file, requirements.txt, or a pyproject.toml with dependencies; "
    "the README shows what belongs in an optbuild.toml of your own"
)
