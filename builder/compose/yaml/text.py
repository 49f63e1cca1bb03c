"""Pieces of YAML text: comments between nodes, scalars with quotes where they need them, nodes on one line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from builder.compose.yaml.nodes import (
    Alias,
    Anchored,
    Document,
    Mapping,
    Node,
    Scalar,
    Sequence,
    resolve_alias,
    walk_nodes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COMMENT = re.compile(r"(?:^|(?<=[ \t\r\n]))#[^\r\n\x85\u2028\u2029]*")
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*")
_OTHER_TYPE = re.compile(
    r"[-+.]?[0-9][-+0-9._:xoA-F]*|true|false|yes|no|on|off|null|y|n||~|\.inf|\.nan|[0-9-]+T[0-9:.Z+-]+", re.IGNORECASE
)
_CORE = "tag:yaml.org,2002:"


def find_line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def find_line_end(text: str, at: int) -> int:
    """Before the line break of the line of ``at``, or the end of the text."""
    end = text.find("\n", at)
    if end < 0:
        return len(text)
    return end - 1 if end > at and text[end - 1] == "\r" else end


def find_next_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def count_column(text: str, at: int) -> int:
    return at - find_line_start(text, at)


def find_comments(document: Document, node: Node, start: int, end: int) -> tuple[str, ...]:
    """The comments between ``start`` and ``end``, a part of the text whose nodes are all in ``node``."""
    found: list[str] = []
    at = start
    for leaf in walk_nodes(node):
        if isinstance(leaf, (Scalar, Alias)) and start <= leaf.start and leaf.end <= end:
            found += _iterate_comments(document.text, at, leaf.start)
            if isinstance(leaf, Scalar) and leaf.style in {"|", ">"}:
                found += _iterate_comments(document.text, leaf.start, find_line_end(document.text, leaf.start))
            at = max(at, leaf.end)
    return (*found, *_iterate_comments(document.text, at, end))


def _iterate_comments(text: str, start: int, end: int) -> Iterator[str]:
    return (found.group().rstrip() for found in _COMMENT.finditer(text, start, end))


def find_trailing_comment(document: Document, at: int) -> str | None:
    """The comment on the rest of the line behind ``at``, where only a comment can be."""
    return next(_iterate_comments(document.text, at, find_line_end(document.text, at)), None)


def find_comment_lines_above(document: Document, at: int) -> tuple[int, tuple[str, ...]]:
    """The comments on the lines directly above that of ``at``, in its column, and where the first one's line starts.
    None where something else is before ``at`` on its own line."""
    text, column = document.text, count_column(document.text, at)
    start, found = find_line_start(text, at), []
    if text[start:at].strip(" "):
        return start, ()
    while start > 0:
        above = find_line_start(text, start - 1)
        line = text[above:start].rstrip()
        if not line.startswith(" " * column + "#"):
            break
        found.append(line.lstrip(" "))
        start = above
    return start, tuple(found[::-1])


def is_text_scalar(node: Scalar) -> bool:
    """Whether the scalar is a text for certain, and no number, date or truth value."""
    return bool(node.style) or not _OTHER_TYPE.fullmatch(node.value)


def quote_scalar(text: str, style: str = "") -> str:
    """The text as a scalar. ``style`` is a quote that the person used before."""
    if style in {"'", '"'} and not set(text) & set("'\"\\"):
        return style + text + style
    plain = _PLAIN.fullmatch(text) and not _OTHER_TYPE.fullmatch(text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def find_anchor_span(document: Document, node: Anchored) -> tuple[int, int]:
    """Where ``&name`` and the blanks behind it are."""
    found = re.compile(r"(?:!\S*\s+)?(&\S+[ \t]*)").match(document.text, node.start)
    return found.span(1) if found else (node.start, node.start)


def format_on_one_line(document: Document, node: Node, works: Callable[[Alias], bool] = lambda _: False) -> str:
    """The node in flow style: it can be put anywhere. Aliases that do not work there become what they mean."""
    if isinstance(node, Alias) and works(node):
        return f"*{node.name}"
    node = resolve_alias(node)
    tag = _format_tag(node.tag)
    match node:
        case Mapping(entries=entries):
            pairs = (
                (format_on_one_line(document, entry.key), format_on_one_line(document, entry.value, works))
                for entry in entries
            )
            return tag + "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        case Sequence(items=items):
            return tag + "[" + ", ".join(format_on_one_line(document, item, works) for item in items) + "]"
        case Scalar():
            return tag + _format_scalar(document, node)


def _format_tag(tag: str | None) -> str:
    return "" if tag is None else tag.replace(_CORE, "!!", 1) + " "


def _format_scalar(document: Document, node: Scalar) -> str:
    source = document.text[node.start : node.end]
    body = re.sub(r"\A(?:[&!]\S*\s*)*", "", source) if node.anchor or node.tag else source
    if node.style in {"'", '"'} and "\n" not in body:
        return body
    if not node.style and not set(body) & set(",[]{}\n\r"):
        return body or "null"
    return json.dumps(node.value, ensure_ascii=False)
