"""The edits of a plan as a unified diff, as `diff -u` and `git diff` write it, secrets masked."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from builder.report.secret_lines import SecretLines
from builder.report.units import escape_controls, escape_to_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from builder.compose.model import FileEdit

CONTEXT_LINES = 3
SAME_LINES = 3
"""So many equal lines end a place that differs."""
FARTHEST_LINES = 400
NO_NEWLINE = "\\ No newline at end of file"
_GREEN, _RED, _CYAN, _BOLD, _END = "\x1b[32m", "\x1b[31m", "\x1b[36m", "\x1b[1m", "\x1b[0m"
_COLORS = {"+++": _BOLD, "---": _BOLD, "@@": _CYAN, "+": _GREEN, "-": _RED}


class LineChange(NamedTuple):
    """Lines ``old`` (first, behind the last; from 0) became lines ``new``."""

    old: tuple[int, int]
    new: tuple[int, int]


def format_unified_diff(edits: Iterable[FileEdit], folder: Path) -> str:
    """`patch` can apply it where it shows no secret, which is masked. Paths are relative to ``folder`` where they are
    in it."""
    return "".join(
        _format_file_diff(edit, escape_to_one_line(format_display_path(edit.path, folder)))
        for edit in edits
        if edit.changes
    )


def format_readable_diff(edits: Iterable[FileEdit], folder: Path, *, color: bool = False) -> str:
    """The same to look at: a file whose lines all end in CRLF says so once, nothing in it steers the terminal."""
    return "".join(_format_readable_edit(edit, folder, color=color) for edit in edits if edit.changes)


def format_display_path(path: Path, folder: Path) -> str:
    """Relative with forward slashes; a file elsewhere by its whole path."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def _format_readable_edit(edit: FileEdit, folder: Path, *, color: bool) -> str:
    name = escape_to_one_line(format_display_path(edit.path, folder))
    windows = _is_crlf(edit.before) and _is_crlf(edit.after)
    lines = _format_file_diff(edit, name).split("\n")
    kept = [line.removesuffix("\r") if windows else line for line in lines]
    note = f"# {name}: its lines end in CRLF, and still will\n" if windows else ""
    return note + "\n".join(_color_line(escape_controls(line.replace("\ufeff", "")), color=color) for line in kept)


def _color_line(line: str, *, color: bool) -> str:
    found = next((paint for start, paint in _COLORS.items() if line.startswith(start)), None) if color else None
    return f"{found}{line}{_END}" if found else line


def _is_crlf(data: bytes) -> bool:
    return b"\r\n" in data and data.count(b"\n") == data.count(b"\r\n")


def _format_file_diff(edit: FileEdit, name: str) -> str:
    before, after = _split_lines(edit.before), _split_lines(edit.after)
    return "".join(_complete_line(line) for line in _iterate_unified_lines(before, after, name))


def _split_lines(data: bytes) -> list[str]:
    """With their ends; only a line feed ends a line (str.splitlines knows ten others)."""
    parts = data.decode("utf-8", "surrogateescape").split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _complete_line(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}\n"


def _iterate_unified_lines(before: list[str], after: list[str], name: str) -> Iterator[str]:
    yield f"--- {name}\n"
    yield f"+++ {name}\n"
    shown = SecretLines(before, after)
    for hunk in _iterate_hunks(_iterate_changes(before, after)):
        start, stop = max(hunk[0].old[0] - CONTEXT_LINES, 0), min(hunk[-1].old[1] + CONTEXT_LINES, len(before))
        shift = hunk[0].new[0] - hunk[0].old[0]
        end = stop + hunk[-1].new[1] - hunk[-1].old[1]
        yield f"@@ -{_format_range(start, stop)} +{_format_range(start + shift, end)} @@\n"
        at = start
        for change in hunk:
            yield from (f" {line}" for line in shown.mask(0, at, change.old[0]))
            yield from (f"-{line}" for line in shown.mask(0, *change.old))
            yield from (f"+{line}" for line in shown.mask(1, *change.new))
            at = change.old[1]
        yield from (f" {line}" for line in shown.mask(0, at, stop))


def _iterate_hunks(changes: Iterable[LineChange]) -> Iterator[list[LineChange]]:
    """Changes whose surroundings touch are shown together."""
    hunk: list[LineChange] = []
    for change in changes:
        if hunk and change.old[0] - hunk[-1].old[1] > 2 * CONTEXT_LINES:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _format_range(start: int, stop: int) -> str:
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _iterate_changes(before: list[str], after: list[str]) -> Iterator[LineChange]:
    """Where the two differ. Each place is looked at by itself: difflib takes a minute for a file of 1,000 services."""
    i = j = 0
    while i < len(before) or j < len(after):
        if i < len(before) and j < len(after) and before[i] == after[j]:
            i, j = i + 1, j + 1
            continue
        skip_old, skip_new = (
            _find_next_match(before[i:], after[j:]) if i < len(before) and j < len(after) else (None, None)
        )
        next_i = len(before) if skip_old is None else i + skip_old
        next_j = len(after) if skip_new is None else j + skip_new
        yield from _refine_change(before[i:next_i], after[j:next_j], i, j)
        i, j = next_i, next_j


def _find_next_match(old: list[str], new: list[str]) -> tuple[int, int] | tuple[None, None]:
    """How many lines of each to pass over until a few are equal again; None: as far as was looked, they never are."""
    for distance in range(1, FARTHEST_LINES):
        for skip in range(min(distance, len(old)) + 1):
            a, b = old[skip : skip + SAME_LINES], new[distance - skip : distance - skip + SAME_LINES]
            if a == b and (len(a) == SAME_LINES or (distance - skip <= len(new) and skip + len(a) == len(old))):
                return skip, distance - skip
    return None, None


def _refine_change(old: list[str], new: list[str], i: int, j: int) -> Iterator[LineChange]:
    """One place line by line."""
    if len(old) * len(new) > FARTHEST_LINES**2:
        yield LineChange((i, i + len(old)), (j, j + len(new)))
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield LineChange((i + i1, i + i2), (j + j1, j + j2))
