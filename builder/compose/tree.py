"""A compose file as a tree of nodes with their exact places.

ruamel.yaml finds the tokens and is used for nothing else. Its end marks of block collections run past comments and
blank lines, and its tree forgets where an alias stood, so the tree is built here from its events.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from builder.compose.nodes import (
    BOM,
    Alias,
    Anchored,
    Document,
    Entry,
    Mapping,
    Node,
    Scalar,
    Sequence,
    line_of_index,
)
from builder.errors import ComposeError, Where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEEPEST = 100
"""Levels of nesting; real files have about ten."""
_CORRECT = "correct the file; `docker compose config` reads it too"


@lru_cache(maxsize=64)
def parse(path: Path, data: bytes) -> Document:
    """The tree of one compose file. Raises ComposeError with the line for what cannot be read safely."""
    text = _decode(path, data)
    bom = text.startswith(BOM)
    text = text.removeprefix(BOM)
    return Document(path, text, bom, _Builder(path, text).build())


def _decode(path: Path, data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ComposeError("the file is not UTF-8", where=Where(str(path), line), hint="save it as UTF-8") from error
    if "\0" in text:
        line = line_of_index(text, text.index("\0"))
        raise ComposeError("the file holds a NUL character", where=Where(str(path), line), hint="remove it")
    return text


_LINE = re.compile(r"(?m)^([ \t]*)(\S?[^\n]*)")


def _without_tabs(text: str) -> str:
    """The text with a space for every tab, but for those that indent: Compose allows the former, ruamel none.

    No place moves. Only the text of values that hold a tab is another, and nothing that is compared has one.
    """

    def line(found: re.Match[str]) -> str:
        lead, rest = found.groups()
        lead = lead if rest.strip() and not rest.startswith("#") else lead.replace("\t", " ")
        return lead + str(rest).replace("\t", " ")

    return _LINE.sub(line, text)


class _Builder:
    """One pass over the events of one file."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text
        self._anchors: dict[str, Anchored | None] = {}
        """None while the node is not complete."""
        self._end = 0
        """Behind the last thing that was read."""
        self._depth = 0

    def build(self) -> Mapping | None:
        from ruamel.yaml.error import MarkedYAMLError, YAMLError  # 60 ms that no other command needs

        try:
            return self._document()
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._fail(f"not valid YAML: {error.problem or error.context}", mark.index if mark else self._end)
        except YAMLError as error:
            self._fail(f"not valid YAML: {str(error).splitlines()[0]}", getattr(error, "position", self._end))

    def _fail(self, message: str, at: int, key: str | None = None, *, hint: str = _CORRECT) -> NoReturn:
        where = Where(str(self._path), line_of_index(self._text, at), key)
        raise ComposeError(message, where=where, hint=hint)

    def _document(self) -> Mapping | None:
        from ruamel.yaml import YAML  # as above

        text = _without_tabs(self._text) if "\t" in self._text else self._text
        self._events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(text))
        root: Node | None = None
        documents = 0
        for event in self._events:
            if _kind(event) != "DocumentStart":
                continue
            documents += 1
            if documents > 1:
                hint = "write each document into a file of its own, and give Compose both with -f"
                self._fail("several YAML documents in one file", event.start_mark.index, hint=hint)
            root = self._node(next(self._events))
        if isinstance(root, Scalar) and not root.value:
            return None
        if root is not None and not isinstance(root, Mapping):
            self._fail("a compose file is a mapping", root.start)
        return root

    def _node(self, event: Any) -> Node:
        kind, start = _kind(event), event.start_mark.index
        if kind == "Alias":
            return self._alias(event, start)
        if event.anchor:
            self._anchors[event.anchor] = None
        node: Anchored
        if kind == "Scalar":
            node = self._scalar(event, start)
        else:
            self._depth += 1
            if self._depth > DEEPEST:
                self._fail(f"more than {DEEPEST} levels of nesting", start)
            node = self._sequence(event, start) if kind == "SequenceStart" else self._mapping(event, start)
            self._depth -= 1
        self._end = max(self._end, node.end)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any, start: int) -> Alias:
        if event.anchor not in self._anchors:
            self._fail(f"the alias *{event.anchor} stands before its anchor", start)
        target = self._anchors[event.anchor]
        if target is None:
            self._fail(f"the anchor &{event.anchor} holds itself", start)
        self._end = event.end_mark.index
        return Alias(start, self._end, event.anchor, target)

    def _scalar(self, event: Any, start: int) -> Scalar:
        end, style = event.end_mark.index, event.style or ""
        if style in {"|", ">"}:
            end = _block_end(self._text, start, end)
        elif not style and start == end:
            start = end = self._behind_indicator()
        return Scalar(start, end, event.value, style, event.anchor, _tag(event))

    def _behind_indicator(self) -> int:
        """Where a value would stand that is not there: right behind its colon, dash or question mark."""
        found = re.compile(r"(?:[ \t\r\n]|#[^\n]*\n)*[:\-?]").match(self._text, self._end)
        return found.end() if found else self._end

    def _sequence(self, opening: Any, start: int) -> Sequence:
        items: list[Node] = []
        flow, self._end = bool(opening.flow_style), opening.end_mark.index
        while _kind(event := next(self._events)) != "SequenceEnd":
            items.append(self._node(event))
        end = event.end_mark.index if flow else self._end
        return Sequence(start, end, tuple(items), flow, opening.anchor, _tag(opening))

    def _mapping(self, opening: Any, start: int) -> Mapping:
        entries: dict[str | int, Entry] = {}
        flow, self._end = bool(opening.flow_style), opening.end_mark.index
        while _kind(event := next(self._events)) != "MappingEnd":
            key = self._node(event)
            entry = Entry(key, self._node(next(self._events)))
            name = key.start if entry.name is None else entry.name
            if name in entries:
                first = line_of_index(self._text, entries[name].start)
                self._fail(f"the key stands twice in one mapping, first on line {first}", entry.start, str(name))
            entries[name] = entry
        end = event.end_mark.index if flow else self._end
        return Mapping(start, end, tuple(entries.values()), flow, opening.anchor, _tag(opening))


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _tag(event: Any) -> str | None:
    return None if event.tag is None else str(event.tag)


_HEADER = re.compile(r"(?:[&!][^ \t\n]*[ \t]+)*[|>]([-+0-9]*)")


def _block_end(text: str, start: int, end: int) -> int:
    """Behind the last line of a block scalar's content; blank lines behind it count only where `+` keeps them."""
    header = _HEADER.match(text, start)
    first = text.find("\n", start, end)
    if header is None or first < 0:
        return end
    last, indent = len(text[start:first].rstrip("\r")) + start, _given_indent(text, start, header.group(1))
    keeps = "+" in header.group(1)
    at = first + 1
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        line = text[at:stop].rstrip("\r")
        if line.strip(" "):
            own = len(line) - len(line.lstrip(" "))
            indent = indent or max(own, 1)
            if own < indent:
                break
            last = at + len(line)
        elif keeps:
            last = at + len(line)
        at = stop + 1
    return last


def _given_indent(text: str, start: int, header: str) -> int:
    """The indentation of the content where the header says it (`|2`), else 0: the first line says it."""
    digits = header.strip("+-")
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return len(line) - len(line.lstrip(" -")) + int(digits) if digits else 0
