"""Symbols and gaps leave a shared object; what the loader reads stays byte for byte."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from build_scripts import load_build_script
from hypothesis import given
from hypothesis import strategies as st

from builder.core import elf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

LOAD, PROGBITS, SYMTAB, STRTAB = 1, 1, 2, 3
GAP_END, SYMBOLS_AT = 0x40000, 0x41000
HEADERS = 64 + 2 * 56
CODE, DATA = b"\x90" * 0x200, b"d" * 0x300


@pytest.fixture(scope="module")
def compact() -> Iterator[ModuleType]:
    with load_build_script("compact") as module:
        yield module


def make_library(
    *, alignment: int = 0x20000, in_the_gap: bytes = b"", symbol_bytes: int = 0x3000, info: int = 0
) -> bytes:
    """Code, a gap up to a second segment, symbols with their strings, names of sections, section headers.

    ``info``: which section the one with the names says it needs.
    """
    image = bytearray(SYMBOLS_AT)
    image[0x1000:0x1200] = CODE
    image[0x2000 : 0x2000 + len(in_the_gap)] = in_the_gap
    image[GAP_END : GAP_END + len(DATA)] = DATA
    image += b"s" * symbol_bytes + b"n" * symbol_bytes
    names = len(image)
    image += b"\0.shstrtab\0".ljust(16, b"\0")
    table = len(image)
    sections = [
        (0,) * 10,
        (1, PROGBITS, 2, 0x1000, 0x1000, len(CODE), 0, 0, 16, 0),
        (1, PROGBITS, 3, 0x80000, GAP_END, len(DATA), 0, 0, 16, 0),
        (1, SYMTAB, 0, 0, SYMBOLS_AT, symbol_bytes, 4, 0, 8, 24),
        (1, STRTAB, 0, 0, SYMBOLS_AT + symbol_bytes, symbol_bytes, 0, 0, 1, 0),
        (1, STRTAB, 0, 0, names, 16, info, 0, 1, 0),
    ]
    image += b"".join(struct.pack("<IIQQQQIIQQ", *one) for one in sections)
    segments = [
        (LOAD, 5, 0, 0, 0, 0x1200, 0x1200, alignment),
        (LOAD, 6, GAP_END, 0x80000, 0x80000, len(DATA), len(DATA), alignment),
    ]
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    image[:64] = ident + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, table, 0, 64, 56, 2, 64, 6, 5)
    image[64 : 64 + 112] = b"".join(struct.pack("<IIQQQQQQ", *one) for one in segments)
    return bytes(image)


def read_segments(data: bytes) -> list[tuple[int, bytes]]:
    """Address and bytes of each; those of the headers, which say where things lie in the file, are not compared."""
    content = bytes(HEADERS) + data[HEADERS:]
    return [(one.address, content[one.offset : one.offset + one.file_size]) for one in elf.parse_elf(data).segments]


def test_the_gap_and_the_symbols_go(compact: ModuleType) -> None:
    before = make_library()
    after = compact.compact(before)
    assert len(after) <= len(before) - 0x30000 - 0x6000  # whole pages of the gap, all of the symbols
    assert read_segments(after) == read_segments(before)
    assert b"s" * 16 not in after
    assert b"n" * 16 not in after
    second = elf.parse_elf(after).segments[1]
    assert (second.offset - second.address) % second.alignment == 0
    header = elf.parse_header(after)
    names = struct.unpack_from("<IIQQQQIIQQ", after, header.e_shoff + 64 * header.e_shstrndx)
    assert after[names[4] : names[4] + 10] == b"\0.shstrtab"


def test_a_second_time_changes_nothing(compact: ModuleType) -> None:
    once = compact.compact(make_library())
    assert compact.compact(once) is once


def test_what_lies_in_the_gap_stays(compact: ModuleType) -> None:
    after = compact.compact(make_library(in_the_gap=b"a payload"))
    assert b"a payload" in after
    assert elf.parse_elf(after).segments[1].offset == GAP_END


def test_symbols_that_another_section_needs_stay(compact: ModuleType) -> None:
    after = compact.compact(make_library(info=3))
    assert b"s" * 0x3000 in after
    assert read_segments(after) == read_segments(make_library())


def test_little_is_not_worth_a_change(compact: ModuleType) -> None:
    once = compact.compact(make_library())
    small = make_library(in_the_gap=b"x", symbol_bytes=16)
    assert compact.compact(small) is small
    assert len(once) < len(small)


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"MZ", make_library()[:0x1000], b"\x7fELF\x01" + make_library()[5:]])
def test_what_it_does_not_know_stays(compact: ModuleType, data: bytes) -> None:
    assert compact.compact(data) is data


@given(at=st.integers(0, HEADERS - 1), value=st.integers(0, 255))
def test_a_forged_header_never_changes_what_is_loaded(compact: ModuleType, at: int, value: int) -> None:
    forged = bytearray(make_library())
    forged[at] = value
    before = bytes(forged)
    after = compact.compact(before)
    if after is not before:
        assert read_segments(after) == read_segments(before)


def test_a_result_that_would_load_differently_is_not_taken(
    compact: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_library()
    monkeypatch.setattr(compact, "_compact", lambda before: before[:GAP_END] + b"x" * 0x100)
    assert compact.compact(data) is data
