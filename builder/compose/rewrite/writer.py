"""Writes the entries of one file, whatever the style of the mapping that they go to."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from builder.compose.rewrite.anchors import Anchors
from builder.compose.rewrite.copy import CopyTarget, Splice, copy_entry, list_build_comments
from builder.compose.rewrite.slots import Content, ExistingEntry, KeyAssignments, NewValue
from builder.compose.yaml.nodes import Document, Entry, Mapping, Scalar, Sequence, walk_nodes
from builder.compose.yaml.text import find_comments, quote_scalar

if TYPE_CHECKING:
    from collections import abc
    from pathlib import Path

    from builder.compose.rewrite.resolve import MappingSource

KeyChanges = dict[str, Content | None]
"""Of one level: key → what it will hold; None: nothing."""


class YamlWriter:
    """``splices`` are all edits of the file so far."""

    def __init__(
        self,
        document: Document,
        levels: dict[MappingSource, KeyChanges],
        draft: KeyAssignments,
        folder_of: abc.Callable[[Path], Path],
    ) -> None:
        self.document, self.text, self.newline = document, document.text, document.newline
        self._draft, self._folder_of = draft, folder_of
        self.neighbours = tuple(level for level in draft.sites.users if level.document is document)
        self._anchors = Anchors(document, list(_iterate_removed_spans(levels)))
        self.splices: list[Splice] = self._anchors.moved()

    def replace_span(self, start: int, end: int, text: str = "") -> None:
        self.splices.append((start, end, text))

    def add(self, at: int, text: str) -> None:
        self.splices.append((at, at, text))

    def lines(self, lines: abc.Iterable[str], indent: int) -> str:
        """The lines joined, all but the first indented."""
        return (self.newline + " " * indent).join(lines)

    def format_entry(self, level: MappingSource, key: str, content: Content, indent: int | None, at: int) -> str:
        """``key: value`` to be put at ``at``. ``indent``: the column of the key, None in flow style."""
        match content:
            case NewValue(text) if _is_json_mapping(level):
                return f'"{key}": ' + quote_scalar(text, '"')
            case NewValue(text):
                return f"{key}: {quote_scalar(text)}"
            case ExistingEntry(entry, source):
                folders = self._folder_of(source.document.path), self._folder_of(level.document.path)
                place = CopyTarget(
                    self.document, folders[1], indent, lambda alias: self._anchors.is_valid_at(alias, at)
                )
                return copy_entry(entry, source.document, folders[0], place, flow=is_flow_mapping(source))
            case _:
                return f"{key}: !reset null"

    def replace_value(self, entry: Entry, text: str) -> None:
        """A new plain text; its quotes stay, and so does the comment behind it."""
        value = entry.value
        style = value.style if isinstance(value, Scalar) else ""
        blank = " " if value.start == value.end else ""
        lost = find_comments(self.document, value, value.start, value.end)
        self.replace_span(value.start, value.end, "  ".join((blank + quote_scalar(text, style), *lost)))

    def is_carried(self, level: MappingSource, entry: Entry) -> bool:
        """Whether a copy elsewhere, or a build that stays, has the comments of this entry, which goes from here."""
        if any(other is not level for other in self._copies.get(entry, ())):
            return True
        own = list_build_comments(self.document, entry)
        return bool(own) and any(own <= kept for kept in self._kept_comments)

    @cached_property
    def _kept_comments(self) -> list[set[str]]:
        """Of each build that a service still has, unless it moves to where no comment can stand (flow style)."""
        found = (one.content for service in self._draft.sites.services for one in self._draft.find(service, "build"))
        moved = {one.entry for one in self._draft.changes.values() if isinstance(one, ExistingEntry)} - {*self._copies}
        kept = {
            one.entry: one.level.document for one in found if isinstance(one, ExistingEntry) and one.entry not in moved
        }
        return [list_build_comments(document, entry) for entry, document in kept.items()]

    @cached_property
    def _copies(self) -> dict[Entry, list[MappingSource]]:
        """Entry → the levels that hold it in block style."""
        found: dict[Entry, list[MappingSource]] = {}
        for (level, _), content in self._draft.changes.items():
            if isinstance(content, ExistingEntry) and not self._uses_flow_style(level):
                found.setdefault(content.entry, []).append(level)
        return found

    def _uses_flow_style(self, level: MappingSource) -> bool:
        """Whether keys of this level are written in flow style."""
        if isinstance(level.node, Mapping):
            return level.node.flow
        return level.document is not self.document or self.is_in_flow(level.node.start)

    def is_in_flow(self, at: int) -> bool:
        return any(start < at < end for start, end in self._flows)

    @cached_property
    def _flows(self) -> list[tuple[int, int]]:
        nodes = walk_nodes(self.document.root) if self.document.root else ()
        return [(node.start, node.end) for node in nodes if isinstance(node, (Mapping, Sequence)) and node.flow]

    def comments(self, level: MappingSource, entry: Entry) -> tuple[str, ...]:
        """The comments inside the entry that no copy carries."""
        if self.is_carried(level, entry):
            return ()
        return find_comments(self.document, entry.value, entry.start, entry.end)


def is_flow_mapping(level: MappingSource) -> bool:
    return isinstance(level.node, Mapping) and level.node.flow


def _is_json_mapping(level: MappingSource) -> bool:
    """Whether all keys beside the new one are in quotes."""
    if not isinstance(level.node, Mapping) or not level.node.entries:
        return False
    return all(isinstance(entry.key, Scalar) and entry.key.style == '"' for entry in level.node.entries)


def _iterate_removed_spans(levels: dict[MappingSource, KeyChanges]) -> abc.Iterator[tuple[int, int]]:
    """The parts of the text that are removed or replaced."""
    for level, changes in levels.items():
        for key, content in changes.items():
            entry = level.entry(key)
            if entry is not None:
                yield (entry.value if isinstance(content, NewValue) else entry).start, entry.end
