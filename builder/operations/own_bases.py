"""Images that one Dockerfile of a project makes and another one begins with: `FROM company/base`, built next door."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from builder.adopt.bake import BAKE_FILES, list_bake_builds
from builder.adopt.base import find_base_kind, make_base_below
from builder.adopt.folder import find_build_scripts, make_reader
from builder.adopt.model import BuildContext, ProjectBuild
from builder.adopt.tagged import TaggedBuild, list_script_builds
from builder.core.image_reference import extract_last_component, normalize_image_name
from builder.dockerfile import read_instructions
from builder.dockerfile.analysis import analyze_dockerfile
from builder.dockerfile.stages import find_stage_chain, parse_stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.compose.model import Build, Project
    from builder.core.errors import Where


@dataclass(frozen=True)
class OwnBase:
    """A build below another one, and the place that gives its image the name."""

    build: ProjectBuild
    reference: str
    """As the Dockerfile above names it."""
    where: Where


@dataclass(frozen=True)
class OwnBases:
    """``read`` gives texts below ``root``."""

    root: Path
    read: Callable[[str], str | None]
    project: Project | None

    def list_below(self, build: ProjectBuild) -> tuple[OwnBase, ...]:
        """What the project itself makes of what ``build`` stands on, the lowest one first."""
        found: list[OwnBase] = []
        seen = {_identify(build)}
        lowest = build
        while (below := self._find_below(lowest)) is not None and _identify(below.build) not in seen:
            seen.add(_identify(below.build))
            found.insert(0, below)
            lowest = below.build
        return tuple(found)

    def _find_below(self, build: ProjectBuild) -> OwnBase | None:
        reference = self.find_base(build)
        if reference is None or find_base_kind(reference) != "image":  # projects name what they build like its base
            return None
        return self._find(reference, build)

    def find_base(self, build: ProjectBuild) -> str | None:
        """The image that its final stages begin with; None: there is none."""
        given = {name: value for name, value in build.args if value is not None}
        chain = find_stage_chain(parse_stages(read_instructions(build.text), given, make_base_below), build.target)
        return chain[0].base if chain else None

    def list_instructions(self, build: ProjectBuild) -> frozenset[str]:
        """Names of those of its final stages; an ENTRYPOINT also ends the CMD below it (Dockerfile reference)."""
        chain = find_stage_chain(parse_stages(read_instructions(build.text), {}, make_base_below), build.target)
        found = frozenset(one.name for stage in chain for one in stage.instructions)
        return found | {"CMD"} if "ENTRYPOINT" in found else found

    def find_build(self, dockerfile: Path) -> ProjectBuild | None:
        """As the one place that builds it has it; None: none does, or several in different ways."""
        name = dockerfile.relative_to(self.root).as_posix()
        found = [one for one in self._tagged if one.dockerfile == name]
        if len({(one.folder, one.args, one.target) for one in found}) != 1:
            return None
        opened = self._open(found[0], found[0].tag)
        return None if opened is None else opened.build

    def is_airflow(self, build: ProjectBuild) -> bool:
        """Whether it makes an image of Airflow, also by what it stands on; the name alone is believed last."""
        below = self.list_below(build)
        if any(_is_airflow(one) for one in (build, *(each.build for each in below))):
            return True
        lowest = self.find_base(below[0].build if below else build)
        return "airflow" in extract_last_component(lowest or "")

    def _find(self, reference: str, build: ProjectBuild) -> OwnBase | None:
        """None: nothing names it, or two places name two Dockerfiles."""
        named = dict(build.additional_contexts).get(reference)
        if named is not None:
            return self._find_named_context(named, reference)
        wanted = normalize_image_name(reference)
        found = [one for one in self._tagged if normalize_image_name(one.tag) == wanted]
        if len({(one.dockerfile, one.target) for one in found}) != 1:
            return None
        return self._open(found[0], reference)

    def _find_named_context(self, named: str, reference: str) -> OwnBase | None:
        service = named.removeprefix("service:")
        found = next((one for name, one in self._composed if name == service), None)
        return None if found is None or service == named else self._open(found, reference)

    def _open(self, found: TaggedBuild, reference: str) -> OwnBase | None:
        text = self.read(found.dockerfile)
        if text is None:
            return None
        context = BuildContext(self.root, (self.root / found.folder).resolve(), self.root / found.dockerfile)
        return OwnBase(ProjectBuild(context, text, found.args, found.target), reference, found.where)

    @cached_property
    def _composed(self) -> tuple[tuple[str, TaggedBuild], ...]:
        return tuple(self._iterate_composed())

    @cached_property
    def _tagged(self) -> tuple[TaggedBuild, ...]:
        """By the compose file, bake files, Makefiles and scripts, in this order."""
        baked = ((name, self.read(name)) for name in BAKE_FILES)
        scripts = ((name, self.read(name)) for name in find_build_scripts(self.root))
        return (
            *(one for _, one in self._composed),
            *(one for name, text in baked if text is not None for one in list_bake_builds(name, text)),
            *(one for name, text in scripts if text for one in list_script_builds(name, text, self.read)),
        )

    def _iterate_composed(self) -> Iterator[tuple[str, TaggedBuild]]:
        if self.project is None:
            return
        from builder.compose.rewrite.locate import locate_key

        for service in self.project.services.values():
            build = service.build
            places = None if build is None else self._place_build(build)
            if build is not None and places is not None:
                where = locate_key(self.project, service.name, "image" if service.image else "build")
                for tag in service.built_names:
                    yield service.name, TaggedBuild(tag, where, *places, build.args, build.target)

    def _place_build(self, build: Build) -> tuple[str, str] | None:
        """Context and Dockerfile below the root; None: they lie elsewhere."""
        if build.dockerfile_path is None:
            return None
        paths = [Path(build.context).resolve(), build.dockerfile_path.resolve()]
        if not all(path.is_relative_to(self.root) for path in paths):
            return None
        return paths[0].relative_to(self.root).as_posix(), paths[1].relative_to(self.root).as_posix()


def _identify(build: ProjectBuild) -> tuple[Path, str | None]:
    """Equal: a build would stand on itself."""
    return build.context.dockerfile, build.target


def _is_airflow(build: ProjectBuild) -> bool:
    try:
        return analyze_dockerfile(build.text, build, make_reader(build.context.folder)).airflow
    except (ValueError, IndexError, KeyError, RecursionError):  # Docker refuses it anyway
        return False
