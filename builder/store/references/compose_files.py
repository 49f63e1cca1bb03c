"""Which images the files of a project name, for deciding what to delete: more than Compose would use, never less.

Compose is not asked: a file that it refuses names images too, and its answer holds only what one environment makes of
the files. Every ``image:`` of every file that can be reached counts, wherever it is, and of every service that is
built the names that any Compose gives it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.compose.load.interpolate import interpolate_text, read_project_variables
from builder.compose.load.source_files import walk_all_sources
from builder.compose.model import ImageReferences, ProjectFiles
from builder.compose.yaml.nodes import Mapping as YamlMapping
from builder.compose.yaml.nodes import Scalar, Sequence, follow, read_key_text, resolve_alias
from builder.compose.yaml.parse import read_tree
from builder.core.errors import ComposeError
from builder.core.image_reference import normalize_image_name
from builder.core.variables import Policy, replace_variables
from builder.products.find import find_by_image
from builder.store.foreign_paths import explain_foreign_path
from builder.store.references.dockerfiles import add_build_references, find_base_images, substitute_all
from builder.store.references.file_references import FileReferences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from builder.compose.load.source_files import ReachedFile
    from builder.compose.model import KnownProject
    from builder.compose.yaml.nodes import Anchored, Node

_OPEN = Policy(unset="*", required="*", escapes=True)
_LEFT = re.compile(r"\$\{[^{}]*\}?")
_TEXT = re.compile(
    r"""(?m)["']?\bimage["']?\s*:[ \t]*(?:[&!]\S+[ \t]+)*(["']?)([^\s"'#,{}\[\]]+(?:\{[^}\s]*\}[^\s"'#,{}]*)*)\1"""
)
_ANCHORED = re.compile(r"""&\w+\s+(["']?)([\w.${}:/@-]+)\1""")
_SERVICE = re.compile(r"(?m)^[ \t]+([A-Za-z0-9][\w.-]*):[ \t]*(?:#.*)?$")
_NEVER_IN_A_NAME = re.compile(r"[^a-z0-9_-]")


def collect_image_references(project: KnownProject, env: Mapping[str, str]) -> ImageReferences:
    """Never raises for what a file says or lacks, or for a folder that this user may not enter: that is what
    ``unreadable`` says."""
    files = ProjectFiles(project.directory, project.files, project.env_files, project.name or None)
    variables = _read_variables(files, env)
    reading = _ProjectReferences(project.directory, [(variables, FileReferences())], _find_problem(project.files))
    try:
        for source in walk_all_sources(files, env, {}):
            if source.problem:
                reading.problem = reading.problem or source.problem
            else:
                reading.add(source, told := parse_references(source.data))
                reading.called = (told.projects if source.path in project.files else set()) or reading.called
    except (ComposeError, OSError) as error:
        reading.problem = reading.problem or _format_error(error)
        for path in project.files:
            reading.parts.append((variables, scan_text(_read_bytes(path))))
    return _merge_references(_list_project_names(project, reading.called, variables), reading)


@dataclass
class _ProjectReferences:
    """What was read of a project."""

    directory: Path
    parts: list[tuple[Mapping[str, str], FileReferences]]
    """What files say, beside what is filled into them: an included file has variables of its own."""
    problem: str
    """Why not all of it is known."""
    sources: list[ReachedFile] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    """The names that the last main file which says one gives the project."""

    def add(self, source: ReachedFile, told: FileReferences) -> None:
        self.sources.append(source)
        self.parts.append((source.variables, told))

    @property
    def all(self) -> FileReferences:
        found = FileReferences()
        for _, told in self.parts:
            found.add(told)
        return found

    @property
    def ways(self) -> list[Mapping[str, str]]:
        """What may be filled in, each way once."""
        found: list[Mapping[str, str]] = []
        for variables, _ in self.parts:
            found += [variables] if variables not in found else []
        return found

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where paths may start."""
        return (self.directory, *(path for source in self.sources for path in (source.path.parent, source.folder)))


def _list_project_names(project: KnownProject, called: set[str], variables: Mapping[str, str]) -> tuple[str, ...]:
    """The one that Compose gives it first (compose-go, ``cli/options.go``): what a person or a container says, else a
    variable, else the last of the main files that says one (``called``), else the folder. Without a file that can be
    read it may be the folder's."""
    if project.name:
        return (project.name,)
    own = interpolate_text(max(called, default=""), variables)
    folder = _NEVER_IN_A_NAME.sub("", project.directory.name.lower()).lstrip("_-") or project.directory.name
    return (variables.get("COMPOSE_PROJECT_NAME") or own or folder, folder)


def _find_problem(files: tuple[Path, ...]) -> str:
    if not files:
        return "nothing says which files it has"
    return next((why for path in files if (why := _explain_absence(path))), "")


def _explain_absence(path: Path) -> str:
    try:
        return "" if path.is_file() else f"{path} {explain_foreign_path(path) or 'is not there'}"
    except OSError as error:
        return _format_error(error)


def _format_error(error: ComposeError | OSError) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'} cannot be read: {error.strerror}"
    return f"{error.where or 'a file'}: {error.message}"


def _read_variables(files: ProjectFiles, env: Mapping[str, str]) -> dict[str, str]:
    try:
        return read_project_variables(files, env)
    except (OSError, ComposeError):
        return dict(env)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def parse_references(data: bytes) -> FileReferences:
    """One file, by YAML's rules, aliases followed; what is not YAML is read as text, beside the documents before it."""
    tree = read_tree(data)
    found = FileReferences()
    if tree.broken is not None:
        found.add(scan_text(data))
        found.broken = f"one of its files is broken (line {tree.line(tree.broken.at)}: {tree.broken.message})"
    for root in tree.roots:
        for node in follow(root):
            _note_entries(node, found)
        _note_services(root, found)
    return found


def _note_entries(node: Anchored, found: FileReferences) -> None:
    for key, value in _iterate_entries(node):
        if key == "image" and isinstance(value, Scalar) and value.value:
            found.images.add(value.value.strip())
        add_build_references(key, value, found)


def _iterate_entries(node: Node) -> Iterator[tuple[str, Anchored]]:
    node = resolve_alias(node)
    for entry in node.entries if isinstance(node, YamlMapping) else ():
        yield read_key_text(entry) or "", resolve_alias(entry.value)


def _note_services(root: Node, found: FileReferences) -> None:
    for key, value in _iterate_entries(root):
        if key == "name" and isinstance(value, Scalar):
            found.projects.add(value.value)
        if key == "services":
            found.services |= {name for name, _ in _iterate_entries(value) if name}
            found.services_with_image |= {name for name, service in _iterate_entries(value) if _has_image(service)}


def _has_image(service: Node) -> bool:
    """Its own, or one that a merge key brings."""
    given = (entry for node in follow(service, _find_merged) for entry in _iterate_entries(node))
    return any(
        key == "image" and isinstance(value, Scalar) and bool(value.value) and not value.is_null for key, value in given
    )


def _find_merged(node: Anchored) -> list[Node]:
    if isinstance(node, Sequence):  # of `<<: [*a, *b]`
        return list(node.items)
    return [value for key, value in _iterate_entries(node) if key == "<<"]


def scan_text(data: bytes) -> FileReferences:
    """Whatever looks like a name, also in comments: for files that are not YAML."""
    text = data.decode("utf-8", "replace")
    images = {match[2] for match in _TEXT.finditer(text) if not match[2].startswith("*")}
    return FileReferences(images | {match[2] for match in _ANCHORED.finditer(text)}, set(_SERVICE.findall(text)))


def _merge_references(called: tuple[str, ...], reading: _ProjectReferences) -> ImageReferences:
    """``called``: names that the project may have, its own first."""
    found, ways = reading.all, reading.ways
    below = find_base_images(reading.folders, found, ways)
    names: set[str] = set()
    for name in substitute_all(found.images | below.names, [*ways, {}]):
        names |= {name, normalize_image_name(name)} if name and "$" not in name else set()
    patterns = {_make_pattern(text, variables) for variables, told in reading.parts for text in told.images}
    patterns |= {_make_pattern(text, variables) for variables in ways for text in below.names}
    projects = {*called, *substitute_all(found.projects, ways)} - {""}
    built = found.services - found.services_with_image
    names |= {name for owner in projects for service in built for name in _iterate_built_names(owner, service)}
    patterns = {pattern for pattern in patterns if "*" in pattern}
    return ImageReferences(
        project=called[0],
        names=frozenset(names - {""}),
        patterns=frozenset(patterns),
        databases=frozenset(name for name in (*names, *patterns) if _is_database(name)),
        files=tuple(path.name for path in dict.fromkeys((*(one.path for one in reading.sources), *below.files))),
        unreadable=reading.problem or found.broken or below.problem,
    )


def _iterate_built_names(project: str, service: str) -> Iterator[str]:
    """The names that any version of Compose gives what it builds."""
    short = re.sub(r"[^a-z0-9]", "", project.lower())
    yield from (f"{project}-{service}:latest", f"{project}_{service}:latest", f"{short}_{service}:latest")


def _make_pattern(text: str, variables: Mapping[str, str]) -> str:
    """``*`` for each variable that has no value and no default; without one: nothing is open."""
    return _LEFT.sub("*", replace_variables(text, variables, _OPEN))


def _is_database(name: str) -> bool:
    product = find_by_image(name)
    return product is not None and "database" in product.purpose
