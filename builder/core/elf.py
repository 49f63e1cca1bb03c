"""Reads what the loader needs from an ELF file. Only the standard library: the file is also shipped into the context.

Layout after the System V ABI (gABI, chapters 4 and 5). Input is hostile until proven otherwise: every offset is checked
against the file, and whatever does not fit is a ``ValueError`` that says what is wrong.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

MAGIC = b"\x7fELF"
MACHINES = {62: "x86_64", 183: "aarch64", 3: "i386", 40: "arm", 243: "riscv64", 21: "ppc64le", 22: "s390x"}
"""``e_machine`` of the gABI's registry; others are shown by their number."""

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 10, 14, 15, 29
_MAX_ENTRIES = 100_000
"""More dynamic entries than any real file has: a bound on the work that a crafted file can cause."""


class ElfHeader(NamedTuple):
    """The file header, ``Elf64_Ehdr``; ``wide`` (64 bit) and the byte ``order`` are what its first 16 bytes say."""

    wide: bool
    order: str
    e_type: int
    e_machine: int
    e_version: int
    e_entry: int
    e_phoff: int
    e_shoff: int
    e_flags: int
    e_ehsize: int
    e_phentsize: int
    e_phnum: int
    e_shentsize: int
    e_shnum: int
    e_shstrndx: int


@dataclass(frozen=True)
class Segment:
    """One program header. Offsets and sizes in bytes."""

    kind: int
    offset: int
    address: int
    file_size: int
    alignment: int

    @property
    def loaded(self) -> bool:
        return self.kind == _PT_LOAD


@dataclass(frozen=True)
class Elf:
    """What the dynamic loader reads of a file. ``rpath`` and ``runpath`` are split at their colons."""

    machine: str
    segments: tuple[Segment, ...]
    """Read by templates/scripts/distribution.py, which asks whether the loader takes a stripped file."""
    needed: tuple[str, ...]
    soname: str | None
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]


def is_elf(head: bytes | memoryview) -> bool:
    """Whether a file that starts with these bytes claims to be ELF."""
    return head[:4] == MAGIC


def parse_elf(data: bytes) -> Elf:
    """Read one file; raises ``ValueError`` when it is not a well-formed 32 or 64 bit ELF file."""
    try:
        return _parse_contents(data)
    except (struct.error, IndexError, OverflowError) as error:
        raise ValueError(f"the ELF file is truncated or damaged: {error}") from error


def parse_header(head: bytes | memoryview) -> ElfHeader:
    """Read the header of a file that starts with ``head``, 64 bytes or all of it; raises ``ValueError``."""
    if not is_elf(head):
        raise ValueError("not an ELF file: it does not start with 7f 45 4c 46")
    if len(head) < 20:
        raise ValueError("the ELF file is truncated: it has no complete header")
    wide, order = _parse_class_and_order(head)
    try:
        return ElfHeader(wide, order, *struct.unpack_from(order + ("HHIQQQI6H" if wide else "HHIIIII6H"), head, 16))
    except struct.error as error:
        raise ValueError(f"the ELF file is truncated or damaged: {error}") from error


def _parse_contents(data: bytes) -> Elf:
    header = parse_header(data)
    segments = _parse_segments(data, header)
    entries = _parse_dynamic_entries(data, segments, header)
    strings = _read_string_table(data, segments, entries)

    def words(tag: int) -> list[str]:
        return [_read_string(strings, value) for key, value in entries if key == tag]

    return Elf(
        machine=MACHINES.get(header.e_machine, str(header.e_machine)),
        segments=segments,
        needed=tuple(words(_DT_NEEDED)),
        soname=next(iter(words(_DT_SONAME)), None),
        rpath=_split_paths(words(_DT_RPATH)),
        runpath=_split_paths(words(_DT_RUNPATH)),
    )


def _parse_class_and_order(data: bytes | memoryview) -> tuple[bool, str]:
    if data[4] not in (1, 2):
        raise ValueError(f"the ELF class is {data[4]}, neither 32 nor 64 bit")
    if data[5] not in (1, 2):
        raise ValueError(f"the ELF byte order is {data[5]}, neither little nor big endian")
    return data[4] == 2, "<" if data[5] == 1 else ">"


def _parse_segments(data: bytes, header: ElfHeader) -> tuple[Segment, ...]:
    size, count = header.e_phentsize, header.e_phnum
    if count and size < (56 if header.wide else 32):
        raise ValueError(f"the ELF program headers are {size} bytes each, too short")
    if header.e_phoff + size * count > len(data):
        raise ValueError("the ELF program headers lie outside the file")
    return tuple(_parse_segment(data, header.e_phoff + size * index, header) for index in range(count))


def _parse_segment(data: bytes, at: int, header: ElfHeader) -> Segment:
    if header.wide:
        kind, _, offset, address, _, file_size, _, alignment = struct.unpack_from(header.order + "IIQQQQQQ", data, at)
    else:
        kind, offset, address, _, file_size, _, _, alignment = struct.unpack_from(header.order + "IIIIIIII", data, at)
    return Segment(kind, offset, address, file_size, alignment)


def _parse_dynamic_entries(data: bytes, segments: tuple[Segment, ...], header: ElfHeader) -> list[tuple[int, int]]:
    """The (tag, value) pairs up to DT_NULL; empty for a static file."""
    segment = next((one for one in segments if one.kind == _PT_DYNAMIC), None)
    if segment is None:
        return []
    if segment.offset + segment.file_size > len(data):
        raise ValueError("the ELF dynamic section lies outside the file")
    shape = struct.Struct(header.order + ("qQ" if header.wide else "iI"))
    entries: list[tuple[int, int]] = []
    for index in range(min(segment.file_size // shape.size, _MAX_ENTRIES)):
        tag, value = shape.unpack_from(data, segment.offset + index * shape.size)
        if tag == _DT_NULL:
            break
        entries.append((tag, value))
    return entries


def _read_string_table(data: bytes, segments: tuple[Segment, ...], entries: list[tuple[int, int]]) -> bytes:
    values = dict(entries)
    if _DT_STRTAB not in values:
        if any(tag in (_DT_NEEDED, _DT_SONAME, _DT_RPATH, _DT_RUNPATH) for tag in values):
            raise ValueError("the ELF dynamic section names strings but has no string table")
        return b""
    start = _find_file_offset(segments, values[_DT_STRTAB])
    size = values.get(_DT_STRSZ, 0)
    if start + size > len(data):
        raise ValueError("the ELF string table lies outside the file")
    return data[start : start + size]


def _find_file_offset(segments: tuple[Segment, ...], address: int) -> int:
    for one in segments:
        if one.loaded and one.address <= address < one.address + one.file_size:
            return address - one.address + one.offset
    raise ValueError(f"no segment of the ELF file holds the address {address:#x}")


def _read_string(strings: bytes, start: int) -> str:
    end = strings.find(b"\0", start)
    if start >= len(strings) or end < 0:
        raise ValueError(f"the ELF string at {start} lies outside the string table")
    try:
        return strings[start:end].decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("an ELF string is not UTF-8") from error


def _split_paths(values: list[str]) -> tuple[str, ...]:
    return tuple(part for value in values for part in value.split(":") if part)
