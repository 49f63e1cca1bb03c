"""Which other files a compose file names: ``include:`` and ``extends: {file: ...}``.

A broken file names none: that it is broken is Compose's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from builder.compose.yaml.nodes import Node, Scalar, Sequence, deref, follow, value_at
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
class References:
    """``extended``: the files of all ``extends``, wherever they stand; a service may come by one through an anchor."""

    includes: tuple[Include, ...] = ()
    extended: tuple[str, ...] = ()


@lru_cache(maxsize=64)  # a file may be reached in many ways
def references(data: bytes) -> References:
    """The files that this one names."""
    tree = read_tree(data)
    if tree.broken is not None:
        return References()
    includes = (entry for root in tree.roots for entry in _items(value_at(root, "include")))
    extended = (file for root in tree.roots for file in _extended(root))
    return References(tuple(found for entry in includes if (found := _include(entry))), tuple(dict.fromkeys(extended)))


def is_too_deep(data: bytes) -> bool:
    """Whether the file is nested deeper than is read here. Compose reads ten times as deep."""
    broken = read_tree(data).broken
    return broken is not None and broken.too_deep


def broken_line(data: bytes) -> int | None:
    """The line (from 1) where YAML itself is broken; None where it is not."""
    tree = read_tree(data)
    return None if tree.broken is None or tree.broken.too_deep else tree.line(tree.broken.at)


def _include(entry: Node) -> Include | None:
    if text := _text(entry):
        return Include((text,))
    paths = _texts(value_at(entry, "path"))
    directory = _texts(value_at(entry, "project_directory"))
    env_files = _texts(value_at(entry, "env_file"))
    return Include(paths, directory[0] if directory else None, env_files) if paths else None


def _extended(root: Node) -> Iterator[str]:
    for node in follow(root):
        yield from _texts(value_at(value_at(node, "extends"), "file"))


def _items(node: Node | None) -> tuple[Node, ...]:
    node = None if node is None else deref(node)
    return node.items if isinstance(node, Sequence) else ()


def _text(node: Node | None) -> str:
    """Empty where it is no text."""
    node = None if node is None else deref(node)
    return node.value if isinstance(node, Scalar) and not node.is_null else ""


def _texts(node: Node | None) -> tuple[str, ...]:
    """Of a text, or of a list of texts."""
    return tuple(text for text in (_text(node), *map(_text, _items(node))) if text)
