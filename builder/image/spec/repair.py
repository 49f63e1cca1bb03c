"""What is left of a document with mistakes, so that the rest of it can be checked in the same run."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from builder.image.spec.positions import KeyPath

_PLACEHOLDERS: dict[tuple[str, str], str] = {
    ("image", "name"): "a",
    ("base", "debian"): "bookworm",
    ("airflow", "version"): "2.8.1",
    ("python", "version"): "3.11",
}
"""Values of the required keys; nothing is said about what stands in for a mistake."""


def remove_mistakes(document: dict[str, Any], mistakes: list[KeyPath]) -> tuple[dict[str, Any], frozenset[KeyPath]]:
    """``document`` without the keys that hold the mistakes, and which keys those are.

    A key is a table and a name in it (a role is one), because lines of a list could not be found after a removal.
    """
    left = copy.deepcopy(document)
    faulty = {path[:2] for path in mistakes}
    for path in faulty:
        _remove_key(left, path)
    if left.get("base"):  # another kind of base stands for itself
        faulty.add(("base", "debian"))
    for path, value in _PLACEHOLDERS.items():
        table = left.setdefault(path[0], {})
        if path[1] not in table:
            table[path[1]] = value
            faulty.add(path)
    return left, frozenset(faulty)


def _remove_key(document: dict[str, Any], path: KeyPath) -> None:
    table: Any = document
    for part in path[:-1]:
        table = table.get(part) if isinstance(table, dict) else None
    if isinstance(table, dict):
        table.pop(path[-1], None)
