"""A folder → the optbuild.toml that builds the same: which files make the image is found, never asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.adopt.adopt import make_adoption
from builder.adopt.base import collect_base, is_official
from builder.adopt.dockerfile import SAID_ANEW, DockerfileReader
from builder.adopt.folder import make_reader
from builder.adopt.metadata import PACKAGES, PROJECT, REQUIREMENTS, SETUP, MetadataReader
from builder.adopt.model import Base, Collection, Found
from builder.adopt.services import collect_services, list_additional_requirements
from builder.airflow.image_contents import copies_project
from builder.core.errors import AdoptionError, ComposeError, MissingFileError, ToolError, Where
from builder.core.phrases import join_names
from builder.operations.dockerfile_choice import DockerfileChooser
from builder.operations.own_bases import OwnBases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.adopt.base import BaseBelow
    from builder.adopt.decide import Choices
    from builder.adopt.model import Adoption, ProjectBuild
    from builder.compose.model import Project
    from builder.core.runtime import Runtime
    from builder.dockerfile.facts import DockerfileAnalysis

_FOLDERS = ("dags", "plugins", "include")
"""Of an Airflow project, where nothing else says what is copied."""
_START_SCRIPTS = ("startup.sh",)
"""Of Amazon's managed Airflow."""


@dataclass(frozen=True)
class InitOptions:
    """``folder`` is the project's; ``dockerfile`` is relative to it, None: found. ``has_schema``: of the spec."""

    folder: Path
    dockerfile: str | None
    choices: Choices
    has_schema: bool


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
        self._bases = OwnBases(root, self._read, self._project)
        facts = self._read_facts()
        self._chooser = DockerfileChooser(root, self._collection, self._read, self._project, facts, self._bases)

    def run(self) -> Adoption:
        build = self._chooser.choose(self._options.dockerfile)
        base = self._collect_build(build) if build is not None else self._collect_folder()
        if self._project is not None:
            self._sources.append(self._project.files.files[0].name)
            collect_services(self._project, self._chooser.list_airflow_services(build), self._collection)
        collect_base(base, self._collection)
        options = self._options
        return make_adoption(
            self._collection,
            base,
            options.choices,
            folder=self._root,
            read=self._read,
            sources=tuple(dict.fromkeys(self._sources)),
            has_schema=options.has_schema,
        )

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
            self._collection.leave(Where(name), "the whole file", error.message, step)
            return None

    def _read_facts(self) -> Mapping[str, DockerfileAnalysis]:
        if self._project is None:
            return {}
        from builder.compose.load.dockerfiles import read_dockerfiles  # only where there is a compose file

        return read_dockerfiles(self._project)

    def _collect_build(self, build: ProjectBuild) -> Base:
        """The Dockerfile, and before it those of the project that it stands on."""
        below = self._bases.list_below(build)
        builds = [*(one.build for one in below), build]
        known: dict[str, BaseBelow] = {}
        found: list[Base] = []
        for place, one in enumerate(builds):
            names = frozenset[str]().union(*(self._bases.list_instructions(each) for each in builds[place + 1 :]))
            reader = self._make_reader(one, known, names & SAID_ANEW)
            try:
                found.append(reader.collect())
            except ValueError as error:
                raise AdoptionError(str(error), hint="correct the Dockerfile, or the target of its build") from error
            if reader.result is not None and one is not build:
                known = {below[place].reference: reader.result}
                text = f"{reader.name} makes {below[place].reference}: what it does is carried over too"
                self._collection.note(below[place].where, text)
        self._sources += sorted(self._collection.read_files)
        base = found[0]
        metadata = MetadataReader(self._collection, self._read)
        if copies_project(base.name):
            self._collect_project_folder(metadata)
        if base.kind == "image":
            self._leave_unknown_base(base, [one.context.dockerfile for one in builds])
            if not self._collection.pythons:
                metadata.collect_python()
        return base

    def _make_reader(
        self, build: ProjectBuild, known: Mapping[str, BaseBelow], replaced: frozenset[str]
    ) -> DockerfileReader:
        name = build.context.dockerfile.relative_to(self._root).as_posix()
        self._sources.append(name)
        args = {key: value for key, value in build.args if value is not None}
        read = make_reader(build.context.folder)
        return DockerfileReader(
            self._collection, build.context, name, build.text, read, args, build.target, known, replaced
        )

    def _leave_unknown_base(self, base: Base, used: list[Path]) -> None:
        """An image of somebody's, where another Dockerfile here may be what makes it."""
        others = [one for one in self._chooser.list_airflow_dockerfiles() if self._root / one not in used]
        if not others:
            return
        reason = f"nothing here says which Dockerfile makes that image, and {join_names(others)} makes one of Airflow"
        step = (
            "if that one makes it, let a compose file (`image:`), a bake file, or a Makefile or script "
            f"(`docker build --tag {base.name}`) say so, and run it again; if not, [base] names the right image"
        )
        self._collection.leave(base.where, f"FROM {base.name}", reason, step)

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
        services = self._chooser.list_airflow_services(None)
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
        if not has_project:  # for a managed Airflow, which brings its database
            self._collection.extras.append(Found("postgres", Where(REQUIREMENTS)))
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


_NOTHING_HINT = (
    "name a folder with a Dockerfile, a compose file, requirements.txt, or a pyproject.toml with dependencies; "
    "docs/how-to/adopt-a-project.md says what is read"
)
