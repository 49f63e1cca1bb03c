"""The order in which a layer's entries lie, and how they are put into the one that engines on overlay2 write.

A layer's diff ID is a digest over its tar, so it depends on the order. An engine that keeps layers with a storage
driver writes one in two ways (moby, ``daemon/graphdriver/overlay2/overlay.go``, ``Diff``): by walking the layer's own
folder, or, where it takes the layer below for another one than that on which the layer was made, by comparing two whole
file systems, sorted by whole path (``pkg/archive/changes_unix.go``). The walk is Go's ``filepath.Walk``: the entries of
a folder by the bytes of their names, and what is in a folder directly behind it. So ``numpy/core`` comes before
``numpy-1.24`` in a walk, and behind it by whole path ("-" is less than "/").
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WHITEOUT = ".wh."
"""Begins the name of an entry that deletes something below (OCI image layer specification, "Whiteouts")."""
OPAQUE = ".wh..wh..opq"
"""Its folder hides all that lower layers have in it."""
UNKNOWN_END = -1
_BELOW = b"\0"
"""Stands for "/" in a key: less than every byte of a name."""


class PlacedEntry(NamedTuple):
    """One entry of a layer. ``key`` sorts as the walk goes; ``start`` and ``end`` are bytes in the layer's tar, with
    the headers that belong to it (pax, GNU long names) and its data up to the next block."""

    key: bytes
    start: int
    end: int
    target: bytes | None
    """The key of what a hard link leads to; None: it is not one."""
    deletes: bool
    """It is a whiteout."""


@dataclass(frozen=True)
class WalkOrder:
    """How a layer's tar must be put together to lie in walk order: ``parts`` are where each stretch of it begins and
    ends, in their new order. ``obstacle``: why its entries cannot be moved, in words; empty: they can, or need not."""

    ordered: bool
    parts: tuple[tuple[int, int], ...] = ()
    obstacle: str = ""


def place_entry(member: tarfile.TarInfo) -> PlacedEntry:
    """Where an entry lies, as tarfile has just read it."""
    stored = member.size if member.isreg() else 0
    end = member.offset_data + -(-stored // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    if member.sparse is not None:  # its size is not that of what is stored
        end = UNKNOWN_END
    name = member.name.rpartition("/")[2]
    target = make_walk_key(member.linkname) if member.islnk() else None
    return PlacedEntry(make_walk_key(member.name), member.offset, end, target, name.startswith(WHITEOUT))


def make_walk_key(path: str) -> bytes:
    """Keys compare as the walk meets their paths. A whiteout lies where what it deletes would be, and the one that
    hides all of a folder directly behind that folder: so the engine's walk of overlay2's own marks writes them."""
    folder, slash, name = path.strip("/").removeprefix("./").rpartition("/")
    name = "" if name == OPAQUE else name.removeprefix(WHITEOUT)
    return f"{folder}{slash}{name}".encode("utf-8", "surrogateescape").replace(b"/", _BELOW)


def find_walk_order(entries: Sequence[PlacedEntry], size: int) -> WalkOrder:
    """``entries`` in the order of a tar of ``size`` bytes, and where each must go."""
    if all(before.key <= behind.key for before, behind in pairwise(entries)):
        return WalkOrder(ordered=True)
    moved = sorted(entries, key=lambda entry: entry.key)
    if obstacle := _find_obstacle(entries, moved, size):
        return WalkOrder(ordered=False, obstacle=obstacle)
    ends = (entries[-1].end, size)
    return WalkOrder(ordered=False, parts=_join_parts([*((one.start, one.end) for one in moved), ends]))


def _find_obstacle(entries: Sequence[PlacedEntry], moved: Sequence[PlacedEntry], size: int) -> str:
    """Why moving entries would not give what a walk writes."""
    gaps = any(before.end != behind.start for before, behind in pairwise(entries))
    if gaps or entries[0].start or not entries[-1].start < entries[-1].end <= size:
        return "something lies between its entries"
    if any(entry.deletes for entry in entries):
        return "it deletes files, and the engine notes that with the time of the build"
    places = {entry.key: number for number, entry in enumerate(moved)}
    if len(places) < len(moved):
        return "a path comes twice in it"
    if any(entry.target is not None and places.get(entry.target, len(moved)) > places[entry.key] for entry in moved):
        return "a hard link would come before the file that it leads to"
    return ""


def _join_parts(parts: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Stretches that follow each other as before become one."""
    joined: list[tuple[int, int]] = []
    for start, end in parts:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        elif end > start:
            joined.append((start, end))
    return tuple(joined)
