"""Bytes that several names share (hard links): which of the names has them, wherever they are counted.

An installer that links what it installs out of its cache gives both names to the layer, and the tar calls whichever
comes first the file. What was installed is the name outside the cache; and bytes stay as long as any name does.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from builder.inspect.cache_folders import is_cached
from builder.inspect.model import EntryKind
from builder.inspect.overlay import LayeredEntry, MergedFilesystem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builder.inspect.model import LayerContent, LayerEntry

_NAMES = frozenset({EntryKind.FILE, EntryKind.HARDLINK})


def resolve_hard_links(layers: Sequence[LayerContent], merged: MergedFilesystem) -> MergedFilesystem:
    """``merged`` with each file at one of its names: a visible one, if there is any; else, too, outside of caches.

    Its further visible names link to that one. Only a file without any visible name is hidden, and once.
    """
    settling = _HardLinkResolver(merged)
    for number, layer in enumerate(layers):
        for first, further in _index_further_names(layer).items():
            settling.choose_name(number, [first, *further])
    return MergedFilesystem(
        settling.visible, tuple(one for one in settling.hidden.values() if one.entry.kind is EntryKind.FILE)
    )


def _index_further_names(layer: LayerContent) -> Mapping[str, Sequence[str]]:
    """First name → the others; a link to a link is one to the file."""
    hard_link = EntryKind.HARDLINK
    firsts: dict[str, str] = {}
    for entry in layer.entries:
        if entry.kind is hard_link:
            firsts[entry.path] = firsts.get(entry.link, entry.link)
        elif firsts:
            firsts.pop(entry.path, None)  # the same path once more, as a file of its own
    found: dict[str, list[str]] = defaultdict(list)
    for path, first in firsts.items():
        if path != first:
            found[first].append(path)
    return found


class _HardLinkResolver:
    def __init__(self, merged: MergedFilesystem) -> None:
        self.visible = dict(merged.visible)
        self.hidden = {(one.layer, one.entry.path): one for one in merged.hidden}

    def choose_name(self, number: int, names: Sequence[str]) -> None:
        """``names`` of one file of a layer, its first one first."""
        file = self._find_entry(number, names[0])
        if file is None or file.kind is not EntryKind.FILE:  # nothing in this layer that they could be names of
            return
        seen = [name for name in names if self._is_seen(number, name)]
        gone = {name: self.hidden.pop((number, name)) for name in names if (number, name) in self.hidden}
        name = min(seen or gone, key=is_cached)
        entry = file._replace(path=name)
        if not seen:
            self.hidden[number, name] = gone[name]._replace(entry=entry)
            return
        for one in seen:
            link = self.visible[one].entry._replace(kind=EntryKind.HARDLINK, size=0, link=name, digest="", symbols=0)
            self.visible[one] = LayeredEntry(number, entry if one == name else link)

    def _find_entry(self, number: int, name: str) -> LayerEntry | None:
        """Of this layer, whether it is still seen or not."""
        placed = self.visible.get(name)
        if placed is not None and placed.layer == number:
            return placed.entry
        gone = self.hidden.get((number, name))
        return None if gone is None else gone.entry

    def _is_seen(self, number: int, name: str) -> bool:
        placed = self.visible.get(name)
        return placed is not None and placed.layer == number and placed.entry.kind in _NAMES
