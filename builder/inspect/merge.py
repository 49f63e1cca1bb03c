"""Layers laid over each other: what a running container sees, and what later layers hide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from builder.inspect.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.inspect.model import Entry, LayerContent


class Placed(NamedTuple):
    """An entry and the index of its layer."""

    layer: int
    entry: Entry


class Hidden(NamedTuple):
    """A regular file that nobody can read any more. ``by`` is the entry that replaced it; None: it was deleted."""

    layer: int
    entry: Entry
    by_layer: int
    by: Entry | None


@dataclass(frozen=True)
class Merged:
    """The whole of an image."""

    visible: Mapping[str, Placed] = field(repr=False)
    """Path → what is there; folders and links too."""
    hidden: tuple[Hidden, ...] = field(repr=False)


def merge(layers: Sequence[LayerContent]) -> Merged:
    """Lay the layers over each other, oldest first (OCI image specification, ``layer.md``, "Applying")."""
    merging = _Merging()
    for number, layer in enumerate(layers):
        merging.add(number, layer)
    return Merged(merging.visible, tuple(merging.hidden))


class _Merging:
    def __init__(self) -> None:
        self.visible: dict[str, Placed] = {}
        self.hidden: list[Hidden] = []
        self.children: dict[str, set[str]] = {}

    def add(self, number: int, layer: LayerContent) -> None:
        """Whiteouts only speak of the layers below, wherever in the tar they stand, so they come first."""
        entries = {entry.path: entry for entry in layer.entries if entry.kind not in {Kind.WHITEOUT, Kind.OPAQUE}}
        for entry in layer.entries:
            if entry.kind is Kind.WHITEOUT:
                self._remove(entry.path, number, None)
            elif entry.kind is Kind.OPAQUE:
                for child in list(self.children.get(entry.path, ())):
                    self._remove(child, number, None)
        for entry in entries.values():
            self._place(number, entry)

    def _place(self, number: int, entry: Entry) -> None:
        there = self.visible.get(entry.path)
        if there is not None:
            if there.entry.kind is Kind.FOLDER and entry.kind is not Kind.FOLDER:
                self._remove(entry.path, number, None)
            elif there.entry.kind is Kind.FILE:
                self.hidden.append(Hidden(there.layer, there.entry, number, entry))
        self.visible[entry.path] = Placed(number, entry)
        parent, _, name = entry.path.rpartition("/")
        if name:
            self.children.setdefault(parent or "/", set()).add(entry.path)

    def _remove(self, path: str, number: int, by: Entry | None) -> None:
        for gone in list(self._below(path)):
            placed = self.visible.pop(gone, None)
            if placed is not None and placed.entry.kind is Kind.FILE:
                self.hidden.append(Hidden(placed.layer, placed.entry, number, by))
            self.children.get(gone.rpartition("/")[0] or "/", set()).discard(gone)

    def _below(self, path: str) -> Iterator[str]:
        """The path and all below it, in no recursion: a hostile layer may nest deeply."""
        todo = [path]
        while todo:
            one = todo.pop()
            yield one
            todo.extend(self.children.pop(one, ()))
