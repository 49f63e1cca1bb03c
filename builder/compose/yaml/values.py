"""What a compose file means as plain values: aliases and merges resolved, comments and styles forgotten.

This is a second check of every edit, before Compose itself is asked: it knows nothing of how edits are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.compose.yaml.nodes import Alias, Document, Mapping, Node, Scalar, Sequence
from builder.compose.yaml.text import is_text_scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANNED = frozenset({"image", "build", "pull_policy"})


def resolve_values(document: Document) -> dict[str, Any]:
    """The file's values. Scalars are their tag, their text, and whether that is a text and no number."""
    found = _ValueResolver().read(document.root) if document.root is not None else {}
    return found if isinstance(found, dict) else {}


def resolve_node(node: Node) -> Any:
    """The same of one node."""
    return _ValueResolver().read(node)


def select_unplanned_values(document: Document) -> dict[str, Any]:
    """The same without the three planned keys, of services and of the mappings that services take over."""
    found = resolve_values(document)
    services = found.get("services")
    shown = {key: _remove_planned_keys(value) if key.startswith("x-") else value for key, value in found.items()}
    if isinstance(services, dict):
        shown["services"] = {
            name: {key: value for key, value in service.items() if key not in PLANNED}
            if isinstance(service, dict)
            else service
            for name, service in services.items()
        }
    return shown


def _remove_planned_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _remove_planned_keys(inner) for key, inner in value.items() if key not in PLANNED}
    return [_remove_planned_keys(item) for item in value] if isinstance(value, list) else value


class _ValueResolver:
    def __init__(self) -> None:
        self._known: dict[int, Any] = {}

    def read(self, node: Node) -> Any:
        match node:
            case Alias(target=target):
                return self.read(target)
            case Scalar():
                return (node.tag, node.value, is_text_scalar(node))
        if id(node) not in self._known:
            self._known[id(node)] = self._collection(node)
        return self._known[id(node)]

    def _collection(self, node: Sequence | Mapping) -> Any:
        if isinstance(node, Sequence):
            return [self.read(item) for item in node.items]
        own = {str(entry.name): self.read(entry.value) for entry in node.entries if not entry.is_merge}
        for merged in self._iterate_merged(node):
            own = {**merged, **own}
        if node.tag is not None:
            own["!"] = node.tag
        return own

    def _iterate_merged(self, node: Mapping) -> Iterator[dict[str, Any]]:
        """What the mapping merges, the winner first."""
        for entry in node.entries:
            if entry.is_merge:
                value = self.read(entry.value)
                for merged in value if isinstance(value, list) else [value]:
                    if isinstance(merged, dict):
                        yield merged
