"""Bytes by folder, of the files that a container sees."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from builder.inspect.model import FolderSize

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.inspect.overlay import LayeredEntry

NOBODY_DEPTH = 3
"""How deep the places of unowned files are told apart: ``/home/airflow/.local``."""


def sum_folder_sizes(folders: Mapping[str, Sequence[LayeredEntry]]) -> tuple[FolderSize, ...]:
    """Every folder with everything below it, largest first; ``/`` always comes first."""
    totals: dict[str, list[int]] = {"": [0, 0]}
    for folder, placed in folders.items():
        path = folder
        while path not in totals:
            totals[path] = [0, 0]
            path = path.rpartition("/")[0]
        totals[folder] = [sum([one.entry.size for one in placed]), len(placed)]
    for path in sorted(totals, key=len, reverse=True):  # a folder's path is longer than its parent's
        if path:
            above, own = totals[path.rpartition("/")[0]], totals[path]
            above[0] += own[0]
            above[1] += own[1]
    root = totals.pop("")
    rest = [FolderSize(path, total, number) for path, (total, number) in totals.items()]
    rest.sort(key=lambda one: (-one.bytes, one.path))
    return (FolderSize("/", *root), *rest)


def sum_unowned_files(
    folders: Mapping[str, Iterable[LayeredEntry]], owners: Mapping[str, int]
) -> tuple[FolderSize, ...]:
    """What belongs to no package: the sum first, as ``/``, then where it is; no file counts in two of those places."""
    places: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for folder, placed in folders.items():
        sizes = [one.entry.size for one in placed if one.entry.path not in owners]
        if sizes:
            sums = places["/".join(folder.split("/")[: NOBODY_DEPTH + 1]) or "/"]
            sums[0] += sum(sizes)
            sums[1] += len(sizes)
    found = [FolderSize(path, total, number) for path, (total, number) in places.items()]
    found.sort(key=lambda one: (-one.bytes, one.path))
    return (FolderSize("/", sum(one.bytes for one in found), sum(one.files for one in found)), *found)
