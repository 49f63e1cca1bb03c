"""A Dockerfile that installs the project itself: by uv, by Poetry, by pip, or by a list that one of them exports."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from builder.adopt.metadata import LOCKS, PROJECT, SETUP, MetadataReader
from builder.adopt.project_parts import ALL, ProjectParts, parse_project_install
from builder.adopt.requirements import AIRFLOW
from builder.adopt.values import show_words
from builder.core.errors import Where
from builder.core.phrases import format_short_list
from builder.dockerfile.project_installs import collect_project_pins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from builder.adopt.model import BuildContext, Collection
    from builder.adopt.requirements import RequirementReader
    from builder.dockerfile.files import BuildFiles, CopyInstruction
    from builder.dockerfile.installs import PipInstall
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

PART_OPTIONS = frozenset({"--extra", "--group"})
"""Of pip and `uv pip`, with a value."""
ALL_EXTRAS = "--all-extras"
_FOLDER = re.compile(r"(?P<path>\.{0,2}(?:/[^\[\]]*)?)(?:\[(?P<extras>[^\[\]]*)\])?$")
_PIPFILES = ("Pipfile", "Pipfile.lock", "pdm.lock")
_OUTPUTS = frozenset({"-o", "--output", "--output-file", ">"})


@dataclass
class ProjectInstalls:
    """``find_file`` gives the path below the root of a file that a RUN reads; None: it is not of the context."""

    collection: Collection
    context: BuildContext
    requirements: RequirementReader
    find_file: Callable[[str, RunStep], str | None]
    files: BuildFiles
    exports: dict[str, tuple[ProjectParts, str]] = field(default_factory=dict)
    """Lists that a RUN has made of the project, by their paths in the image; and by which program."""
    stage_exports: dict[tuple[str, str], tuple[ProjectParts, str]] = field(default_factory=dict)
    """The same of other stages, by stage (name or number, in small letters) and path."""

    def add_stage(self, names: Iterable[str], other: ProjectInstalls) -> None:
        """What another stage exports: it may be copied from there."""
        for name in names:
            self.stage_exports |= {(name.lower(), path): export for path, export in other.exports.items()}

    def is_exported(self, copy: CopyInstruction) -> bool:
        """Of ``COPY --from``: whether it copies nothing but such lists."""
        stage = (copy.stage or "").lower()
        return all((stage, posixpath.join("/", source)) in self.stage_exports for source in copy.sources)

    def collect_command(self, command: ShellCommand, step: RunStep, where: Where) -> bool:
        """`uv sync`, `poetry install` and the exports of both; whether nothing of it stays open."""
        parts = parse_project_install(command, step.environment)
        if parts is None or not self._is_root:
            return self._collect_pins(command, step, where)
        if "export" in command.words[1:]:
            name = next(_iterate_outputs(command.words), None)
            if name is None:
                return False
            self.exports[posixpath.join(step.folder, name)] = parts, command.program
            return True
        return self._collect(parts, where, " ".join(command.words), command.program, is_read=True)

    def _collect_pins(self, command: ShellCommand, step: RunStep, where: Where) -> bool:
        """Of Pipenv, PDM and conda: the packages that their files name, without extras, markers and groups."""
        own = () if command.program in ("uv", "poetry") else collect_project_pins(command, step, self.files)
        pins = [pin for pin in own if not pin.from_argument]
        names = [pin.name for pin in pins if pin.name != AIRFLOW]
        is_conda = "conda" in command.program or "mamba" in command.program
        for pin in pins:
            if pin.name == AIRFLOW or not is_conda:
                self.requirements.add_requirement(f"{pin.name}{pin.spec}", Where(pin.file) if pin.file else where)
        if not pins:
            return False
        self.collection.read_files |= {one for one in _PIPFILES if self.requirements.read(one) is not None}
        if is_conda:
            reason = f"its packages are conda's, and not those of an index: {format_short_list(names, 8)}"
            step_next = "add those that the DAGs need to requirements of [python], by their names on the index"
        else:
            reason = "the packages that its file names are carried over, extras, markers and groups are not read"
            step_next = "compare requirements of [python] and extras of [airflow] with that file"
        self.collection.leave(where, show_words(f"RUN {' '.join(command.words)}"), reason, step_next)
        return True

    def collect_pip(self, pip: PipInstall, step: RunStep, where: Where) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What of its requirements and files is not the project itself."""
        extras, groups = _list_parts(pip.options)
        words = [one for one in pip.requirements if not self._collect_folder(one, step, where)]
        files = [one for one in pip.files if not self._collect_file(one, step, where, extras, groups)]
        is_taken = len(files) < len(pip.files) or not (extras or groups)
        if not is_taken and not extras and self.find_file(PROJECT, step) == PROJECT and self._is_root:
            parts = ProjectParts(has_main=False, groups=groups, has_itself=False)
            is_taken = self._collect(parts, where, "pip install --group")
        others = [one for one in files if posixpath.basename(one) in (PROJECT, SETUP)]
        if others or not is_taken:
            names = " ".join((*(f"-r {one}" for one in others), *sorted(extras), *sorted(groups)))
            reason = f"the {PROJECT} that it means is not the one beside the spec, and is not read"
            step_next = "add what it lists there to requirements of [python]"
            self.collection.leave(where, show_words(f"RUN pip install {names}"), reason, step_next)
        return tuple(words), tuple(one for one in files if one not in others)

    @property
    def _is_root(self) -> bool:
        """Whether the build's context is where the spec will lie: metadata is read from there alone."""
        return self.context.folder == self.context.root

    def _collect_folder(self, word: str, step: RunStep, where: Where) -> bool:
        """``.``, ``.[extra]``, ``/app``: whether it is the project's own folder."""
        found = _FOLDER.match(word)
        if found is None or not found["path"] or not self._is_root:
            return False
        names = (self.find_file(posixpath.join(found["path"], name), step) for name in (PROJECT, SETUP))
        if not {PROJECT, SETUP}.intersection(names):
            return False
        extras = frozenset(canonicalize_name(one.strip()) for one in (found["extras"] or "").split(",") if one.strip())
        return self._collect(ProjectParts(extras=extras), where, f"pip install {word}")

    def _collect_file(
        self, name: str, step: RunStep, where: Where, extras: frozenset[str], groups: frozenset[str]
    ) -> bool:
        """``-r``: whether it is the project's metadata, or a list that was exported from it."""
        exported = self.exports.get(posixpath.normpath(posixpath.join(step.folder, name)))
        origins = self.files.list_stage_origins(name, step.folder, step.mounts)
        if exported is None:
            exported = next((self.stage_exports[one] for one in origins if one in self.stage_exports), None)
        if exported is not None:
            return self._collect(exported[0], where, f"pip install -r {name}", exported[1], is_read=True)
        if self.find_file(name, step) not in (PROJECT, SETUP) or not self._is_root:
            return False
        parts = ProjectParts(extras=extras, groups=groups, has_itself=False)
        return self._collect(parts, where, f"pip install -r {name}", is_read=True)

    def _collect(
        self, parts: ProjectParts, where: Where, words: str, program: str = "pip", *, is_read: bool = False
    ) -> bool:
        """``is_read``: pyproject.toml and its lock are there for the installation alone, and no files of the image."""
        reader = MetadataReader(self.collection, self.requirements.read)
        if missing := reader.list_missing_parts(parts):
            file = SETUP if self.requirements.read(PROJECT) is None else PROJECT
            reason = f"{file} has no {' and no '.join(missing)}"
            step = "correct the command or the file, and run `optbuild init` again"
            self.collection.leave(where, show_words(f"RUN {words}"), reason, step)
            return True
        if not reader.collect_project(parts):
            return False
        if is_read:
            self.collection.read_files |= {one for one in (PROJECT, *LOCKS) if self.requirements.read(one) is not None}
        if parts.has_itself and reader.is_package(program):
            self.requirements.add_requirement(".", where)
        return True


def _list_parts(options: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Extras and groups; a group of another file (``sub/pyproject.toml:x``) keeps its path: it is none of this one."""
    values: dict[str, set[str]] = {name: set() for name in PART_OPTIONS}
    for number, word in enumerate(options):
        name, equals, value = word.partition("=")
        if name in values:
            text = value if equals else next(iter(options[number + 1 : number + 2]), "")
            values[name].add(canonicalize_name(text.removeprefix(f"{PROJECT}:")))
    more = {ALL} if ALL_EXTRAS in options else set()
    return frozenset(values["--extra"] | more), frozenset(values["--group"])


def _iterate_outputs(words: Sequence[str]) -> Iterator[str]:
    """The file that an export writes."""
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in _OUTPUTS and (equals or words[number + 1 :]):
            yield value if equals else words[number + 1]
        elif word.startswith(">") and word.lstrip(">"):
            yield word.lstrip(">")
