"""Bytes of a library that only debuggers read."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.inspect.symbols import SymbolCounter


def elf(
    sections: list[tuple[bytes, int, int, int]],
    *,
    wide: bool = True,
    order: str = "<",
    kind: int = 3,
    bulk: int = 0,
    lie: int = 0,
) -> bytes:
    """An ELF file of sections (name, type, bytes, index of the linked one); the names and the table come last."""
    size = 64 if wide else 52
    names, offsets = b"\0", []
    for name, *_ in [*sections, (b".shstrtab", 3, 0, 0)]:
        offsets.append(len(names))
        names += name + b"\0"
    body, table = bytes(bulk), []
    for (_, section, length, link), at_name in zip(sections, offsets, strict=False):
        table.append((at_name, section, size + len(body), length + lie, link))
        body += bytes(0 if section == 8 else length)
    table.append((offsets[-1], 3, size + len(body), len(names), 0))
    body += names
    shape = order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")
    headers = b"".join(struct.pack(shape, n, t, 0, 0, at, length, link, 0, 0, 0) for n, t, at, length, link in table)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    start = size + len(body)
    words = struct.pack(order + "HHI" + ("QQQ" if wide else "III") + "I", kind, 62, 1, 0, 0, start, 0)
    words += struct.pack(order + "HHHHHH", size, 0, 0, struct.calcsize(shape), len(table), len(table) - 1)
    return ident + words + body + headers


SECTIONS = [
    (b"", 0, 0, 0),
    (b".text", 1, 500, 0),
    (b".dynstr", 3, 70, 0),
    (b".symtab", 2, 240, 4),
    (b".strtab", 3, 90, 0),
    (b".debug_info", 1, 1000, 0),
    (b".zdebug_line", 1, 10, 0),
    (b".debug_str", 8, 5000, 0),
]


SYMBOLS = 240 + 90 + 1000 + 10


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("piece", [200, 1000, 1 << 20])
def test_symbols_and_what_debuggers_read_are_counted(wide: bool, order: str, piece: int) -> None:
    data = elf(SECTIONS, wide=wide, order=order)
    counter = SymbolCounter(data[:piece])
    for start in range(piece, len(data), piece):
        counter.add(data[start : start + piece])
    assert counter.count() == SYMBOLS


@pytest.mark.parametrize(("kept", "count"), [(2000, SYMBOLS), (300, 0), (0, 0)])
def test_memory_is_bounded_and_what_is_not_kept_counts_as_nothing(
    kept: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table has 576 bytes, the names before it 70."""
    monkeypatch.setattr("builder.inspect.symbols.KEPT_BYTES", kept)
    data = elf(SECTIONS, bulk=100_000)
    counter = SymbolCounter(data[:64])
    for start in range(64, len(data), 50):
        counter.add(data[start : start + 50])
    assert counter.count() == count


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(elf(SECTIONS, kind=1), id="an object file needs its symbols"),
        pytest.param(elf(SECTIONS, kind=4), id="a core dump"),
        pytest.param(elf(SECTIONS, lie=1 << 40), id="sections outside the file"),
        pytest.param(elf(SECTIONS)[:50], id="half a header"),
        pytest.param(elf(SECTIONS)[:-700], id="half a table"),
        pytest.param(b"\x7fELF", id="a magic number alone"),
        pytest.param(elf([(b".text", 1, 10, 0)]), id="stripped"),
    ],
)
def test_what_cannot_be_told_counts_as_nothing(data: bytes) -> None:
    assert SymbolCounter(data).count() == 0


@given(st.binary(max_size=80), st.integers(0, 300), st.integers(1, 400))
def test_no_byte_is_counted_that_is_not_there(change: bytes, at: int, piece: int) -> None:
    good = elf(SECTIONS)
    place = at if at < 150 else len(good) - 1 - at
    data = good[:place] + change + good[place + len(change) :]
    counter = SymbolCounter(data[:piece])
    for start in range(piece, len(data), piece):
        counter.add(data[start : start + piece])
    assert 0 <= counter.count() <= len(data)
