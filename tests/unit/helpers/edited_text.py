"""A whole text after edits, as a program would apply them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.text_edits import Position, TextEdit, cut_edited

if TYPE_CHECKING:
    from collections.abc import Iterable


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    lines = text.split("\n")
    wanted = tuple(edits)
    start, end = Position(1, 0), Position(len(lines), len(lines[-1]))
    assert all(start <= edit.start <= edit.end <= end for edit in wanted), "an edit lies outside of the text"
    return cut_edited(text, wanted, start, end)
