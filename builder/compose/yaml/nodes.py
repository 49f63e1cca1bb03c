"""What a compose file consists of, each part with its exact place: indexes into ``Document.text``.

Lines are counted only for messages, because YAML knows line breaks that editors do not.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from builder.core.errors import Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BOM = "\ufeff"
MERGE_TAG = "tag:yaml.org,2002:merge"
NULL_TAG = "tag:yaml.org,2002:null"
_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, eq=False)
class Scalar:
    """``start`` is that of its anchor or tag, where it has one; ``end`` is behind its last character."""

    start: int
    end: int
    value: str = field(repr=False)
    """May be a secret."""
    style: str = ""
    """``'`` ``"`` ``|`` ``>``, or empty for a plain one."""
    anchor: str | None = None
    tag: str | None = None

    @property
    def is_null(self) -> bool:
        plain = self.tag is None and not self.style
        return self.tag == NULL_TAG or (plain and self.value in {"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, eq=False)
class Alias:
    """``*name`` at its own place; what it means is ``target``."""

    start: int
    end: int
    name: str
    target: Scalar | Sequence | Mapping


@dataclass(frozen=True, eq=False)
class Sequence:
    start: int
    end: int
    items: tuple[Node, ...] = field(repr=False)
    flow: bool
    anchor: str | None = None
    tag: str | None = None


@dataclass(frozen=True, eq=False)
class Entry:
    """``key: value`` of a mapping. ``end`` is that of the value, or behind the colon where there is none."""

    key: Node
    value: Node

    @property
    def start(self) -> int:
        return self.key.start

    @property
    def end(self) -> int:
        return self.value.end

    @property
    def name(self) -> str | None:
        """None where the key is not plain text."""
        return self.key.value if isinstance(self.key, Scalar) else None

    @property
    def is_merge(self) -> bool:
        """``<<``, also with the tag ``!!merge`` before it; in quotes it is a key like any other."""
        key = self.key
        return isinstance(key, Scalar) and key.value == "<<" and (not key.style or key.tag == MERGE_TAG)


@dataclass(frozen=True, eq=False)
class Mapping:
    start: int
    end: int
    entries: tuple[Entry, ...] = field(repr=False)
    flow: bool
    anchor: str | None = None
    tag: str | None = None

    def entry(self, name: str) -> Entry | None:
        """Its own entry of this name; what it merges is not looked at."""
        return next((entry for entry in self.entries if entry.name == name and not entry.is_merge), None)


Node = Scalar | Alias | Sequence | Mapping
Anchored = Scalar | Sequence | Mapping


def resolve_alias(node: Node) -> Anchored:
    """The node itself, or what the alias means."""
    return node.target if isinstance(node, Alias) else node


def read_key_text(entry: Entry) -> str | None:
    """The name of the entry, also where that is an alias."""
    key = resolve_alias(entry.key)
    return key.value if isinstance(key, Scalar) else None


def find_value(node: Node | None, key: str) -> Anchored | None:
    """What the first entry of this name holds; merges are not followed. None also where ``node`` is not a mapping."""
    node = None if node is None else resolve_alias(node)
    entries = node.entries if isinstance(node, Mapping) else ()
    return next((resolve_alias(entry.value) for entry in entries if read_key_text(entry) == key), None)


def find_children(node: Anchored) -> list[Node]:
    """The items of a sequence, the values of a mapping."""
    if isinstance(node, Mapping):
        return [entry.value for entry in node.entries]
    return list(node.items) if isinstance(node, Sequence) else []


def follow(root: Node, children: Callable[[Anchored], list[Node]] = find_children) -> Iterator[Anchored]:
    """The node and what it holds, each once, in the order of the text; an alias gives what it means, at its own place.

    It ends for files that hold themselves, and takes any depth.
    """
    waiting, seen = [root], set()
    while waiting:
        node = resolve_alias(waiting.pop())
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting += reversed(children(node))


def walk_nodes(node: Node) -> Iterator[Node]:
    """The node and everything written inside of it, in the order of the text; aliases are not followed."""
    yield node
    if isinstance(node, Sequence):
        for item in node.items:
            yield from walk_nodes(item)
    elif isinstance(node, Mapping):
        for entry in node.entries:
            yield from walk_nodes(entry.key)
            yield from walk_nodes(entry.value)


@dataclass(frozen=True, eq=False)
class Document:
    """One file. ``text`` is without its byte order mark; ``bom`` says whether it had one."""

    path: Path
    text: str = field(repr=False)
    bom: bool
    root: Mapping | None
    """None for a file with nothing in it."""

    def encode(self, text: str) -> bytes:
        """``text`` as the bytes of this file."""
        return ((BOM if self.bom else "") + text).encode()

    @property
    def newline(self) -> str:
        """The line break of the first line."""
        found = _BREAK.search(self.text)
        return found.group() if found else "\n"

    def line(self, at: int) -> int:
        """The line of the character ``at``, from 1, as editors count."""
        return bisect.bisect_right(self._breaks, at) + 1

    @cached_property
    def _breaks(self) -> list[int]:
        """Where each line but the first begins."""
        return [found.end() for found in _BREAK.finditer(self.text)]

    def where(self, at: int, key: str | None = None) -> Where:
        return Where(str(self.path), self.line(at), key)


def find_line_number(text: str, at: int) -> int:
    return sum(1 for _ in _BREAK.finditer(text, 0, at)) + 1
