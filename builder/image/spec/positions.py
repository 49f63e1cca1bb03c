"""Which line of a TOML file each key and each array item is on; ``tomllib`` gives values only.

The text was read by ``tomllib`` before, so it is valid, and this scanner need not judge it.
"""

from __future__ import annotations

import bisect
import re
import tomllib
from typing import TYPE_CHECKING

from builder.image.spec.location import PROJECT_FILE, TOOL_TABLE

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""Keys and array indexes from the root to a value."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY_PART = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|[A-Za-z0-9_-]+')
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\]|\\.)*"|\'[^\']*\'', re.DOTALL)
_SCALAR = re.compile(r"[^,\]}\n#]*")


def find_positions(text: str) -> dict[KeyPath, int]:
    """Line (from 1) of each key, table header and array item of the valid TOML ``text``."""
    return _TomlScanner(text).scan()


def select_positions(lines: Mapping[KeyPath, int]) -> dict[KeyPath, int]:
    """Of all positions of a pyproject.toml those of ``[tool.optbuild]``, as if that were a file of its own."""
    depth = len(TOOL_TABLE)
    return {path[depth:]: line for path, line in lines.items() if path[:depth] == TOOL_TABLE and len(path) > depth}


def read_positions(file: pathlib.Path) -> dict[KeyPath, int]:
    """The same of a spec's file that was read before; empty where it has changed meanwhile: errors then do without
    lines."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
        tomllib.loads(text)
        lines = find_positions(text)
        return select_positions(lines) if file.name == PROJECT_FILE else lines
    except (OSError, ValueError):
        return {}


class _TomlScanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[KeyPath, int] = {}
        self._tables: dict[KeyPath, int] = {}
        """How many ``[[...]]`` headers each array of tables has had."""

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._scan_header()
            else:
                self._scan_pair(table)
            self._skip(_BLANK)
        return self._lines

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"not valid TOML at character {self._at}")
        self._at = match.end()
        return match.group()

    def _record(self, path: KeyPath, at: int) -> None:
        self._lines.setdefault(path, bisect.bisect_left(self._newlines, at) + 1)

    def _scan_header(self) -> KeyPath:
        start, many = self._at, self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        path = self._resolve_arrays(self._scan_key(), last=not many)
        self._at += 2 if many else 1
        if many:
            index = self._tables.get(path, -1) + 1
            self._tables[path] = index
            path = (*path, index)
        for length in range(1, len(path) + 1):
            self._record(path[:length], start)
        return path

    def _resolve_arrays(self, key: tuple[str, ...], *, last: bool) -> KeyPath:
        """``[a.b]`` below ``[[a]]`` means the newest item of ``a``."""
        path: KeyPath = ()
        for position, part in enumerate(key):
            path = (*path, part)
            if path in self._tables and (last or position < len(key) - 1):
                path = (*path, self._tables[path])
        return path

    def _scan_key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            raw = self._skip(_KEY_PART)
            parts.append(next(iter(tomllib.loads(f"{raw} = 0"))) if raw[0] in "\"'" else raw)
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return tuple(parts)
            self._at += 1

    def _scan_pair(self, table: KeyPath) -> None:
        start = self._at
        key = self._scan_key()
        for length in range(1, len(key) + 1):
            self._record((*table, *key[:length]), start)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._scan_value((*table, *key))

    def _scan_value(self, path: KeyPath) -> None:
        match self._text[self._at]:
            case "[":
                self._scan_array(path)
            case "{":
                self._scan_inline_table(path)
            case '"' | "'":
                self._skip(_STRING)
            case _:
                self._skip(_SCALAR)

    def _scan_array(self, path: KeyPath) -> None:
        self._at += 1
        index = 0
        while self._skip_to_item("]"):
            self._record((*path, index), self._at)
            self._scan_value((*path, index))
            index += 1

    def _scan_inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while self._skip_to_item("}"):
            self._scan_pair(path)

    def _skip_to_item(self, end: str) -> bool:
        """Skip what separates two items; False when the value ended."""
        self._skip(_BLANK)
        while self._text[self._at] == ",":
            self._at += 1
            self._skip(_BLANK)
        if self._text[self._at] == end:
            self._at += 1
            return False
        return True
