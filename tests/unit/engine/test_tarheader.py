"""The quick reader of headers and tarfile give the same answers, errors too."""

from __future__ import annotations

import tarfile
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.engine.tarheader import FastTarInfo

Answer = tuple[object, ...]


def answer(kind: type[tarfile.TarInfo], header: bytes) -> Answer:
    try:
        found = kind.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.TarError as error:
        return (type(error),)
    return (
        found.name,
        found.mode,
        found.uid,
        found.gid,
        found.size,
        found.mtime,
        found.type,
        found.linkname,
        found.sparse,
    )


def signed(header: bytes) -> bytes:
    return header[:148] + b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 256) + header[156:]


def written(name: str, kind: bytes = tarfile.REGTYPE, size: int = 5, *, form: Literal[0, 1, 2] = 0) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode, info.uid, info.gid = kind, size, 0o4755, 50000, 7
    info.mtime = 1_700_000_000
    return info.tobuf(form, "utf-8", "surrogateescape")[-512:]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["file", "folder/", "a" * 100, "d" * 80 + "/" + "f" * 60, "ü", "\udcff", ""])
@pytest.mark.parametrize("kind", [b"0", b"\0", b"5", b"1", b"2", b"3", b"6", b"7", b"x", b"g", b"L", b"S", b"?"])
def test_every_kind_of_entry(name: str, kind: bytes, form: Literal[0, 1, 2]) -> None:
    header = written(name, kind, form=form)
    assert answer(FastTarInfo, header) == answer(tarfile.TarInfo, header)


def test_a_plain_header_takes_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarfile.TarInfo, "frombuf", None)
    assert answer(FastTarInfo, written("a/b"))[:5] == ("a/b", 0o4755, 50000, 7, 5)
    assert answer(FastTarInfo, written("a/b/", b"5", 0))[0] == "a/b"


FIELDS = st.sampled_from(
    [(0, 100), (100, 8), (108, 8), (116, 8), (124, 12), (136, 12), (148, 8), (156, 1), (257, 8), (345, 155)]
)
"""Start and size of those that are asked for; tarfile looks at the device too, which is nothing here."""
TEXTS = st.one_of(
    st.binary(max_size=155),
    st.sampled_from(
        [b"", b" 12 ", b"1_2", b"-1", b"+7", b"8", b"7" * 12, b"\x80" + b"\1" * 11, b"\xff" * 12, b"1\0002"]
    ),
)
CHANGES = st.lists(st.tuples(FIELDS, TEXTS, st.sampled_from([b"\0", b" "])), max_size=4)


@given(st.sampled_from([b"0", b"5", b"2"]), CHANGES, st.booleans())
def test_forged_headers(kind: bytes, changes: list[tuple[tuple[int, int], bytes, bytes]], sign: bool) -> None:
    header = written("some/name", kind)
    for (start, size), text, fill in changes:
        header = header[:start] + text[:size].ljust(size, fill) + header[start + size :]
    header = signed(header) if sign else header
    assert answer(FastTarInfo, header) == answer(tarfile.TarInfo, header)


@pytest.mark.parametrize("size", [0, 1, 388, 511, 513, 1024])
def test_half_a_header_and_more_than_one(size: int) -> None:
    data = (written("a/b") * 2)[:size]
    assert answer(FastTarInfo, data) == answer(tarfile.TarInfo, data)


@given(st.binary(max_size=600))
def test_anything_else(data: bytes) -> None:
    assert answer(FastTarInfo, data) == answer(tarfile.TarInfo, data)
