"""Layers laid over each other: what a running container sees, and what later layers hide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from builder.inspect.model import EntryKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from builder.inspect.model import LayerContent, LayerEntry


_PARENT_KINDS = (EntryKind.FOLDER, EntryKind.SYMLINK)
"""What may have something below it: a folder, and a link to one."""


class LayeredEntry(NamedTuple):
    """An entry and the index of its layer."""

    layer: int
    entry: LayerEntry


class ShadowedFile(NamedTuple):
    """A name of a regular file that is gone. ``by`` is the entry that replaced it; None: it was deleted."""

    layer: int
    entry: LayerEntry
    by: LayerEntry | None


@dataclass(frozen=True)
class MergedFilesystem:
    """The whole of an image."""

    visible: Mapping[str, LayeredEntry] = field(repr=False)
    """Path → what is there; folders and links too."""
    hidden: tuple[ShadowedFile, ...] = field(repr=False)
    """First names and hard links alike; :mod:`builder.inspect.hardlinks` says which bytes nobody can read any more."""


def merge_layers(layers: Sequence[LayerContent]) -> MergedFilesystem:
    """Lay the layers over each other, oldest first (OCI image specification, ``layer.md``, "Applying")."""
    merging = _LayerMerger()
    for number, layer in enumerate(layers):
        merging.add(number, layer)
    return MergedFilesystem(merging.visible, tuple(merging.hidden))


class _LayerMerger:
    """Kinds are compared by identity: each comparison is made 50,000 times, and an enumeration hashes slowly."""

    def __init__(self) -> None:
        self.visible: dict[str, LayeredEntry] = {}
        self.hidden: list[ShadowedFile] = []
        self._children: dict[str, set[str]] | None = None
        """Made when a folder first goes: most images never delete one."""
        self._unnamed: set[str] = set()
        """Folders that have no entry of their own: engines write one for each, other programs need not."""

    def add(self, number: int, layer: LayerContent) -> None:
        """Whiteouts only concern the layers below, wherever they are in the tar, so they come first."""
        whiteout, opaque = EntryKind.WHITEOUT, EntryKind.OPAQUE
        entries: dict[str, LayerEntry] = {}
        for entry in layer.entries:
            if entry.kind is whiteout:
                self._remove(entry.path)
            elif entry.kind is opaque:
                for child in list(self._index_children().get(entry.path, ())):
                    self._remove(child)
            else:
                entries[entry.path] = entry
        if number == 0:
            self.visible = {path: LayeredEntry(0, entry) for path, entry in entries.items()}
            self._children = None
        else:
            self._remove_blocking_files(entries)
            for entry in entries.values():
                self._place_entry(number, entry)
        self._note_unnamed(entries)

    def _place_entry(self, number: int, entry: LayerEntry) -> None:
        path = entry.path
        there = self.visible.get(path)
        if there is not None:
            if there.entry.kind is EntryKind.FILE or there.entry.kind is EntryKind.HARDLINK:
                self.hidden.append(ShadowedFile(there.layer, there.entry, entry))
            elif there.entry.kind is EntryKind.FOLDER and entry.kind is not EntryKind.FOLDER:
                self._remove(path)
        elif path in self._unnamed and entry.kind is not EntryKind.FOLDER:
            self._remove(path)
        self.visible[path] = LayeredEntry(number, entry)
        if self._children is not None:
            _add_child(self._children, path)

    def _remove_blocking_files(self, entries: Mapping[str, LayerEntry]) -> None:
        """A file of the layers below is gone where this layer has a folder that has no entry of its own."""
        for folder in {path.rpartition("/")[0] for path in entries}:
            parent = folder
            while parent and parent not in entries:
                there = self.visible.get(parent)
                if there is not None:
                    if there.entry.kind not in _PARENT_KINDS:
                        self._remove(parent)
                    break
                parent = parent.rpartition("/")[0]

    def _note_unnamed(self, paths: Iterable[str]) -> None:
        for path in paths:
            parent = path.rpartition("/")[0]
            while parent and parent not in self.visible and parent not in self._unnamed:
                self._unnamed.add(parent)
                parent = parent.rpartition("/")[0]

    def _remove(self, path: str) -> None:
        there = self.visible.get(path)
        single = there is not None and there.entry.kind is not EntryKind.FOLDER  # no layer need name a folder
        for one in [path] if single else list(self._walk_below(path)):
            placed = self.visible.pop(one, None)
            if placed is not None and (placed.entry.kind is EntryKind.FILE or placed.entry.kind is EntryKind.HARDLINK):
                self.hidden.append(ShadowedFile(placed.layer, placed.entry, None))
            if self._children is not None:
                self._children.get(_find_parent(one), set()).discard(one)

    def _walk_below(self, path: str) -> Iterator[str]:
        """The path and all below it, in no recursion: a hostile layer may nest deeply."""
        children = self._index_children()
        todo = [path]
        while todo:
            one = todo.pop()
            yield one
            todo.extend(children.pop(one, ()))

    def _index_children(self) -> dict[str, set[str]]:
        if self._children is None:
            self._children = {}
            for path in self.visible:
                _add_child(self._children, path)
        return self._children


def _add_child(children: dict[str, set[str]], path: str) -> None:
    """Below each of its folders, also those that no layer names."""
    while path != "/":
        parent = _find_parent(path)
        siblings = children.setdefault(parent, set())
        if path in siblings:
            return
        siblings.add(path)
        path = parent


def _find_parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"
