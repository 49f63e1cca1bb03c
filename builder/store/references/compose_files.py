"""Which images the files of a project name, for whoever wants to delete one: more than Compose would use, never less.

Compose is not asked: a file that it refuses names images too, and its answer holds only what one environment makes of
the files. Every ``image:`` of every file that can be reached counts, wherever it stands, and of every service that is
built the names that any Compose gives it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.compose.load.interpolate import project_variables, substitute
from builder.compose.load.source_files import named
from builder.compose.model import Mentions, ProjectFiles
from builder.compose.yaml.nodes import Mapping as YamlMapping
from builder.compose.yaml.nodes import Scalar, Sequence, deref, follow, key_text
from builder.compose.yaml.parse import read_tree
from builder.core.errors import ComposeError
from builder.core.image_reference import normalize_image_name
from builder.core.variables import Policy, replace_variables
from builder.products.find import find_by_image
from builder.store.references.dockerfiles import built_on, filled, note_build
from builder.store.references.file_references import Told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from builder.compose.load.source_files import Source
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


def mentions(project: KnownProject, env: Mapping[str, str]) -> Mentions:
    """Never raises for what a file says or lacks, or for a folder that this user may not enter: that is what
    ``unreadable`` tells."""
    files = ProjectFiles(project.directory, project.files, project.env_files, project.name or None)
    variables = _variables(files, env)
    reading = _Reading(project.directory, [(variables, Told())], _missing(project.files))
    try:
        for source in named(files, env, {}):
            if source.problem:
                reading.problem = reading.problem or source.problem
            else:
                reading.add(source, told := look(source.data))
                reading.called = (told.projects if source.path in project.files else set()) or reading.called
    except (ComposeError, OSError) as error:
        reading.problem = reading.problem or _words(error)
        for path in project.files:
            reading.parts.append((variables, scan(_bytes(path))))
    return _told(_project_names(project, reading.called, variables), reading)


@dataclass
class _Reading:
    """What was read of a project."""

    directory: Path
    parts: list[tuple[Mapping[str, str], Told]]
    """What files say, beside what is filled into them: an included file has variables of its own."""
    problem: str
    """Why not all of it is known."""
    sources: list[Source] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    """The names that the last main file which says one gives the project."""

    def add(self, source: Source, told: Told) -> None:
        self.sources.append(source)
        self.parts.append((source.variables, told))

    @property
    def all(self) -> Told:
        found = Told()
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


def _project_names(project: KnownProject, called: set[str], variables: Mapping[str, str]) -> tuple[str, ...]:
    """The one that Compose gives it first (compose-go, ``cli/options.go``): what a person or a container says, else a
    variable, else the last of the main files that says one (``called``), else the folder. Without a file that can be
    read it may be the folder's."""
    if project.name:
        return (project.name,)
    own = substitute(max(called, default=""), variables)
    folder = _NEVER_IN_A_NAME.sub("", project.directory.name.lower()).lstrip("_-") or project.directory.name
    return (variables.get("COMPOSE_PROJECT_NAME") or own or folder, folder)


def _missing(files: tuple[Path, ...]) -> str:
    if not files:
        return "nothing says which files it has"
    return next((why for path in files if (why := _lacking(path))), "")


def _lacking(path: Path) -> str:
    try:
        return "" if path.is_file() else f"{path} is not there"
    except OSError as error:
        return _words(error)


def _words(error: ComposeError | OSError) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'} cannot be read: {error.strerror}"
    return f"{error.where or 'a file'}: {error.message}"


def _variables(files: ProjectFiles, env: Mapping[str, str]) -> dict[str, str]:
    try:
        return project_variables(files, env)
    except (OSError, ComposeError):
        return dict(env)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def look(data: bytes) -> Told:
    """One file, by YAML's rules, aliases followed; what is no YAML is read as text, beside the documents before it."""
    tree = read_tree(data)
    found = Told()
    if tree.broken is not None:
        found.add(scan(data))
        found.broken = f"a file of it is broken (line {tree.line(tree.broken.at)}: {tree.broken.message})"
    for root in tree.roots:
        for node in follow(root):
            _note_entries(node, found)
        _note_services(root, found)
    return found


def _note_entries(node: Anchored, found: Told) -> None:
    for key, value in _entries(node):
        if key == "image" and isinstance(value, Scalar) and value.value:
            found.images.add(value.value.strip())
        note_build(key, value, found)


def _entries(node: Node) -> Iterator[tuple[str, Anchored]]:
    node = deref(node)
    for entry in node.entries if isinstance(node, YamlMapping) else ():
        yield key_text(entry) or "", deref(entry.value)


def _note_services(root: Node, found: Told) -> None:
    for key, value in _entries(root):
        if key == "name" and isinstance(value, Scalar):
            found.projects.add(value.value)
        if key == "services":
            found.services |= {name for name, _ in _entries(value) if name}
            found.imaged |= {name for name, service in _entries(value) if _has_image(service)}


def _has_image(service: Node) -> bool:
    """Its own, or one that a merge key brings."""
    given = (entry for node in follow(service, _find_merged) for entry in _entries(node))
    return any(
        key == "image" and isinstance(value, Scalar) and bool(value.value) and not value.is_null for key, value in given
    )


def _find_merged(node: Anchored) -> list[Node]:
    if isinstance(node, Sequence):  # of `<<: [*a, *b]`
        return list(node.items)
    return [value for key, value in _entries(node) if key == "<<"]


def scan(data: bytes) -> Told:
    """Whatever looks like a name, also in comments: for files that are no YAML."""
    text = data.decode("utf-8", "replace")
    images = {match[2] for match in _TEXT.finditer(text) if not match[2].startswith("*")}
    return Told(images | {match[2] for match in _ANCHORED.finditer(text)}, set(_SERVICE.findall(text)))


def _told(called: tuple[str, ...], reading: _Reading) -> Mentions:
    """``called``: names that the project may have, its own first."""
    found, ways = reading.all, reading.ways
    below = built_on(reading.folders, found, ways)
    names: set[str] = set()
    for name in filled(found.images | below.names, [*ways, {}]):
        names |= {name, normalize_image_name(name)} if name and "$" not in name else set()
    patterns = {_pattern(text, variables) for variables, told in reading.parts for text in told.images}
    patterns |= {_pattern(text, variables) for variables in ways for text in below.names}
    projects = {*called, *filled(found.projects, ways)} - {""}
    built = found.services - found.imaged
    names |= {name for owner in projects for service in built for name in _built(owner, service)}
    patterns = {pattern for pattern in patterns if "*" in pattern}
    return Mentions(
        project=called[0],
        names=frozenset(names - {""}),
        patterns=frozenset(patterns),
        databases=frozenset(name for name in (*names, *patterns) if _is_database(name)),
        files=tuple(path.name for path in dict.fromkeys((*(one.path for one in reading.sources), *below.files))),
        unreadable=reading.problem or found.broken or below.problem,
    )


def _built(project: str, service: str) -> Iterator[str]:
    """The names that any version of Compose gives what it builds."""
    short = re.sub(r"[^a-z0-9]", "", project.lower())
    yield from (f"{project}-{service}:latest", f"{project}_{service}:latest", f"{short}_{service}:latest")


def _pattern(text: str, variables: Mapping[str, str]) -> str:
    """``*`` for each variable that has no value and no default; without one: nothing is open."""
    return _LEFT.sub("*", replace_variables(text, variables, _OPEN))


def _is_database(name: str) -> bool:
    product = find_by_image(name)
    return product is not None and "database" in product.purpose
