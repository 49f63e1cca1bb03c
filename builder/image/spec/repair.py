"""What is left of a document with mistakes, so that the rest of it can be checked in the same run."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.image.spec.positions import KeyPath

_PLACEHOLDERS: dict[tuple[str, str], str] = {
    ("image", "name"): "a",
    ("base", "debian"): "bookworm",
    ("airflow", "version"): "2.8.1",
    ("python", "version"): "3.11",
}
"""Values of the required keys, and of a base of unknown kind; nothing is said about what stands in for a mistake."""


def remove_mistakes(document: dict[str, Any], mistakes: list[KeyPath]) -> tuple[dict[str, Any], frozenset[KeyPath]]:
    """``document`` without the keys that hold the mistakes, and which keys those are.

    A key is a table and a name in it (a role is one), because lines of a list could not be found after a removal.
    """
    left = copy.deepcopy(document)
    faulty = {path[:2] for path in mistakes}
    for path in faulty:
        _remove_key(left, path)
    for path, value in _PLACEHOLDERS.items():
        if path[0] == "base" and "base" in left and not (_is_base_faulty(faulty) and not left["base"]):
            continue  # any kind of base stands for itself, and a table without one is a mistake of its own
        table = left.setdefault(path[0], {})
        if path[1] not in table:
            table[path[1]] = value
            faulty.add(path)
    return left, frozenset(faulty)


def _is_base_faulty(faulty: Iterable[KeyPath]) -> bool:
    return any(path[0] == "base" for path in faulty)


def _remove_key(document: dict[str, Any], path: KeyPath) -> None:
    table: Any = document
    for part in path[:-1]:
        table = table.get(part) if isinstance(table, dict) else None
    if isinstance(table, dict):
        table.pop(path[-1], None)
