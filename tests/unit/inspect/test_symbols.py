"""Bytes of a library that only debuggers read."""

from __future__ import annotations

import pytest
from elf_files import SECTIONS, SYMBOLS, make_elf
from hypothesis import given
from hypothesis import strategies as st

from builder.inspect.symbols import SymbolCounter


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("piece", [200, 1000, 1 << 20])
def test_symbols_and_what_debuggers_read_are_counted(wide: bool, order: str, piece: int) -> None:
    data = make_elf(SECTIONS, wide=wide, order=order)
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
    data = make_elf(SECTIONS, bulk=100_000)
    counter = SymbolCounter(data[:64])
    for start in range(64, len(data), 50):
        counter.add(data[start : start + 50])
    assert counter.count() == count


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(make_elf(SECTIONS, kind=1), id="an object file needs its symbols"),
        pytest.param(make_elf(SECTIONS, kind=4), id="a core dump"),
        pytest.param(make_elf(SECTIONS, lie=1 << 40), id="sections outside the file"),
        pytest.param(make_elf(SECTIONS)[:50], id="half a header"),
        pytest.param(make_elf(SECTIONS)[:-700], id="half a table"),
        pytest.param(b"\x7fELF", id="a magic number alone"),
        pytest.param(make_elf([(b".text", 1, 10, 0)]), id="stripped"),
    ],
)
def test_what_cannot_be_told_counts_as_nothing(data: bytes) -> None:
    assert SymbolCounter(data).count() == 0


@given(st.binary(max_size=80), st.integers(0, 300), st.integers(1, 400))
def test_no_byte_is_counted_that_is_not_there(change: bytes, at: int, piece: int) -> None:
    good = make_elf(SECTIONS)
    place = at if at < 150 else len(good) - 1 - at
    data = good[:place] + change + good[place + len(change) :]
    counter = SymbolCounter(data[:piece])
    for start in range(piece, len(data), piece):
        counter.add(data[start : start + piece])
    assert 0 <= counter.count() <= len(data)
