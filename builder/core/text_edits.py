"""Changes of a text as values: from where to where, and what stands there instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, order=True)
class Position:
    """A place between two characters: ``line`` counts from 1, ``column`` the characters before it in that line."""

    line: int
    column: int


@dataclass(frozen=True)
class TextEdit:
    """What is between the two positions becomes ``text``; equal positions: it is put in."""

    start: Position
    end: Position
    text: str


def insert_text(at: Position, text: str) -> TextEdit:
    """Nothing is taken away."""
    return TextEdit(at, at, text)


def cut_edited(text: str, edits: Iterable[TextEdit], start: Position, end: Position) -> str:
    """The part of ``text`` between two positions, after those ``edits`` that lie in it; equal edits count once.

    The positions of all edits are those before any of them. Several insertions at one place stand in the given order,
    those that begin a new line behind the others.
    What would be put into text that another edit takes away goes with it. Line ends of a text with CRLF are CRLF.
    Raises ValueError for edits that overlap otherwise, or places outside of the text.
    """
    starts = _list_line_starts(text)
    inside = (edit for edit in dict.fromkeys(edits) if start <= edit.start and edit.end <= end)
    found, done = [], _find_offset(starts, start)
    for edit in sorted(inside, key=lambda one: (one.start, one.end, one.text.startswith("\n"))):
        begin, stop = _find_offset(starts, edit.start), _find_offset(starts, edit.end)
        if begin == stop < done:
            continue
        if begin < done or stop < begin:
            raise ValueError(f"edits overlap at line {edit.start.line}")
        new = edit.text.replace("\n", "\r\n") if "\r\n" in text else edit.text
        found += [text[done:begin], new]
        done = stop
    return "".join((*found, text[done : _find_offset(starts, end)]))


def _list_line_starts(text: str) -> list[int]:
    """The offset of each line, and one more for a line behind the last."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _find_offset(starts: list[int], at: Position) -> int:
    if not 1 <= at.line < len(starts) or not 0 <= at.column < starts[at.line] - starts[at.line - 1]:
        raise ValueError(f"there is no line {at.line} with a column {at.column}")
    return starts[at.line - 1] + at.column
