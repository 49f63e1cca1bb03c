"""A compose file as a tree of nodes with their exact places: the one reader of compose files.

libyaml finds the events. Its end marks of block collections run past comments and blank lines, and its own tree forgets
where an alias stood, so the tree is built here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from builder.compose.yaml.alias_size import FEWER_ALIASES, measure_aliases
from builder.compose.yaml.block_scalar import find_block_end
from builder.compose.yaml.events import InvalidYamlError, read_events
from builder.compose.yaml.nodes import (
    BOM,
    Alias,
    Anchored,
    Document,
    Entry,
    Mapping,
    Node,
    Scalar,
    Sequence,
    find_line_number,
)
from builder.core.errors import ComposeError, Where

if TYPE_CHECKING:
    from pathlib import Path

MAX_DEPTH = 100
"""Levels of nesting in a file that is edited; real files have about ten."""
DEEPEST_READ = 1000
"""In any file; libyaml stops there too."""
_CORRECT = "correct the file; `docker compose config` reads it too"
UNCLOSED = "close the quote or the bracket that begins in this line: nothing ends it"


@dataclass(frozen=True)
class Fault:
    """Something in a file that is refused. ``at`` is an index into ``Tree.text``."""

    message: str
    at: int
    key: str | None = None
    hint: str = _CORRECT
    too_deep: bool = False
    anchor: str | None = None
    """The name that an alias has and no anchor before it."""


@dataclass(frozen=True, eq=False)
class Tree:
    """What the bytes of a file say, whatever state they are in."""

    text: str = field(repr=False)
    """Without its byte order mark, as far as it is UTF-8."""
    bom: bool
    roots: tuple[Node, ...]
    """One per document; those before ``broken``."""
    fault: Fault | None
    """The first thing that is refused where the file is edited; code that only reads passes over it, unless it is
    ``broken`` too."""
    broken: Fault | None
    """Why the rest of the file cannot be read."""

    @cached_property
    def multiplied(self) -> Fault | None:
        """Where aliases make it mean so much that Compose would be busy with it for minutes."""
        found = measure_aliases(self.roots)
        at = found.heaviest.start if found.heaviest is not None else 0
        return Fault(str(found), at, hint=FEWER_ALIASES) if found.is_too_much else None

    def line(self, at: int) -> int:
        """The line of the character ``at``, from 1, as editors count."""
        return find_line_number(self.text, at)


@lru_cache(maxsize=64)
def parse_compose_file(path: Path, data: bytes) -> Document:
    """The tree of one compose file. Raises ComposeError with the line for what cannot be edited safely.

    Two files have two trees, also where their bytes are equal: nodes are told apart by what they are, not by their
    places.
    """
    tree = _read(data)
    root = tree.roots[0] if tree.roots else None
    if isinstance(root, Scalar) and not root.value:
        root = None
    fault = tree.fault or tree.multiplied
    if fault is None and root is not None and not isinstance(root, Mapping):
        fault = Fault("a compose file is a mapping", root.start)
    if fault is not None:
        raise ComposeError(fault.message, where=Where(str(path), tree.line(fault.at), fault.key), hint=fault.hint)
    return Document(path, tree.text, tree.bom, root if isinstance(root, Mapping) else None)


@lru_cache(maxsize=64)  # which files it names and which images: each asks for the tree
def read_tree(data: bytes) -> Tree:
    """The tree of what a file says, for looking only. Raises nothing for what is in it."""
    return _read(data)


def _read(data: bytes) -> Tree:
    text, problem = _decode_text(data)
    bom = text.startswith(BOM)
    text = text.removeprefix(BOM)
    if "\0" in text and not problem:
        text, problem = text[: text.index("\0")], ("the file holds a NUL character", "remove it")
    if problem:
        message, hint = problem
        broken = Fault(message, len(text), hint=hint)
        return Tree(text, bom, (), broken, broken)
    builder = _TreeBuilder(text)
    builder.build()
    return Tree(text, bom, tuple(builder.roots), builder.fault or builder.broken, builder.broken)


def _decode_text(data: bytes) -> tuple[str, tuple[str, str] | None]:
    """The text as far as it is UTF-8; message and next step where not all of it is."""
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError as error:
        return data[: error.start].decode("utf-8"), ("the file is not UTF-8", "save it as UTF-8")


@dataclass(eq=False)
class _Open:
    """A collection whose end has not come yet."""

    event: Any
    is_mapping: bool
    nodes: list[Node] = field(default_factory=list)
    """Items, or keys and values in turn."""
    names: dict[str | int, int] = field(default_factory=dict)
    """Of a mapping: name → its first place."""


class _BrokenError(Exception):
    """The rest cannot be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class _TreeBuilder:
    """One pass over the events of one file. It calls itself nowhere: a file may be nested as deep as it likes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.roots: list[Node] = []
        self.fault: Fault | None = None
        """The first one."""
        self.broken: Fault | None = None
        self._anchors: dict[str, Anchored | None] = {}
        """None while the node is not complete."""
        self._end = 0
        """Behind the last thing that was read."""
        self._open: list[_Open] = []
        """From the outermost in."""

    def build(self) -> None:
        """Fills the public attributes."""
        try:
            for event in read_events(self._text):
                self._take(event)
        except InvalidYamlError as error:
            hint = UNCLOSED if error.unclosed else _CORRECT
            invalid = Fault(f"not valid YAML: {error.problem}", error.at, hint=hint)
            self.broken = self._make_depth_error(error.at) if error.too_deep else invalid
        except _BrokenError as error:
            self.broken = error.fault

    def _take(self, event: Any) -> None:
        match type(event).__name__:
            case "ScalarEvent":
                self._add(self._keep(event.anchor, self._build_scalar(event)))
            case "AliasEvent":
                self._add(self._build_alias(event))
            case "MappingStartEvent" | "SequenceStartEvent" as kind:
                self._begin(event, is_mapping=kind == "MappingStartEvent")
            case "MappingEndEvent" | "SequenceEndEvent":
                opened = self._open.pop()
                self._add(self._keep(opened.event.anchor, self._collection(opened, event.end_mark.index)))
            case "DocumentStartEvent":
                self._begin_document(event.start_mark.index)

    def _note(self, message: str, at: int, key: str | None = None, *, hint: str = _CORRECT) -> None:
        self.fault = self.fault or Fault(message, at, key, hint)

    def _begin_document(self, at: int) -> None:
        self._anchors = {}
        if len(self.roots) == 1:
            hint = "write each document into a file of its own, and give Compose both with -f"
            self._note("several YAML documents in one file", at, hint=hint)

    def _begin(self, event: Any, *, is_mapping: bool) -> None:
        start = event.start_mark.index
        if len(self._open) == MAX_DEPTH:
            self.fault = self.fault or self._make_depth_error(start)
        if len(self._open) == DEEPEST_READ:
            raise _BrokenError(self._make_depth_error(start))
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append(_Open(event, is_mapping))
        self._end = event.end_mark.index

    @staticmethod
    def _make_depth_error(at: int) -> Fault:
        return Fault(f"more than {MAX_DEPTH} levels of nesting", at, too_deep=True)

    def _keep(self, anchor: str | None, node: Anchored) -> Anchored:
        self._end = max(self._end, node.end)
        if anchor:
            self._anchors[anchor] = node
        return node

    def _add(self, node: Node) -> None:
        """Puts the finished node where it belongs."""
        if not self._open:
            self.roots.append(node)
            return
        into = self._open[-1]
        into.nodes.append(node)
        if into.is_mapping and len(into.nodes) % 2 == 0:
            self._check_name(into, into.nodes[-2])

    def _check_name(self, mapping: _Open, key: Node) -> None:
        name = key.value if isinstance(key, Scalar) else key.start
        first = mapping.names.setdefault(name, key.start)
        if first != key.start and self.fault is None:
            line = find_line_number(self._text, first)
            self._note(f"the mapping has this key twice, first on line {line}", key.start, str(name))

    def _build_alias(self, event: Any) -> Alias:
        start, self._end = event.start_mark.index, event.end_mark.index
        if event.anchor not in self._anchors:
            message = f"the alias *{event.anchor} is used before its anchor"
            raise _BrokenError(Fault(message, start, anchor=event.anchor))
        target = self._anchors[event.anchor]
        if target is None:
            self._note(f"the anchor &{event.anchor} contains itself", start)
            target = Scalar(self._end, self._end, "")  # code that follows it is inside the anchored node already
        return Alias(start, self._end, event.anchor, target)

    def _build_scalar(self, event: Any) -> Scalar:
        start, end, style = event.start_mark.index, event.end_mark.index, event.style or ""
        if style in {"|", ">"}:
            end = find_block_end(self._text, start, end)
        elif not style and start == end:
            start = end = self._find_empty_position()
        return Scalar(start, end, event.value, style, event.anchor, event.tag)

    def _find_empty_position(self) -> int:
        """The place of a value that is missing: right behind its colon, dash or question mark."""
        found = _INDICATOR.match(self._text, self._end)
        return found.end() if found else self._end

    def _collection(self, opened: _Open, end: int) -> Sequence | Mapping:
        event, nodes = opened.event, opened.nodes
        start, flow = event.start_mark.index, bool(event.flow_style)
        end = end if flow else self._end
        if not opened.is_mapping:
            return Sequence(start, end, tuple(nodes), flow, event.anchor, event.tag)
        entries = tuple(map(Entry, nodes[::2], nodes[1::2]))
        return Mapping(start, end, entries, flow, event.anchor, event.tag)


_INDICATOR = re.compile(r"(?:[ \t\r\n\x85\u2028\u2029]|#[^\r\n\x85\u2028\u2029]*+)*+[:\-?]")
