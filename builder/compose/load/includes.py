"""Which other files a compose file names: ``include:`` and ``extends: {file: ...}``.

A broken file names none: Compose reports that it is broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from builder.compose.yaml.nodes import (
    Mapping,
    Node,
    Scalar,
    Sequence,
    find_value,
    follow,
    read_key_text,
    resolve_alias,
)
from builder.compose.yaml.parse import read_tree

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Include:
    """One entry of ``include:``. All paths as they are written; the first of ``paths`` is the main one."""

    paths: tuple[str, ...]
    project_directory: str | None = None
    env_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileDependencies:
    """``extended``: the files of all ``extends``, wherever they are; a service may get one through an anchor."""

    includes: tuple[Include, ...] = ()
    extended: tuple[str, ...] = ()


@lru_cache(maxsize=64)  # a file may be reached in many ways
def parse_dependencies(data: bytes) -> FileDependencies:
    """The files that this one names."""
    tree = read_tree(data)
    if tree.broken is not None:
        return FileDependencies()
    includes = (entry for root in tree.roots for entry in _list_items(find_value(root, "include")))
    extended = (file for root in tree.roots for file in _iterate_extended_files(root))
    return FileDependencies(
        tuple(found for entry in includes if (found := _parse_include(entry))), tuple(dict.fromkeys(extended))
    )


def is_too_deep(data: bytes) -> bool:
    """Whether the file is nested deeper than is read here. Compose reads ten times as deep."""
    broken = read_tree(data).broken
    return broken is not None and broken.too_deep


@dataclass(frozen=True)
class LineFault:
    """What is wrong with a file, and what to do."""

    line: int
    message: str
    hint: str


MOST_EXTENDS = 100
"""Services of which each extends the next. Real ones have three."""


def find_long_chain(data: bytes) -> LineFault | None:
    """Where services of this file extend each other over more levels than anybody writes; None: nowhere."""
    tree = read_tree(data)
    services = find_value(tree.roots[0], "services") if tree.roots else None
    entries = services.entries if isinstance(services, Mapping) else ()
    bases = {read_key_text(entry): _read_base(entry.value) for entry in entries}
    levels: dict[str | None, int] = {}
    for name in bases:
        chain: list[str | None] = []
        base: str | None = name
        while base in bases and base not in levels and base not in chain[-MOST_EXTENDS:] and len(chain) <= MOST_EXTENDS:
            chain.append(base)
            base = bases[base]
        below = levels.get(base, 0)
        levels.update({one: below + number for number, one in enumerate(reversed(chain), 1)})
    entry = next((entry for entry in entries if levels.get(read_key_text(entry), 0) > MOST_EXTENDS), None)
    if entry is None:
        return None
    message = f"services extend each other over more than {MOST_EXTENDS} levels"
    return LineFault(tree.line(entry.start), message, "let them extend one common service")


def _read_base(service: Node) -> str | None:
    """The service of the same file that this one extends."""
    extends = find_value(service, "extends")
    named = _read_scalar_text(extends) or _read_scalar_text(find_value(extends, "service"))
    return None if find_value(extends, "file") is not None else named or None


@lru_cache(maxsize=64)
def find_multiplied(data: bytes) -> LineFault | None:
    """Where aliases make the file mean so much that Compose would be busy with it for minutes; None: nowhere."""
    tree = read_tree(data)
    fault = tree.multiplied
    return None if fault is None else LineFault(tree.line(fault.at), fault.message, fault.hint)


def find_text_line(data: bytes, text: str) -> int | None:
    """The first line (from 1) where a value is this text."""
    tree = read_tree(data)
    nodes = (node for root in tree.roots for node in follow(root))
    return next((tree.line(node.start) for node in nodes if isinstance(node, Scalar) and node.value == text), None)


def _parse_include(entry: Node) -> Include | None:
    if text := _read_scalar_text(entry):
        return Include((text,))
    paths = _list_texts(find_value(entry, "path"))
    directory = _list_texts(find_value(entry, "project_directory"))
    env_files = _list_texts(find_value(entry, "env_file"))
    return Include(paths, directory[0] if directory else None, env_files) if paths else None


def _iterate_extended_files(root: Node) -> Iterator[str]:
    for node in follow(root):
        yield from _list_texts(find_value(find_value(node, "extends"), "file"))


def _list_items(node: Node | None) -> tuple[Node, ...]:
    node = None if node is None else resolve_alias(node)
    return node.items if isinstance(node, Sequence) else ()


def _read_scalar_text(node: Node | None) -> str:
    """Empty where it is not a text."""
    node = None if node is None else resolve_alias(node)
    return node.value if isinstance(node, Scalar) and not node.is_null else ""


def _list_texts(node: Node | None) -> tuple[str, ...]:
    """Of a text, or of a list of texts."""
    return tuple(text for text in (_read_scalar_text(node), *map(_read_scalar_text, _list_items(node))) if text)
