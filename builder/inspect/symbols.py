"""How many bytes of an ELF file only a debugger reads, counted while the file streams by.

Layout after the System V ABI (gABI, chapter 4). The table of sections and their names are near the end of nearly
every file, so the first piece and a bounded number of the last ones are enough. What they do not show counts as 0,
and so does whatever does not fit together: these bytes are offered as waste, and must be there.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from builder.core.elf import parse_header

if TYPE_CHECKING:
    from builder.core.elf import ElfHeader
    from builder.engine.chunks import Chunk

KEPT_BYTES = 32 << 20
"""Of a file's end, besides its beginning."""
_SYMTAB, _NOBITS = 2, 8
_LINKED = (2, 3)
"""``ET_EXEC``, ``ET_DYN``. Without its symbols an object file (``ET_REL``) is worth nothing."""
_MAX_SECTIONS = 0xFF00


class _Section(NamedTuple):
    name: int
    kind: int
    offset: int
    size: int
    link: int


class SymbolCounter:
    """Takes an ELF file piece by piece."""

    def __init__(self, head: Chunk) -> None:
        """``head`` holds the whole file header where there is one: 64 bytes."""
        self._head = head
        self._last: deque[Chunk] = deque()
        self._kept = 0
        self._size = len(head)

    def add(self, piece: Chunk) -> None:
        self._last.append(piece)
        self._kept += len(piece)
        self._size += len(piece)
        while self._kept - len(self._last[0]) > KEPT_BYTES:
            self._kept -= len(self._last.popleft())

    def count(self) -> int:
        """Bytes of ``.symtab``, its strings and ``.debug_*``, each byte once; 0 where it is not known."""
        try:
            return _count_covered(self._find_symbol_ranges())
        except ValueError:
            return 0

    def _find_symbol_ranges(self) -> list[tuple[int, int]]:
        header = parse_header(self._head)
        if header.e_type not in _LINKED:
            return []
        sections, names = self._parse_sections(header)
        found = []
        for section in sections:
            if section.kind == _SYMTAB:
                found.append(section)
                if section.link < len(sections) and sections[section.link] is not names:
                    found.append(sections[section.link])
        if names is not None:
            table = self._read_range(names.offset, names.size)
            found += [one for one in sections if table.startswith((b".debug_", b".zdebug_"), one.name)]
        return [
            (one.offset, one.offset + one.size)
            for one in found
            if one.kind != _NOBITS and one.offset + one.size <= self._size
        ]

    def _parse_sections(self, header: ElfHeader) -> tuple[list[_Section], _Section | None]:
        """All of them, and the one that holds their names."""
        size, count, names = header.e_shentsize, header.e_shnum, header.e_shstrndx
        shape = struct.Struct(header.order + ("IIQQQQIIQQ" if header.wide else "IIIIIIIIII"))
        if size < shape.size or count > _MAX_SECTIONS:
            return [], None
        table = self._read_range(header.e_shoff, size * count)
        sections = []
        for at in range(0, len(table) - shape.size + 1, size):
            name, kind, _, _, offset, length, link, *_ = shape.unpack_from(table, at)
            sections.append(_Section(name, kind, offset, length, link))
        return sections, sections[names] if names < len(sections) else None

    def _read_range(self, start: int, size: int) -> bytes:
        """A part of the file; empty where it is not kept, or outside."""
        if start + size <= len(self._head):
            return bytes(self._head[start : start + size])
        begin = self._size - self._kept
        pieces = tuple(self._last)
        if begin == len(self._head):
            pieces, begin = (self._head, *pieces), 0
        if start < begin or start + size > self._size or size < 0:
            return b""
        found = []
        for piece in pieces:
            end = begin + len(piece)
            if begin < start + size and end > start:
                found.append(piece[max(0, start - begin) : start + size - begin])
            begin = end
        return b"".join(found)


def _count_covered(ranges: list[tuple[int, int]]) -> int:
    """Bytes in the union of (start, end): a hostile table may name the same bytes often."""
    total, reached = 0, 0
    for start, end in sorted(ranges):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total
