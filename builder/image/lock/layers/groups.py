"""A name → its group, and the groups in the order in which they lie on each other. Functions of the table alone."""

from __future__ import annotations

import hashlib
from functools import cache

from builder.image.lock.layers.table import CORE, GROUPS, LIBRARIES, LIBRARIES_SUFFIX, LayerGroup


def list_parts(name: str) -> tuple[str, ...]:
    """What of a distribution is laid into layers: itself, and the folder of libraries that its wheel bundles."""
    return (name, name + LIBRARIES_SUFFIX) if name in LIBRARIES else (name,)


def is_libraries(part: str) -> bool:
    return part.endswith(LIBRARIES_SUFFIX)


@cache
def list_ordered_groups() -> tuple[LayerGroup, ...]:
    """Bottom first.

    A pull fetches the changed layer and all above it, so what moves least for its bytes lies lowest (Smith's rule).
    What only an upgrade of Airflow moves does so at one time, and counts as one: lowest of all, 60 MB for one move.
    """
    return tuple(sorted(GROUPS, key=lambda group: (not group.with_airflow, group.moves / group.megabytes, group.name)))


@cache
def find_group(part: str) -> LayerGroup:
    """The group of a normalised name, or of its libraries: by this name alone, never by what else there is."""
    groups = {group.name: group for group in GROUPS}
    return groups[_find_listed_name(part) or _find_hashed_name(part)]


def find_position(part: str) -> int:
    """How high its group lies; 0 is the lowest."""
    return list_ordered_groups().index(find_group(part))


def _find_listed_name(part: str) -> str | None:
    names, prefixes = _index_members()
    return names.get(part) or next((group for prefix, group in prefixes if part.startswith(prefix)), None)


@cache
def _index_members() -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    members = [(member, group.name) for group in GROUPS for member in (group.name, *group.members.split())]
    prefixes = tuple((member, group) for member, group in members if member.endswith("-"))
    return {member: group for member, group in members if not member.endswith("-")}, prefixes


def _find_hashed_name(part: str) -> str:
    family = "core-" if part in CORE else "others-"
    buckets = sorted(group.name for group in GROUPS if group.name.startswith(family))
    digest = hashlib.sha256(part.encode()).digest()
    return buckets[int.from_bytes(digest[:8], "big") % len(buckets)]
