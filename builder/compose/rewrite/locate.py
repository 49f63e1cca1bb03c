"""The place of a service's key, for findings: the file and line that a person would look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.display import format_relative_path, make_where_relative
from builder.compose.rewrite.resolve import KeySources, find_entry, find_key_sources
from builder.compose.yaml.nodes import Document, Mapping, Node, Sequence, resolve_alias
from builder.core.errors import ComposeError, Where

if TYPE_CHECKING:
    from builder.compose.model import Project


def locate_key(project: Project, service: str, *keys: str) -> Where:
    """Where the key is that gives the service this value; the nearest thing above it where no file has it.

    ``keys`` lead down from the service (``"build", "args"``); a number is the place in a list. Without keys, and for a
    key that nobody wrote, it is the service; for a service that nobody wrote, the file. Raises nothing.
    """
    try:
        sites = find_key_sources(project)
    except ComposeError as error:
        return make_where_relative(project, error.where or Where(str(project.files.files[0])))
    found = _find_position(sites, service, keys)
    if found is None:
        first = project.files.files[0] if project.files.files else project.files.directory
        return Where(format_relative_path(project, first))
    document, at, depth = found
    return Where(
        format_relative_path(project, document.path), document.line(at), ".".join(("services", service, *keys[:depth]))
    )


def _find_position(sites: KeySources, service: str, keys: tuple[str, ...]) -> tuple[Document, int, int] | None:
    """The file, the index in its text, and how many of the keys were found."""
    best: tuple[Document, int, int] | None = None
    for stratum in sites.services.get(service, ()):
        owner = stratum.levels[0].owner
        if best is None and owner is not None:
            best = (stratum.document, owner.start, 0)
        for level in stratum.levels:
            entry = level.entry(keys[0]) if keys else None
            if entry is not None:
                at, depth = _follow_keys(entry.value, keys[1:], entry.start)
                if best is None or depth + 1 > best[2]:
                    best = (stratum.document, at, depth + 1)
    return best


def _follow_keys(node: Node, keys: tuple[str, ...], at: int) -> tuple[int, int]:
    """The index of the last of the keys that is there, and how many were."""
    depth = 0
    for key in keys:
        below = _find_child(node, key)
        if below is None:
            break
        at, node = below
        depth += 1
    return at, depth


def _find_child(node: Node, key: str) -> tuple[int, Node] | None:
    target = resolve_alias(node)
    if isinstance(target, Mapping):
        entry = find_entry(target, key)
        return (entry.start, entry.value) if entry else None
    if isinstance(target, Sequence) and key.isdecimal() and int(key) < len(target.items):
        item = target.items[int(key)]
        return item.start, item
    return None
