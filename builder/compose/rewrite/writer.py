"""Writes the entries of one file, whatever the style of the mapping that they go to."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from builder.compose.rewrite.anchors import Anchors
from builder.compose.rewrite.copy import Place, Splice, copied
from builder.compose.rewrite.slots import Content, Draft, Kept, Written
from builder.compose.yaml.nodes import Document, Entry, Mapping, Scalar, Sequence, walk
from builder.compose.yaml.text import comments_in, quoted

if TYPE_CHECKING:
    from collections import abc
    from pathlib import Path

    from builder.compose.rewrite.resolve import Level

Changes = dict[str, Content | None]
"""Of one level: key → what it will hold; None: nothing."""


class Pen:
    """``splices`` are all edits of the file so far."""

    def __init__(
        self, document: Document, levels: dict[Level, Changes], draft: Draft, folder_of: abc.Callable[[Path], Path]
    ) -> None:
        self.document, self.text, self.newline = document, document.text, document.newline
        self._draft, self._folder_of = draft, folder_of
        self.neighbours = tuple(level for level in draft.sites.users if level.document is document)
        self._anchors = Anchors(document, list(_gone(levels)))
        self.splices: list[Splice] = self._anchors.moved()

    def cut(self, start: int, end: int, text: str = "") -> None:
        self.splices.append((start, end, text))

    def add(self, at: int, text: str) -> None:
        self.splices.append((at, at, text))

    def lines(self, lines: abc.Iterable[str], indent: int) -> str:
        """The lines joined, all but the first indented."""
        return (self.newline + " " * indent).join(lines)

    def pair(self, level: Level, key: str, content: Content, indent: int | None, at: int) -> str:
        """``key: value`` to stand at ``at``. ``indent``: the column of the key, None in flow style."""
        match content:
            case Written(text) if _is_json(level):
                return f'"{key}": ' + quoted(text, '"')
            case Written(text):
                return f"{key}: {quoted(text)}"
            case Kept(entry, source):
                folders = self._folder_of(source.document.path), self._folder_of(level.document.path)
                place = Place(self.document, folders[1], indent, lambda alias: self._anchors.works_at(alias, at))
                return copied(entry, source.document, folders[0], place, flow=is_flow(source))
            case _:
                return f"{key}: !reset null"

    def replace_value(self, entry: Entry, text: str) -> None:
        """A new plain text; its quotes stay, and so does the comment behind it."""
        value = entry.value
        style = value.style if isinstance(value, Scalar) else ""
        blank = " " if value.start == value.end else ""
        lost = comments_in(self.document, value, value.start, value.end)
        self.cut(value.start, value.end, "  ".join((blank + quoted(text, style), *lost)))

    def is_carried(self, level: Level, entry: Entry) -> bool:
        """Whether a copy elsewhere has the comments of this entry, which goes from here."""
        return any(other is not level for other in self._copies.get(entry, ()))

    @cached_property
    def _copies(self) -> dict[Entry, list[Level]]:
        """Entry → the levels that hold it in block style."""
        found: dict[Entry, list[Level]] = {}
        for (level, _), content in self._draft.changes.items():
            if isinstance(content, Kept) and not self._writes_flow(level):
                found.setdefault(content.entry, []).append(level)
        return found

    def _writes_flow(self, level: Level) -> bool:
        """Whether keys of this level are written in flow style."""
        if isinstance(level.node, Mapping):
            return level.node.flow
        return level.document is not self.document or self.in_flow(level.node.start)

    def in_flow(self, at: int) -> bool:
        return any(start < at < end for start, end in self._flows)

    @cached_property
    def _flows(self) -> list[tuple[int, int]]:
        nodes = walk(self.document.root) if self.document.root else ()
        return [(node.start, node.end) for node in nodes if isinstance(node, (Mapping, Sequence)) and node.flow]

    def comments(self, level: Level, entry: Entry) -> tuple[str, ...]:
        """The comments inside the entry that no copy carries."""
        if self.is_carried(level, entry):
            return ()
        return comments_in(self.document, entry.value, entry.start, entry.end)


def is_flow(level: Level) -> bool:
    return isinstance(level.node, Mapping) and level.node.flow


def _is_json(level: Level) -> bool:
    """Whether all keys beside the new one stand in quotes."""
    if not isinstance(level.node, Mapping) or not level.node.entries:
        return False
    return all(isinstance(entry.key, Scalar) and entry.key.style == '"' for entry in level.node.entries)


def _gone(levels: dict[Level, Changes]) -> abc.Iterator[tuple[int, int]]:
    """The parts of the text that are removed or replaced."""
    for level, changes in levels.items():
        for key, content in changes.items():
            entry = level.entry(key)
            if entry is not None:
                yield (entry.value if isinstance(content, Written) else entry).start, entry.end
