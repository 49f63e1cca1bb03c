"""Shared objects lose their symbols, and stay as they were where they could not be loaded afterwards."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from build_scripts import load_build_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType


@pytest.fixture
def symbols() -> Iterator[ModuleType]:
    with load_build_script("symbols") as module:
        yield module


def library(offset: int, address: int, alignment: int) -> bytes:
    """A 64 bit file with one loaded segment."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return ident + header + struct.pack("<IIQQQQQQ", 1, 5, offset, address, 0, 16, 16, alignment) + bytes(64)


@pytest.mark.parametrize(
    ("offset", "address", "alignment", "loadable"),
    [(0, 0x1000, 0x1000, True), (0x10, 0x1010, 0x1000, True), (0x10, 0x1000, 0x1000, False), (5, 0, 0, True)],
)
def test_a_library_whose_segments_moved_cannot_be_loaded(
    symbols: ModuleType, offset: int, address: int, alignment: int, loadable: bool
) -> None:
    assert symbols.loadable(library(offset, address, alignment)) is loadable


def use_strip(
    monkeypatch: pytest.MonkeyPatch, symbols: ModuleType, strip: Callable[[list[Path]], int]
) -> list[list[str]]:
    """``strip`` instead of the program: what it does to the files, and its exit code. The calls."""
    calls = []

    def run(command: list[str], **_: object) -> Any:
        assert command[:2] == ["strip", "--strip-unneeded"]
        calls.append([Path(name).name for name in command[2:]])
        return type("Done", (), {"returncode": strip([Path(name) for name in command[2:]])})

    monkeypatch.setattr(symbols.subprocess, "run", run)
    return calls


GOOD, BROKEN = library(0, 0x1000, 0x1000), library(0x10, 0x1000, 0x1000)


def test_a_library_that_strip_would_break_is_kept(
    symbols: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.so", "b.so"):
        (tmp_path / name).write_bytes(GOOD + b"symbols")

    def strip(files: list[Path]) -> int:
        for file in files:
            file.write_bytes(BROKEN if file.name == "a.so" else GOOD)
        return 0

    calls = use_strip(monkeypatch, symbols, strip)
    paths = [str(tmp_path / name) for name in ("a.so", "b.so")]
    assert symbols.strip_libraries(paths) == dict(zip(paths, (0, 7), strict=True))
    assert (tmp_path / "a.so").read_bytes() == GOOD + b"symbols"
    assert (tmp_path / "b.so").read_bytes() == GOOD
    assert calls == [["a.so", "b.so"]]  # one process for both


def test_what_strip_cannot_do_is_done_one_by_one(
    symbols: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may leave a file half done when it fails."""
    for name in ("a.so", "b.so"):
        (tmp_path / name).write_bytes(GOOD + b"symbols")

    def strip(files: list[Path]) -> int:
        for file in files:
            file.write_bytes(file.read_bytes()[:20] if file.name == "a.so" else GOOD)
        return int(any(file.name == "a.so" for file in files))

    calls = use_strip(monkeypatch, symbols, strip)
    symbols.strip_libraries([str(tmp_path / name) for name in ("a.so", "b.so")])
    assert (tmp_path / "a.so").read_bytes() == GOOD + b"symbols"
    assert (tmp_path / "b.so").read_bytes() == GOOD
    assert calls == [["a.so", "b.so"], ["a.so"], ["b.so"]]


def test_one_strip_gets_no_more_than_fits_into_memory(
    symbols: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.so", "b.so", "c.so", "text.so"):
        (tmp_path / name).write_bytes(GOOD if name != "text.so" else b"no library")
    monkeypatch.setattr(symbols, "BATCH_BYTES", 2 * len(GOOD))
    calls = use_strip(monkeypatch, symbols, lambda _: 0)
    symbols.strip_libraries([str(path) for path in sorted(tmp_path.iterdir())])
    assert calls == [["a.so", "b.so"], ["c.so"]]
