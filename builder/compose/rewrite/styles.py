"""The changes of one mapping as edits, in the style in which it is written.

In block style an entry takes whole lines; comments inside of a removed one become lines of their own at its place,
unless a copy carries them. In flow style everything stays on its line. ``web: *common`` becomes a mapping that merges.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.compose.rewrite.copy import find_build_comment
from builder.compose.rewrite.slots import Content, NewValue
from builder.compose.yaml.nodes import Alias, Entry, Mapping
from builder.compose.yaml.text import (
    count_column,
    find_line_end,
    find_line_start,
    find_next_line,
    find_trailing_comment,
)
from builder.core.errors import ComposeError

if TYPE_CHECKING:
    from builder.compose.rewrite.resolve import MappingSource
    from builder.compose.rewrite.writer import KeyChanges, YamlWriter

KEYS = ("build", "image", "pull_policy")
"""In the order in which new ones are written."""
USUAL_STEP = 2


def write_changes(writer: YamlWriter, level: MappingSource, changes: KeyChanges, note: str | None) -> None:
    """``note``: a comment line above the new ``image`` of this level."""
    if isinstance(level.node, Alias):
        _AliasWriter(writer, level, level.node, changes, note).write()
    elif level.node.flow:
        _FlowWriter(writer, level, level.node, changes, note).write()
    else:
        _BlockWriter(writer, level, level.node, changes, note).write()


class _StyleWriter:
    def __init__(self, writer: YamlWriter, level: MappingSource, changes: KeyChanges, note: str | None) -> None:
        self._writer, self._level, self._changes = writer, level, changes
        self._note = (f"# {note}",) if note else ()

    def _list_new_keys(self) -> list[tuple[str, Content]]:
        """The keys that this mapping does not have yet."""
        return [
            (key, content)
            for key in KEYS
            if (content := self._changes.get(key)) is not None and self._level.entry(key) is None
        ]

    def _find_removed_entry(self) -> Entry | None:
        keys = [key for key, content in self._changes.items() if content is None]
        return self._level.entry(keys[0]) if keys else None

    def _pair(self, key: str, content: Content, indent: int | None, at: int) -> str:
        return self._writer.format_entry(self._level, key, content, indent, at)

    def _rewrite_existing(self, indent: int | None) -> None:
        for key, content in self._changes.items():
            entry = self._level.entry(key)
            if entry is None or content is None:
                continue
            if isinstance(content, NewValue):
                self._writer.replace_value(entry, content.text)
            else:
                pair = self._pair(key, content, indent, entry.start)
                lines = (*self._writer.comments(self._level, entry), pair)
                self._writer.replace_span(
                    entry.start, entry.end, self._writer.lines(lines, count_column(self._writer.text, entry.start))
                )


class _BlockWriter(_StyleWriter):
    def __init__(
        self, writer: YamlWriter, level: MappingSource, node: Mapping, changes: KeyChanges, note: str | None
    ) -> None:
        super().__init__(writer, level, changes, note)
        self._node = node
        self._indent = count_column(writer.text, node.entries[0].start)

    def write(self) -> None:
        self._rewrite_existing(self._indent)
        image, gone, new = self._node.entry("image"), self._find_removed_entry(), self._list_new_keys()
        if image is not None:
            self._add_behind(image, [pair for pair in new if pair[0] == "pull_policy"])
            new = [pair for pair in new if pair[0] != "pull_policy"]
            if "image" in self._changes and self._note:
                self._writer.add(image.start, self._format_lines((*self._note, "")))
                self._note = ()
        if gone is not None:
            self._replace(gone, new)
        elif new:
            self._add(new)

    def _format_lines(self, lines: tuple[str, ...]) -> str:
        return self._writer.lines(lines, self._indent)

    def _format_entries(self, new: list[tuple[str, Content]], at: int) -> tuple[str, ...]:
        lines: list[str] = []
        for key, content in new:
            lines += (*(self._note if key == "image" else ()), self._pair(key, content, self._indent, at))
        return tuple(lines)

    def _add(self, new: list[tuple[str, Content]]) -> None:
        """Behind ``<<``, or as first keys."""
        merge = next((entry for entry in self._node.entries if entry.is_merge), None)
        if merge is not None:
            self._add_behind(merge, new)
        else:
            first = self._node.entries[0].start
            self._writer.add(first, self._format_lines((*self._format_entries(new, first), "")))

    def _add_behind(self, entry: Entry, new: list[tuple[str, Content]]) -> None:
        if new:
            at = find_line_end(self._writer.text, entry.end)
            self._writer.add(at, self._format_lines(("", *self._format_entries(new, at))))

    def _replace(self, gone: Entry, new: list[tuple[str, Content]]) -> None:
        """Others in place of this entry; what is left of it are its comments."""
        writer, end = self._writer, find_line_end(self._writer.text, gone.end)
        carried = writer.is_carried(self._level, gone)
        start = self._find_start(gone) if carried else gone.start
        trailing = None if carried else find_trailing_comment(writer.document, gone.end)
        above = writer.comments(self._level, gone)
        pairs = self._format_entries(new, gone.start)
        if not pairs and len(self._node.entries) == 1:
            pairs = (*self._note, "{}")
        if pairs:
            head = len(pairs) - len(new) + 1 if new else len(pairs)
            writer.replace_span(start, end if carried else gone.end, self._format_lines((*above, *pairs[:head])))
            if pairs[head:]:
                writer.add(end, self._format_lines(("", *pairs[head:])))
        elif left := (*above, *((trailing,) if trailing else ()), *self._note):
            writer.replace_span(start, end, self._format_lines(left))
        else:
            self._remove_lines(gone, start, end)

    def _find_start(self, gone: Entry) -> int:
        """Of the comment lines that a copy of the entry has too, else of the entry itself."""
        start, lines = find_build_comment(self._writer.document, gone)
        return start + self._indent if lines else gone.start

    def _remove_lines(self, gone: Entry, first: int, end: int) -> None:
        text, start = self._writer.text, find_line_start(self._writer.text, first)
        if text[find_line_start(text, gone.start) : gone.start].strip(" "):
            raise ComposeError(
                "the build is behind something else on its line",
                where=self._writer.document.where(gone.start, "build"),
                hint="put it on a line of its own",
            )
        if end == len(text) and start > 0:  # the file ends without a line break, and goes on doing so
            before = find_line_end(text, start - 1 if text[start - 2 : start] != "\r\n" else start - 2)
            self._writer.replace_span(before, end)
        else:
            self._writer.replace_span(start, find_next_line(text, end))


class _FlowWriter(_StyleWriter):
    def __init__(
        self, writer: YamlWriter, level: MappingSource, node: Mapping, changes: KeyChanges, note: str | None
    ) -> None:
        super().__init__(writer, level, changes, note)
        self._node = node

    def write(self) -> None:
        writer = self._writer
        self._rewrite_existing(None)
        _write_note_above(writer, self._node.start, self._note)
        image, gone, new = self._node.entry("image"), self._find_removed_entry(), self._list_new_keys()
        if image is not None:
            behind = [pair for pair in new if pair[0] == "pull_policy"]
            new = [pair for pair in new if pair[0] != "pull_policy"]
            if behind:
                writer.add(image.end, ", " + self._join_entries(behind, image.end))
        if gone is not None:
            self._replace(gone, self._join_entries(new, gone.start))
        elif new:
            self._add(new)

    def _join_entries(self, new: list[tuple[str, Content]], at: int) -> str:
        return ", ".join(self._pair(key, content, None, at) for key, content in new)

    def _add(self, new: list[tuple[str, Content]]) -> None:
        entries = self._node.entries
        merge = next((entry for entry in entries if entry.is_merge), None)
        if merge is not None:
            self._writer.add(merge.end, ", " + self._join_entries(new, merge.end))
        elif entries:
            self._writer.add(entries[0].start, self._join_entries(new, entries[0].start) + ", ")
        else:
            self._writer.add(self._node.end - 1, self._join_entries(new, self._node.end - 1))

    def _replace(self, gone: Entry, text: str) -> None:
        writer = self._writer
        comments = writer.comments(self._level, gone)
        lines = writer.lines((*comments, text), count_column(writer.text, gone.start)) if comments else text
        if text or comments:
            writer.replace_span(gone.start, gone.end, lines)
        if not text:
            self._remove(gone, at_all=not comments)

    def _remove(self, gone: Entry, *, at_all: bool) -> None:
        """The entry with one comma: the one behind it, else the one before it."""
        text, writer = self._writer.text, self._writer
        behind = re.compile(r"[ \t\r\n]*,[ \t]*").match(text, gone.end)
        before = re.compile(r",[ \t\r\n]*\Z").search(text[self._node.start : gone.start])
        start, end = (gone.start, gone.end) if at_all else (gone.end, gone.end)
        if behind:
            writer.replace_span(start, behind.end())
        elif before and at_all:
            writer.replace_span(self._node.start + before.start(), end)
        elif at_all:
            writer.replace_span(start, end)


class _AliasWriter(_StyleWriter):
    """``web: *common``, which is to get keys of its own."""

    def __init__(
        self, writer: YamlWriter, level: MappingSource, node: Alias, changes: KeyChanges, note: str | None
    ) -> None:
        super().__init__(writer, level, changes, note)
        self._node = node

    def write(self) -> None:
        writer, node, merge = self._writer, self._node, f"<<: *{self._node.name}"
        if writer.is_in_flow(node.start):
            _write_note_above(writer, node.start, self._note)
            pairs = [self._pair(key, content, None, node.end) for key, content in self._list_new_keys()]
            writer.replace_span(node.start, node.end, "{" + ", ".join((merge, *pairs)) + "}")
            return
        owner = self._level.owner
        end = find_line_end(writer.text, node.end)
        if owner is not None and find_line_start(writer.text, owner.start) == find_line_start(writer.text, node.start):
            indent = count_column(writer.text, owner.start) + self._measure_step(owner)
            colon = len(writer.text[: node.start].rstrip(" \t"))
            writer.replace_span(colon, node.end)
            head: tuple[str, ...] = ("", merge)
        else:
            indent, head = count_column(writer.text, node.start), ("",)
            writer.add(node.start, "<<: ")
        lines: list[str] = []
        for key, content in self._list_new_keys():
            lines += (*(self._note if key == "image" else ()), self._pair(key, content, indent, end))
        writer.add(end, writer.lines((*head, *lines), indent))

    def _measure_step(self, owner: Entry) -> int:
        """The indentation of the entries of a neighbour; the usual one where there is none in block style."""
        for level in self._writer.neighbours:
            node, entry = level.node, level.owner
            if entry is not None and isinstance(node, Mapping) and not node.flow and node.entries:
                return count_column(self._writer.text, node.entries[0].start) - count_column(
                    self._writer.text, entry.start
                )
        return max(count_column(self._writer.text, owner.start), USUAL_STEP)


def _write_note_above(writer: YamlWriter, at: int, note: tuple[str, ...]) -> None:
    """The note on a line of its own above the line of ``at``."""
    start = find_line_start(writer.text, at)
    line = writer.text[start:at]
    for each in note:
        writer.add(start, line[: len(line) - len(line.lstrip(" "))] + each + writer.newline)
