"""Changes of slots as the new bytes of each file: what is not named stays, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.rewrite.copy import apply_splices
from builder.compose.rewrite.slots import Content, ExistingEntry, KeyAssignments, NewValue
from builder.compose.rewrite.styles import write_changes
from builder.compose.rewrite.writer import KeyChanges, YamlWriter
from builder.compose.yaml import nodes
from builder.compose.yaml.nodes import Document, Scalar
from builder.core.errors import ComposeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from builder.compose.rewrite.resolve import MappingSource


def edit_files(
    draft: KeyAssignments, notes: Mapping[MappingSource, str], folder_of: Callable[[Path], Path]
) -> dict[Path, bytes]:
    """The new bytes of each file that changes. ``notes``: a comment line above the new ``image`` of that level.

    ``folder_of``: what relative paths of a file are relative to. Raises ComposeError, with the place, for what cannot
    be written safely.
    """
    by_document: dict[Document, dict[MappingSource, KeyChanges]] = {}
    for (level, key), content in draft.changes.items():
        if is_changed(level, key, content):
            by_document.setdefault(level.document, {}).setdefault(level, {})[key] = content
    return {
        document.path: _edit_document(document, YamlWriter(document, levels, draft, folder_of), levels, notes)
        for document, levels in by_document.items()
    }


def is_changed(level: MappingSource, key: str, content: Content | None) -> bool:
    """Whether the slot would hold something else than it does now."""
    entry = level.entry(key)
    match content:
        case None:
            return entry is not None
        case NewValue(text):
            return entry is None or not isinstance(entry.value, Scalar) or entry.value.value != text
        case ExistingEntry():
            return content.entry is not entry
        case _:
            return True


def _edit_document(
    document: Document, writer: YamlWriter, levels: dict[MappingSource, KeyChanges], notes: Mapping[MappingSource, str]
) -> bytes:
    if "\r" in document.text.replace("\r\n", ""):
        at = document.text.replace("\r\n", "\n\n").index("\r")
        hint = "save the file with usual line breaks"
        raise ComposeError("a line ends with a lone carriage return", where=document.where(at), hint=hint)
    _refuse_explicit_keys(document, levels)
    for level, changes in levels.items():
        write_changes(writer, level, changes, notes.get(level))
    try:
        return document.encode(apply_splices(document.text, writer.splices))
    except ValueError as error:
        where = document.where(min(level.node.start for level in levels))
        raise ComposeError("two edits of this file overlap", where=where, hint="write the keys by hand") from error


def _refuse_explicit_keys(document: Document, levels: dict[MappingSource, KeyChanges]) -> None:
    """``? key`` on one line and ``: value`` on the next: YAML that few write, and no place for a new key."""
    for level in levels:
        for entry in level.node.entries if isinstance(level.node, nodes.Mapping) else ():
            if document.text[: entry.start].rstrip(" \t").endswith("?"):
                hint = "write it as `key: value`"
                raise ComposeError("a key is written with `?`", where=document.where(entry.start), hint=hint)
