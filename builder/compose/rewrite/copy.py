"""An entry written once more, elsewhere: with its comments, at another depth, in block or flow style."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.compose.rewrite.resolve import find_entry
from builder.compose.yaml.nodes import Alias, Document, Entry, Mapping, Scalar, walk_nodes
from builder.compose.yaml.text import (
    count_column,
    find_anchor_span,
    find_comment_lines_above,
    find_comments,
    find_line_end,
    find_line_start,
    find_trailing_comment,
    format_on_one_line,
    quote_scalar,
)
from builder.core.errors import ComposeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Splice = tuple[int, int, str]
"""Start, end, what is put there instead."""


@dataclass(frozen=True)
class CopyTarget:
    """Where a copy goes: ``indent`` is the column of its key in block style, None in flow style."""

    document: Document
    folder: Path
    """What relative paths of this file are relative to."""
    indent: int | None
    alias_works: Callable[[Alias], bool]
    """Whether this alias of the same file would mean the same there."""


MOST_COMMENT_LINES = 2
"""Longer ones above a build explain the whole mapping, as in Airflow's own file."""
_ABOUT_BUILDS = re.compile(r"buil[dt]|dockerfile", re.IGNORECASE)


def find_build_comment(document: Document, entry: Entry) -> tuple[int, tuple[str, ...]]:
    """The comment lines above a ``build:`` that speak of it, and go where it goes; and where they start."""
    start, lines = find_comment_lines_above(document, entry.start)
    scalars = (node.value for node in walk_nodes(entry.value) if isinstance(node, Scalar))
    said = [text for value in scalars if len(text := value.removeprefix("./")) > 2]
    about = any(_ABOUT_BUILDS.search(line) or any(text in line for text in said) for line in lines)
    if entry.name == "build" and about and len(lines) <= MOST_COMMENT_LINES:
        return start, lines
    return find_line_start(document.text, entry.start), ()


def list_build_comments(document: Document, entry: Entry) -> set[str]:
    """All that speak of a ``build:``: those above, inside and behind it."""
    trailing = find_trailing_comment(document, entry.end)
    inside = find_comments(document, entry.value, entry.start, entry.end)
    return {*find_build_comment(document, entry)[1], *inside, *filter(None, (trailing,))}


def apply_splices(text: str, splices: list[Splice], start: int = 0, end: int | None = None) -> str:
    """``text[start:end]`` with the splices done. Raises ValueError when two of them overlap."""
    out, at = [], start
    for first, last, new in sorted(splices, key=lambda splice: splice[:2]):
        if first < at:
            raise ValueError("two edits overlap")
        out += [text[at:first], new]
        at = last
    return "".join((*out, text[at : len(text) if end is None else end]))


def copy_entry(entry: Entry, source: Document, folder: Path, place: CopyTarget, *, flow: bool) -> str:
    """The text of the entry at its new place, without the indentation of its first line.

    ``flow``: the entry is in a mapping in flow style. Raises ComposeError where its paths would mean others.
    """
    works = place.alias_works if source is place.document else _reject_alias
    splices = _rebase_paths(entry, source, folder, place.folder)
    if place.indent is None:
        if splices:
            raise _make_path_error(entry, source)
        return f"{entry.name}: " + format_on_one_line(source, entry.value, works)
    end = entry.end if flow else find_line_end(source.text, entry.end)
    for node in (*walk_nodes(entry.key), *walk_nodes(entry.value)):
        if isinstance(node, Alias):
            if not works(node):
                splices.append((node.start, node.end, format_on_one_line(source, node)))
        elif node.anchor:
            splices.append((*find_anchor_span(source, node), ""))
    above = () if flow else find_build_comment(source, entry)[1]
    lines = (*above, apply_splices(source.text, splices, entry.start, end).rstrip())
    text = (place.document.newline + " " * count_column(source.text, entry.start)).join(lines)
    return reindent_text(text, count_column(source.text, entry.start), place.indent, place.document.newline, flow=flow)


def _reject_alias(_alias: Alias) -> bool:
    return False


def _rebase_paths(entry: Entry, source: Document, old: Path, new: Path) -> list[Splice]:
    """What must be written for paths below the folder ``old``, so that they mean the same below ``new``."""
    if entry.name != "build" or os.path.normpath(old) == os.path.normpath(new):
        return []
    value = entry.value
    found = find_entry(value, "context") if isinstance(value, Mapping) else None
    context = found.value if found else value
    if not isinstance(context, Scalar) or "$" in context.value or find_entry(value, "additional_contexts"):
        raise _make_path_error(entry, source)
    if re.match(r"/|git@|github\.com|[a-z+]+://", context.value):
        return []
    moved = os.path.relpath(old / context.value, new)
    return [(context.start, context.end, quote_scalar(moved if moved.startswith(".") else f"./{moved}"))]


def _make_path_error(entry: Entry, source: Document) -> ComposeError:
    return ComposeError(
        "this build would have to be copied to a file in another folder, and its paths would mean something else there",
        where=source.where(entry.start, "build"),
        hint="write the build into the service that should keep it",
    )


def reindent_text(text: str, old: int, new: int, newline: str, *, flow: bool = False) -> str:
    """The lines behind the first moved from column ``old`` to ``new``."""
    first, *rest = re.split(r"\r?\n", text)
    if flow:
        return newline.join((first, *(" " * (new + 2) + line.strip() for line in rest)))
    return newline.join((first, *(_shift_line(line, new - old) for line in rest)))


def _shift_line(line: str, by: int) -> str:
    if not line or by >= 0:
        return " " * by + line if line else line
    return line[min(-by, len(line) - len(line.lstrip(" "))) :]
