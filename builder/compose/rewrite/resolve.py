"""Which mapping of which file gives a service its keys, after merges, ``extends``, override files and ``include``.

A service is a stack of strata, the one that wins on top: per file, from the last override file down, what the file
itself says, then what it extends. A stratum is a chain of levels: the service's own mapping, then what it merges. In a
chain the first level that has a key gives it; over the strata Compose takes the first for plain values and merges
``build`` deeply.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from builder.compose.load.includes import MOST_EXTENDS
from builder.compose.load.source_set import SourceSet
from builder.compose.yaml.nodes import Alias, Document, Entry, Mapping, Node, Scalar, Sequence, resolve_alias
from builder.compose.yaml.parse import parse_compose_file
from builder.core.errors import ComposeError, Where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.compose.model import Project

RESET, OVERRIDE = "!reset", "!override"


@dataclass(frozen=True, eq=False)
class MappingSource:
    """One mapping that gives keys to services. One mapping is one level, however many services merge it.

    ``node`` is an alias for a service such as ``web: *common``: a place for keys of its own, with none in it yet.
    """

    document: Document
    node: Mapping | Alias
    owner: Entry | None = field(default=None, repr=False)
    """The entry of the service whose own level it is; None where it is only merged."""

    def entry(self, key: str) -> Entry | None:
        return self.node.entry(key) if isinstance(self.node, Mapping) else None


@dataclass(frozen=True, eq=False)
class FileSource:
    document: Document
    levels: tuple[MappingSource, ...]
    home: MappingSource
    """Where this file can say something about this service alone."""
    cuts: bool = False
    """The whole service is tagged ``!override``: nothing below counts."""


@dataclass(frozen=True)
class KeySources:
    services: dict[str, tuple[FileSource, ...]]
    users: dict[MappingSource, tuple[str, ...]]
    """Level → the services that it may give keys to."""
    unclear: dict[str, Where]
    """Services that extend something that was not found: nobody knows what they get from there."""


def find_key_sources(project: Project) -> KeySources:
    """Raises ComposeError for a file that cannot be read."""
    return _load_key_sources(SourceSet.of(project))


@lru_cache(maxsize=8)
def _load_key_sources(given: SourceSet) -> KeySources:
    return _KeySourceFinder(given).find()


def iterate_merge_chain(node: Node) -> Iterator[Mapping]:
    """The mapping and what it merges, in the order in which they win. Anything but a mapping gives nothing."""
    node = resolve_alias(node)
    if isinstance(node, Sequence):  # of `<<: [*a, *b]`
        for item in node.items:
            yield from iterate_merge_chain(item)
    elif isinstance(node, Mapping):
        yield node
        for entry in node.entries:
            if entry.is_merge:
                yield from iterate_merge_chain(entry.value)


def find_entry(node: Node | None, key: str) -> Entry | None:
    """The entry that gives ``key`` to this mapping, its own or a merged one."""
    if node is None:
        return None
    return next((entry for mapping in iterate_merge_chain(node) if (entry := mapping.entry(key)) is not None), None)


def resolve_text(node: Node | None) -> str | None:
    """The text of a scalar, also behind an alias."""
    node = None if node is None else resolve_alias(node)
    return node.value if isinstance(node, Scalar) else None


def find_text(node: Node | None, key: str) -> str | None:
    entry = find_entry(node, key)
    return resolve_text(entry.value) if entry else None


def iterate_named_entries(node: Node | None) -> Iterator[Entry]:
    """The entries of a mapping of names (``services``), merged ones included, each name once."""
    seen: set[str] = set()
    for mapping in iterate_merge_chain(node) if node is not None else ():
        for entry in mapping.entries:
            if not entry.is_merge and entry.name is not None and entry.name not in seen:
                seen.add(entry.name)
                yield entry


class _KeySourceFinder:
    def __init__(self, given: SourceSet) -> None:
        self._given = given
        self._levels: dict[int, MappingSource] = {}
        self._services: dict[Path, dict[str, Entry]] = {}
        self._unclear: dict[str, Where] = {}

    def find(self) -> KeySources:
        piles: dict[str, list[FileSource]] = {}
        for unit in iterate_override_groups(self._given):
            for path in reversed(unit):
                for name in self._index_services(path):
                    home = self._find_service_mapping(self._load_document(path), self._index_services(path)[name])
                    piles.setdefault(name, []).extend(self._iterate_file_sources(path, name, home, name, ()))
        users: dict[MappingSource, dict[str, None]] = {}
        for name, pile in piles.items():
            for level in (level for stratum in pile for level in (stratum.home, *stratum.levels)):
                users.setdefault(level, {})[name] = None
        services = {name: tuple(pile) for name, pile in piles.items()}
        return KeySources(services, {level: tuple(names) for level, names in users.items()}, self._unclear)

    def _load_document(self, path: Path) -> Document:
        return parse_document(self._given, path)

    def _index_services(self, path: Path) -> dict[str, Entry]:
        if path not in self._services:
            services = find_entry(self._load_document(path).root, "services")
            entries = iterate_named_entries(services.value) if services else ()
            self._services[path] = {str(entry.name): entry for entry in entries}
        return self._services[path]

    def _make_mapping_source(
        self, document: Document, node: Mapping | Alias, owner: Entry | None = None
    ) -> MappingSource:
        if id(node) not in self._levels:
            self._levels[id(node)] = MappingSource(document, node, owner)
        return self._levels[id(node)]

    def _find_service_mapping(self, document: Document, entry: Entry) -> MappingSource:
        node = entry.value
        if not isinstance(node, (Mapping, Alias)):
            raise ComposeError(
                f"the service {entry.name} is not a mapping",
                where=document.where(entry.start, f"services.{entry.name}"),
                hint="correct the file; `docker compose config` reads it too",
            )
        return self._make_mapping_source(document, node, entry)

    def _iterate_file_sources(
        self, path: Path, name: str, home: MappingSource, service: str, seen: tuple[tuple[Path, str], ...]
    ) -> Iterator[FileSource]:
        """What the file says about the service ``name``, then what that extends. ``service``: who asks."""
        document = self._load_document(path)
        entry = self._index_services(path)[name]
        own = self._find_service_mapping(document, entry)
        mappings = [node for node in iterate_merge_chain(entry.value) if node is not own.node]
        levels = (own, *(self._make_mapping_source(document, node) for node in mappings))
        tag = own.node.tag if isinstance(own.node, Mapping) else None
        yield FileSource(document, levels, home, cuts=tag in {RESET, OVERRIDE})
        extends = find_entry(entry.value, "extends")
        if extends is None or (path, name) in seen:
            return
        if len(seen) == MOST_EXTENDS:
            raise ComposeError(
                f"services extend each other over more than {MOST_EXTENDS} levels",
                where=document.where(extends.start, f"services.{name}.extends"),
                hint="let them extend one common service",
            )
        base = self._resolve_extends(path, extends)
        if base is None:
            self._unclear.setdefault(service, document.where(extends.start, f"services.{name}.extends"))
        else:
            yield from self._iterate_file_sources(*base, home, service, (*seen, (path, name)))

    def _resolve_extends(self, path: Path, extends: Entry) -> tuple[Path, str] | None:
        name = resolve_text(extends.value) or find_text(extends.value, "service")
        file = find_text(extends.value, "file")
        found = path if file is None else self._given.resolve_named(file, path)
        return (found, name) if found is not None and name is not None and name in self._index_services(found) else None


def parse_document(given: SourceSet, path: Path) -> Document:
    data = given.read(path)
    if data is None:
        raise ComposeError("the file was not read", where=Where(str(path)), hint="name it with -f")
    return parse_compose_file(path, data)


def iterate_override_groups(given: SourceSet) -> Iterator[tuple[Path, ...]]:
    """Lists of files that override each other: the given's own, then those of each ``include``, recursively."""
    waiting, seen = [given.files], set()
    while waiting:
        unit = waiting.pop(0)
        if unit in seen:
            continue
        seen.add(unit)
        yield unit
        for path in unit:
            waiting += _iterate_included_groups(given, path)


def _iterate_included_groups(given: SourceSet, path: Path) -> Iterator[tuple[Path, ...]]:
    """Files that were not read are left out: Compose would have complained about them."""
    include = find_entry(parse_document(given, path).root, "include")
    items = resolve_alias(include.value) if include else None
    for item in items.items if isinstance(items, Sequence) else ():
        entry = find_entry(item, "path")
        node = resolve_alias(entry.value if entry else item)
        named = node.items if isinstance(node, Sequence) else (node,)
        found = [given.resolve_named(text, path) for each in named if (text := resolve_text(each)) is not None]
        if unit := tuple(file for file in found if file is not None):
            yield unit
