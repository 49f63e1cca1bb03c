"""Bytes in pieces, read in any sizes, are the same bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from builder.engine.chunks import ChunkStream, HashingReader

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECES = st.lists(st.binary(max_size=20), max_size=8)
ASKED = st.lists(st.tuples(st.sampled_from(["read", "take", "peek"]), st.integers(1, 30)), max_size=12)


@given(PIECES, ASKED)
def test_every_way_of_reading_gives_the_bytes_in_order(pieces: list[bytes], asked: list[tuple[str, int]]) -> None:
    whole, at = b"".join(pieces), 0
    stream = ChunkStream(pieces)
    for way, size in asked:
        wanted = whole[at : at + size]
        if way == "take":
            found = bytes(stream.take(size))
            assert wanted.startswith(found)
            assert bool(found) == bool(wanted)
            at += len(found)
        else:
            assert (stream.read if way == "read" else stream.peek)(size) == wanted
            at += len(wanted) if way == "read" else 0
    assert b"".join(stream.take_rest()) == whole[at:]
    assert bytes(stream.take(1)) == stream.read(1) == b""


@given(PIECES)
def test_what_passes_by_is_counted_and_hashed(pieces: list[bytes]) -> None:
    passing = HashingReader()
    assert list(passing.iterate_hashed(pieces)) == pieces
    whole = b"".join(pieces)
    assert (passing.bytes, passing.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())


def test_only_what_is_asked_for_is_fetched() -> None:
    fetched: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            fetched.append(number)
            yield b"x" * 10

    stream = ChunkStream(pieces())
    assert not fetched
    stream.read(10)
    assert fetched == [0]
    stream.take(100)
    assert fetched == [0, 1]
