"""Whether an archive of a backup is whole: all of it is read, and it is one image that an engine can load, no more."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from builder.core.errors import BadImageArchiveError
from builder.engine.archive import ImageArchive

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Iterator

    from builder.engine.archive import ArchivedLayer
    from builder.engine.manifests import ArchivedImage

CHUNK_BYTES = 1 << 20
END = 1024
"""Zeros at the end of every tar archive: what was cut off between two entries lacks them."""
MAX_WINDOW = 1 << 27
"""Bytes of memory that a compressed file may ask for; what zstd takes by default."""
MAX_ENTRIES = 20_000
"""Of the archive itself: a few for each layer."""
_FOLDERS = re.compile(r"blobs(/sha256)?|[0-9a-f]{64}")
_FILES = re.compile(
    r"blobs/sha256/[0-9a-f]{64}|(index|manifest)\.json|oci-layout|repositories"
    r"|[0-9a-f]{64}\.json|[0-9a-f]{64}/(json|VERSION|layer\.tar)"
)
_LINKS = re.compile(r"[0-9a-f]{64}/layer\.tar")
_TARGETS = re.compile(r"\.\./[0-9a-f]{64}/layer\.tar")
"""Engines before 25 write a layer that comes twice as a link to the first."""
_HINT = "nothing of it was loaded"


@dataclass(frozen=True)
class ArchiveContents:
    """What a file turned out to hold, read from its first byte to its last."""

    bytes: int
    sha256: str
    tar_bytes: int
    tar_sha256: str
    ids: tuple[str, ...]
    """By which engines know the image: first its configuration's digest, then, for engines that keep images in
    containerd, the digests of its index or manifest."""
    layers: tuple[str, ...]
    unpacked: int
    """Bytes: sum of the regular files of all layers."""


class StreamDigest:
    """Bytes and sha256 of what passes by, and its end."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.bytes = 0
        self.end = b""

    def add(self, piece: bytes) -> bytes:
        self._hash.update(piece)
        self.bytes += len(piece)
        self.end = (self.end + piece[-END:])[-END:]
        return piece

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


@dataclass(frozen=True)
class ArchiveLimits:
    """Bytes that an archive may have at most, when decompressed and when unpacked: more is a trap."""

    tar_bytes: int
    unpacked: int


def read_checked_archive(
    stream: IO[bytes],
    identity: str,
    *,
    limits: ArchiveLimits | None = None,
    told: Callable[[int], None] = lambda _done: None,
) -> ArchiveContents:
    """Read a compressed archive that must hold the image ``identity`` and nothing else.

    ``told`` is called with the number of bytes read so far. Raises BadImageArchiveError.
    """
    stored, plain = StreamDigest(), StreamDigest()
    pieces = _iterate_bounded(decompress_stream(stream, stored, told), plain, limits)
    entries = _EntryChecker()
    archive = ImageArchive(pieces, admit=entries.check_entry)
    unpacked, found = 0, set()
    for layer in archive.iterate_layers():
        for size in _iterate_file_sizes(layer):
            unpacked += size
            if limits is not None and unpacked > limits.unpacked:
                raise _make_archive_error(f"unpacks to more than the expected {limits.unpacked} bytes")
        layer.finish()
        found.add(layer.diff)
    if any(piece.strip(b"\0") for piece in pieces):
        raise _make_archive_error("continues after its end")
    if plain.end != bytes(END):
        raise _make_archive_error("ends early")
    image, ids = _find_only_image(archive, identity)
    if found - set(image.diffs):
        raise _make_archive_error(f"holds a layer that is not one of the image's: {min(found - set(image.diffs))}")
    return ArchiveContents(stored.bytes, stored.sha256, plain.bytes, plain.sha256, ids, image.diffs, unpacked)


def decompress_stream(
    stream: IO[bytes], stored: StreamDigest, told: Callable[[int], None] = lambda _done: None
) -> Iterator[bytes]:
    """The bytes in a zstd file, in pieces; memory is bounded. Raises BadImageArchiveError."""
    from zstandard import ZstdDecompressor, ZstdError  # only a backup needs it

    source: Any = _CountingReader(stream, stored, told)
    try:
        with ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(
            source, read_size=CHUNK_BYTES, read_across_frames=True, closefd=False
        ) as plain:
            while piece := plain.read(CHUNK_BYTES):
                yield piece
    except ZstdError as error:
        raise _make_archive_error(f"cannot be decompressed: {error}") from error


class _CountingReader:
    """What the decompressor takes for a file."""

    def __init__(self, stream: IO[bytes], stored: StreamDigest, told: Callable[[int], None]) -> None:
        self._stream, self._stored, self._told = stream, stored, told

    def read(self, size: int = -1) -> bytes:
        piece = self._stored.add(self._stream.read(size))
        self._told(self._stored.bytes)
        return piece


def _iterate_bounded(pieces: Iterator[bytes], plain: StreamDigest, limits: ArchiveLimits | None) -> Iterator[bytes]:
    for piece in pieces:
        plain.add(piece)
        if limits is not None and plain.bytes > limits.tar_bytes:
            raise _make_archive_error(f"decompresses to more than the expected {limits.tar_bytes} bytes")
        yield piece


class _EntryChecker:
    """The archive's own entries: only those that engines write. Nothing here is unpacked, but an engine would do it."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def check_entry(self, member: tarfile.TarInfo) -> None:
        name = member.name
        if not _is_engine_entry(member):
            raise _make_archive_error(f"holds {name[:200]!r}, which no archive of an image holds")
        if name in self._seen or len(self._seen) >= MAX_ENTRIES:
            raise _make_archive_error(
                f"holds {name} twice" if name in self._seen else f"has more than {MAX_ENTRIES} entries"
            )
        self._seen.add(name)


def _is_engine_entry(member: tarfile.TarInfo) -> bool:
    if member.isdir():
        return _FOLDERS.fullmatch(member.name) is not None
    if member.issym():
        return _LINKS.fullmatch(member.name) is not None and _TARGETS.fullmatch(member.linkname) is not None
    return member.isreg() and not member.issparse() and _FILES.fullmatch(member.name) is not None


def _iterate_file_sizes(layer: ArchivedLayer) -> Iterator[int]:
    """Bytes of each regular file. Names that lead out of the image are refused.

    Devices, links and absolute names are not a trap here: a Debian base holds devices, and engines unpack below a root
    of their own.
    """
    for member in layer.iterate_members():
        for name in (member.name, member.linkname) if member.islnk() else (member.name,):
            if posixpath.normpath(name.lstrip("/")).split("/", 1)[0] == "..":
                raise _make_archive_error(f"has a layer with an entry outside of the image: {name[:200]!r}")
        if member.isreg():
            yield member.size


def _find_only_image(archive: ImageArchive, identity: str) -> tuple[ArchivedImage, tuple[str, ...]]:
    """The only image, and all its IDs, of which ``identity`` must be one."""
    images = archive.check_images()
    if len(images) != 1:
        raise _make_archive_error(f"holds {len(images)} images")
    image, (digests, names) = images[0], _read_index(archive)
    if named := sorted({*image.references, *names}):
        raise _make_archive_error(f"contains other image names: {', '.join(named[:3])}")
    for digest in digests:
        _check_digest(archive, digest, image.id)
    ids = tuple(dict.fromkeys((image.id, *digests)))
    if identity not in ids:
        raise _make_archive_error(f"holds the image {image.id}, not {identity}")
    return image, ids


def _check_digest(archive: ImageArchive, digest: str, config: str) -> None:
    if [one.id for one in archive.find_images_below(digest)] != [config]:
        raise _make_archive_error(f"has an index that leads to another image than {config}")


def _read_index(archive: ImageArchive) -> tuple[list[str], list[str]]:
    """Digests and names in ``index.json``. An engine moves such names without asking, as those of the manifest."""
    names = [] if archive.find_document("repositories") is None else ["repositories"]
    index = archive.find_document("index.json")
    try:
        entries = [] if index is None else json.loads(index)["manifests"]
        notes = [entry.get("annotations") or {} for entry in entries]
        names += [str(note[key]) for note in notes for key in sorted(_NAMING & note.keys())]
        return [str(entry["digest"]) for entry in entries], names
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _make_archive_error(f"holds a damaged index.json: {error}") from error


_NAMING = frozenset({"io.containerd.image.name", "org.opencontainers.image.ref.name"})


def _make_archive_error(what: str) -> BadImageArchiveError:
    return BadImageArchiveError(f"the archive {what}", hint=_HINT)
