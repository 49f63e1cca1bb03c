"""The ELF reader, on files made byte by byte, and on damaged ones."""

from __future__ import annotations

import ast
import contextlib
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.core import elf
from builder.core.elf import parse_elf, parse_header


def elf_file(
    needed: tuple[str, ...] = (), *, soname: str = "", rpath: str = "", runpath: str = "", machine: int = 62
) -> bytes:
    """A 64 bit little endian file: header, two program headers, dynamic section, string table."""
    strings, tags = b"\0", []
    for tag, text in [*((1, name) for name in needed), (14, soname), (15, rpath), (29, runpath)]:
        if text:
            tags.append((tag, len(strings)))
            strings += text.encode() + b"\0"
    dynamic_at = 64 + 2 * 56
    strings_at = dynamic_at + (len(tags) + 3) * 16
    dynamic = b"".join(
        struct.pack("<qQ", *pair) for pair in [*tags, (5, 0x1000 + strings_at), (10, len(strings)), (0, 0)]
    )
    size = strings_at + len(strings)
    header = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x1000, 0, size, size, 0x1000)
    table = struct.pack("<IIQQQQQQ", 2, 6, dynamic_at, 0x1000 + dynamic_at, 0, len(dynamic), len(dynamic), 8)
    return header + load + table + dynamic + strings


def test_it_reads_what_the_loader_reads() -> None:
    found = parse_elf(
        elf_file(("libz.so.1", "libc.so.6"), soname="libx.so.1", rpath="/a:$ORIGIN", runpath="$ORIGIN/../l")
    )
    assert found.needed == ("libz.so.1", "libc.so.6")
    assert (found.soname, found.rpath, found.runpath) == ("libx.so.1", ("/a", "$ORIGIN"), ("$ORIGIN/../l",))
    assert found.machine == "x86_64"
    assert [(one.offset, one.address, one.alignment) for one in found.segments if one.loaded] == [(0, 0x1000, 0x1000)]


def test_another_machine_is_named() -> None:
    assert parse_elf(elf_file(machine=183)).machine == "aarch64"
    assert parse_elf(elf_file(machine=999)).machine == "999"


@pytest.mark.parametrize(("wide", "order"), [(True, "<"), (True, ">"), (False, "<"), (False, ">")])
def test_the_header_is_read_of_a_view_too(wide: bool, order: str) -> None:
    numbers = (3, 62, 1, 0x40, 0x50, 0x60, 7, 64, 56, 2, 40, 9, 8)
    ident = b"\x7fELF" + bytes([1 + wide, 1 + (order == ">"), 1]) + bytes(9)
    head = ident + struct.pack(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), *numbers)
    header = parse_header(memoryview(head + b"more"))
    assert header == (wide, order, *numbers)
    assert (header.e_phoff, header.e_phentsize, header.e_phnum) == (0x50, 56, 2)
    assert (header.e_shoff, header.e_shentsize, header.e_shnum, header.e_shstrndx) == (0x60, 40, 9, 8)
    with pytest.raises(ValueError, match="truncated"):
        parse_header(head[:-1])


def test_the_running_interpreter_is_an_elf_file() -> None:
    assert "libc.so.6" in parse_elf(Path(sys.executable).resolve().read_bytes()).needed


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MZ",
        b"\x7fELF",
        b"\x7fELF\x05\x01" + bytes(60),
        b"\x7fELF\x02\x09" + bytes(60),
        b"\x7fELF\x02\x01" + b"\xff" * 80,
    ],
)
def test_what_is_no_elf_file_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="ELF"):
        parse_elf(data)


@pytest.mark.parametrize("length", range(0, len(elf_file(("libz.so.1",), soname="x")), 3))
def test_a_truncated_file_is_a_value_error(length: int) -> None:
    with pytest.raises(ValueError, match="ELF"):
        parse_elf(elf_file(("libz.so.1",), soname="x")[:length])


@given(st.integers(0, len(elf_file(("libz.so.1",), runpath="$ORIGIN")) - 1), st.binary(min_size=1, max_size=9))
def test_hostile_bytes_never_crash_it(at: int, put: bytes) -> None:
    data = bytearray(elf_file(("libz.so.1",), runpath="$ORIGIN"))
    data[at : at + len(put)] = put
    with contextlib.suppress(ValueError):  # and no other exception
        parse_elf(bytes(data))


def test_it_imports_only_the_standard_library() -> None:
    tree = ast.parse(Path(elf.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {str(module).split(".")[0] for module in modules} <= set(sys.stdlib_module_names)
