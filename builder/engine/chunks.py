"""A stream of bytes that comes in pieces and is read in any sizes, without copying what need not be copied."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Chunk: TypeAlias = "bytes | memoryview"
_NOTHING = memoryview(b"")


class ChunkStream:
    """Reads forward only. The memory that is taken is that of the pieces under way."""

    def __init__(self, pieces: Iterable[Chunk]) -> None:
        self._pieces = iter(pieces)
        self._piece = _NOTHING
        self._at = 0

    def take(self, size: int) -> memoryview:
        """At least one byte and at most ``size``; none at the end."""
        if self._at == len(self._piece) and not self._load_next():
            return _NOTHING
        found = self._piece[self._at : self._at + size]
        self._at += len(found)
        return found

    def read(self, size: int) -> bytes:
        """``size`` bytes, and fewer only at the end."""
        end = self._at + size
        if end <= len(self._piece):
            found = bytes(self._piece[self._at : end])
            self._at = end
            return found
        parts = []
        while size and (part := self.take(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def peek(self, size: int) -> bytes:
        """As :meth:`read`; the bytes stay."""
        found = self.read(size)
        self._piece, self._at = memoryview(found + bytes(self._piece[self._at :])), 0
        return found

    def take_rest(self) -> Iterator[memoryview]:
        """Everything that is left."""
        while piece := self.take(1 << 62):
            yield piece

    def _load_next(self) -> bool:
        """Whether there is a further piece, which then is under way."""
        for piece in self._pieces:
            if piece:
                self._piece, self._at = memoryview(piece), 0
                return True
        return False


class HashingReader:
    """The sha256 and the number of the bytes that pass by."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        """Hexadecimal."""
        return self._hash.hexdigest()

    def iterate_hashed(self, pieces: Iterable[Chunk]) -> Iterator[Chunk]:
        for piece in pieces:
            self._hash.update(piece)
            self.bytes += len(piece)
            yield piece
