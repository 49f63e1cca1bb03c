"""Takes symbols and gaps out of a shared object that ``strip`` cannot or does not: what is loaded stays as it is.

patchelf appends a segment at a multiple of 2 MB and leaves zeros before it; where ``strip`` then moves segments so that
the loader refuses them, the symbols stay too. Here whole pages between segments go, and nothing within a segment moves.
Layout after the System V ABI (gABI, chapters 4 and 5), 64 bit, little endian; other files are returned as they are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import elf

PAGE = 0x10000
"""Largest page of any Linux that runs these files (arm64): offset and address agree modulo this."""
_SEGMENT, _SECTION = struct.Struct("<IIQQQQQQ"), struct.Struct("<IIQQQQIIQQ")
_PT_LOAD, _SHT_NULL, _SHT_SYMTAB, _SHT_STRTAB, _SHT_NOBITS, _SHF_ALLOC = 1, 0, 2, 3, 8, 2
_SHOFF_AT = 40
"""Where the file header has the offset of the section headers."""
_WORTH = 4096
"""A file that would lose less stays as it is."""


@dataclass(frozen=True)
class Gap:
    """Bytes from ``start`` that nothing refers to; what begins at ``end`` moves down by ``shift``."""

    end: int
    shift: int


@dataclass(frozen=True)
class Layout:
    """The file header with the rows of both tables, in the order of their fields in the gABI."""

    header: elf.ElfHeader
    segments: list[tuple[int, ...]]
    sections: list[tuple[int, ...]]


def compact(data: bytes) -> bytes:
    """The same library without ``.symtab``, its strings, and gaps; ``data`` where that is unsafe or not worth it."""
    try:
        made = _compact(data)
        return made if len(data) - len(made) >= _WORTH and _loads_the_same(data, made) else data
    except (struct.error, ValueError, IndexError, OverflowError):
        return data


def _compact(data: bytes) -> bytes:
    header = elf.parse_header(data)
    if not header.wide or header.order != "<" or header.e_shentsize != _SECTION.size:
        return data
    segments = [_SEGMENT.unpack_from(data, header.e_phoff + _SEGMENT.size * at) for at in range(header.e_phnum)]
    sections = [_SECTION.unpack_from(data, header.e_shoff + _SECTION.size * at) for at in range(header.e_shnum)]
    headers = header.e_phoff + _SEGMENT.size * header.e_phnum
    if any(one[4] < headers for one in sections if one[1] not in {_SHT_NULL, _SHT_NOBITS}):
        return data  # what is written into the program headers would be written into a section
    dropped = _find_symbol_sections(sections, header.e_shstrndx)
    used = [(0, header.e_ehsize), (header.e_phoff, _SEGMENT.size * header.e_phnum)]
    used += [(header.e_shoff, _SECTION.size * header.e_shnum)]
    used += [(one[2], one[5]) for one in segments]
    free = bytearray(data)
    for at, one in enumerate(sections):
        if at in dropped:
            free[one[4] : one[4] + one[5]] = bytes(one[5])
        elif one[1] not in {_SHT_NULL, _SHT_NOBITS}:
            used.append((one[4], one[5]))
    last_load = max((one[2] for one in segments if one[0] == _PT_LOAD), default=0)
    gaps = _find_gaps(free, sorted(used), last_load)
    return _write(free, Layout(header, segments, sections), dropped, gaps)


def _find_symbol_sections(sections: list[tuple[int, ...]], names: int) -> set[int]:
    """Symbols for debuggers and their strings, unless another section needs them."""
    found = set()
    for at, one in enumerate(sections):
        if one[1] == _SHT_SYMTAB and not one[2] & _SHF_ALLOC:
            found |= {at, one[6]}
    needed = {one[6] for at, one in enumerate(sections) if at not in found} | {names}
    strings = {at for at in found if sections[at][1] == _SHT_STRTAB}
    return set() if found & needed - {0} or any(sections[at][2] & _SHF_ALLOC for at in strings) else found


def _find_gaps(data: bytearray, used: list[tuple[int, int]], last_load: int) -> list[Gap]:
    """Whole pages before what is loaded; behind that, multiples of what any section is aligned to."""
    gaps, end = [], 0
    for start, size in [*used, (len(data), 0)]:
        unit = PAGE if start <= last_load else 64
        shift = (start - end) // unit * unit
        if shift > 0 and not any(data[end:start]):
            gaps.append(Gap(start, shift))
        end = max(end, start + size)
    return gaps


def _write(data: bytearray, layout: Layout, dropped: set[int], gaps: list[Gap]) -> bytes:
    header = layout.header

    def moved(offset: int) -> int:
        return offset - sum(gap.shift for gap in gaps if gap.end <= offset)

    for at, (kind, flags, offset, address, physical, size, memory, alignment) in enumerate(layout.segments):
        new = moved(offset)
        fits = kind != _PT_LOAD or (new - address) % max(alignment, 1) == 0
        row = (kind, flags, new, address, physical, size, memory, alignment if fits else PAGE)
        _SEGMENT.pack_into(data, header.e_phoff + _SEGMENT.size * at, *row)
    for at, one in enumerate(layout.sections):
        row = (0,) * 10 if at in dropped else (*one[:4], moved(one[4]), *one[5:])
        _SECTION.pack_into(data, header.e_shoff + _SECTION.size * at, *row)
    struct.pack_into("<Q", data, _SHOFF_AT, moved(header.e_shoff))
    for gap in reversed(gaps):
        del data[gap.end - gap.shift : gap.end]
    return bytes(data)


def _loads_the_same(before: bytes, after: bytes) -> bool:
    """Whether every segment has the bytes, address and size that it had, but for the program headers themselves."""
    old, new = elf.parse_elf(before), elf.parse_elf(after)
    header = elf.parse_header(before)
    headers = range(header.e_phoff, header.e_phoff + header.e_phentsize * header.e_phnum)
    if len(old.segments) != len(new.segments) or (old.needed, old.soname) != (new.needed, new.soname):
        return False
    for one, other in zip(old.segments, new.segments, strict=True):
        was = bytearray(before[one.offset : one.offset + one.file_size])
        now = bytearray(after[other.offset : other.offset + other.file_size])
        if one.offset <= headers.start:  # this segment holds the file's own header and program headers
            for content in (was, now):
                content[: headers.stop] = bytes(len(content[: headers.stop]))
        if was != now or (one.kind, one.address) != (other.kind, other.address):
            return False
    return all((one.offset - one.address) % max(one.alignment, 1) == 0 for one in new.segments if one.loaded)
