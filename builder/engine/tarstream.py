"""Tar archives that come as a stream, maybe made to attack: forward only, in bounded memory, nothing written.

Python's tarfile reads the headers (ustar, pax, GNU, sparse). It was written for files that can be wound back and
trusts their headers; what is between it and the bytes here is :class:`_ForwardReader`, which refuses both.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
from typing import IO, TYPE_CHECKING, cast

from builder.core.errors import BadImageArchiveError
from builder.engine.chunks import ChunkStream
from builder.engine.tarheader import FastTarInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Self

    from builder.engine.chunks import Chunk

BLOCK = 1 << 20
"""Bytes that are asked for at once."""
MAX_HEADER_BYTES = 1 << 20
"""Of one entry: long names, extended attributes, the map of a sparse file. Real ones take a few thousand."""
MAX_PATH = 4096
"""Characters of a name or a link. No engine can unpack longer ones (Linux' PATH_MAX, in bytes)."""
MAX_HOLES = 16 << 30
"""Bytes that all sparse files of one archive may have without storing them: each has to be hashed."""
_LONGEST_NUMBER = 255
"""Digits in a row. More are not a file name, and tarfile's search in them takes the square of their number."""
_RECORD = re.compile(rb"([0-9]{1,7}) ([^=\n]+)=")
"""How a record of a pax header begins: its length in bytes, a blank, a key (POSIX.1-2017, pax, "Extended Header")."""
_READ = frozenset({b"hdrcharset", *(key.encode() for key in tarfile.PAX_FIELDS)})
"""Keys whose values tarfile understands, beside those of sparse files."""
_PAX_TYPES = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE})
_DIGITS = bytes(0 if chr(byte).isdecimal() and byte < 128 else 1 for byte in range(256))
_ZEROS = bytes(BLOCK)
HINT = (
    "try again, and save a file once more; when it stays, the engine's copy of the image is damaged: "
    "build it again with --no-cache"
)


class TarStream:
    """The entries of one archive, each once. ``what`` names it in errors.

    Raises BadImageArchiveError when a header is damaged, and when the stream ends within an entry. A stream that ends
    behind an entry without the two blocks of zeros is accepted, as engines accept it.
    """

    def __init__(self, pieces: Iterable[Chunk], what: str = "the archive") -> None:
        self._stream = _ForwardReader(ChunkStream(pieces))
        self._what = what
        self._holes = 0

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        stream = self._stream
        try:
            files = tarfile.TarFile(
                fileobj=cast("IO[bytes]", stream),
                mode="r",
                tarinfo=_HeaderInfo,
                encoding="utf-8",
                errors="surrogateescape",
            )
            while (member := files.next()) is not None:
                files.members.clear()  # type: ignore[attr-defined] # kept for ways back that do not exist here
                stream.start_entry(files.pax_headers)
                _check_member(member)
                yield member
        except tarfile.ReadError as error:
            if str(error) == "empty file":
                return
            raise self._make_tar_error(f"{error} (byte {stream.tell()})") from error
        except (tarfile.TarError, ValueError, IndexError, OverflowError, RecursionError) as error:
            raise self._make_tar_error(f"a header is damaged (before byte {stream.tell()}): {error}") from error
        if any(stream.last_block):
            raise self._make_tar_error(f"a header is damaged (before byte {stream.tell()})")

    def iterate_data(self, member: tarfile.TarInfo) -> Iterator[Chunk]:
        """The bytes of the regular file that was yielded last; holes of a sparse file are zeros."""
        sparse = cast("Sequence[tuple[int, int]] | None", member.sparse)  # its stub says bytes
        return self._iterate_stored(member, member.size) if sparse is None else self._iterate_sparse(member, sparse)

    def drain(self) -> None:
        """Read what is left behind the last entry."""
        while self._stream.take(BLOCK):
            pass

    def _iterate_sparse(self, member: tarfile.TarInfo, sparse: Sequence[tuple[int, int]]) -> Iterator[Chunk]:
        at = 0
        for offset, size in sparse:
            if not size:  # fills an old header's map, and marks a hole at the end
                continue
            yield from self._iterate_hole(member, offset - at)
            yield from self._iterate_stored(member, size)
            at = offset + size
        yield from self._iterate_hole(member, member.size - at)

    def _iterate_stored(self, member: tarfile.TarInfo, size: int) -> Iterator[Chunk]:
        if size < 0:
            raise self._make_tar_error(f"the map of the sparse file {normalize_entry_path(member.name)} is damaged")
        while size:
            data = self._stream.take(min(size, BLOCK))
            if not data:
                raise self._make_tar_error(f"{normalize_entry_path(member.name)} ends early, {size} bytes are missing")
            size -= len(data)
            yield data

    def _iterate_hole(self, member: tarfile.TarInfo, size: int) -> Iterator[Chunk]:
        self._holes += size
        if size < 0 or self._holes > MAX_HOLES:
            raise self._make_tar_error(
                f"the map of the sparse file {normalize_entry_path(member.name)} is damaged or a trap"
            )
        while size:
            piece = min(size, BLOCK)
            size -= piece
            yield _ZEROS[:piece]

    def _make_tar_error(self, error: str) -> BadImageArchiveError:
        return BadImageArchiveError(f"{self._what} cannot be read: {error}", hint=HINT)


def _check_member(member: tarfile.TarInfo) -> None:
    if len(member.name) > MAX_PATH or len(member.linkname) > MAX_PATH:
        raise tarfile.ReadError(
            f"the name {normalize_entry_path(member.name)[:60]}... has more than {MAX_PATH} characters"
        )
    if member.size < 0:
        raise tarfile.ReadError(f"{normalize_entry_path(member.name)} has {member.size} bytes, says its header")


def _iterate_pax_records(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each record's key, and where its value begins and ends.

    Raises ReadError for records that overlap or have no end: tarfile would copy them again and again.
    """
    at = 0
    while data[at : at + 1] not in {b"", b"\0"}:
        record = _RECORD.match(data, at)
        end = at + int(record[1]) if record is not None else 0
        if record is None or end <= record.end() or data[end - 1 : end] != b"\n":
            raise tarfile.ReadError("an entry's pax header is damaged")
        yield record[2], record.end(), end - 1
        at = end


def _sanitize_pax(data: bytes) -> bytes:
    """A pax header in which tarfile never searches for long. Raises ReadError where it is damaged.

    An extended attribute may well be a long row of digits, and nobody reads those here: then it becomes zero bytes.
    """
    records = list(_iterate_pax_records(data))
    if not _has_long_number(data):
        return data
    found = bytearray(data)
    for key, start, end in records:
        if key not in _READ and not key.startswith(b"GNU.sparse."):
            found[start:end] = bytes(end - start)
    if _has_long_number(found):
        raise tarfile.ReadError("an entry's header holds an invalid number")
    return bytes(found)


def _has_long_number(data: bytes | bytearray) -> bool:
    return bytes(_LONGEST_NUMBER + 1) in data.translate(_DIGITS)


class _HeaderInfo(FastTarInfo):
    """Tells the stream that the next thing read is a header: a long name of 512 bytes may look like any of them."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        cast("_ForwardReader", tarfile.fileobj).expect_header()
        return super().fromtarfile(tarfile)


class _ForwardReader:
    """What tarfile takes for a file. Headers, and what belongs to them, are read; the bytes of files are taken."""

    def __init__(self, pieces: ChunkStream) -> None:
        self._pieces = pieces
        self._at = 0
        self._header_bytes = 0
        self._header_follows = False
        self._pax_follows = False
        self.last_block = b""
        """The last header: zeros at a proper end."""

    def start_entry(self, common: Mapping[str, str]) -> None:
        """``common`` are the attributes of all further entries, which one archive may say more and more of."""
        self._header_bytes = sum(len(name) + len(value) for name, value in common.items()) if common else 0

    def expect_header(self) -> None:
        self._header_follows = True

    def tell(self) -> int:
        return self._at

    def read(self, size: int) -> bytes:
        self._header_bytes += size
        if size < 0 or self._header_bytes > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"an entry's header says that it takes more than {MAX_HEADER_BYTES} bytes")
        data = self._pieces.read(size)
        self._at += len(data)
        if self._pax_follows:
            self._pax_follows = False
            return _sanitize_pax(data)
        if self._header_follows:
            self._header_follows = False
            self.last_block = data
            self._pax_follows = data[156:157] in _PAX_TYPES
        return data

    def take(self, size: int) -> memoryview:
        data = self._pieces.take(size)
        self._at += len(data)
        return data

    def seek(self, to: int) -> None:
        if to < self._at:
            raise tarfile.ReadError("an entry's header points backwards")
        while self._at < to and self.take(min(to - self._at, BLOCK)):
            pass


def normalize_entry_path(name: str) -> str:
    """The path that an entry's name means: ``../`` ends at the root, control characters are escaped."""
    return escape_unprintable(posixpath.normpath("/" + name.lstrip("/")))


def escape_unprintable(text: str) -> str:
    """Without characters that move a cursor, or that no UTF-8 can hold: they are escaped."""
    return text if text.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
