"""The archives of ``docker save``: every layer, and whether it is what the image says. Nothing is written to disk.

Formats: Docker Image Specification v1.2 (``manifest.json`` names the layers, ``ID/layer.tar``) and the OCI image layout
(``index.json``, ``blobs/sha256/DIGEST``); engines since 25 write both into one archive. A file that a later layer
deletes is still in its own layer, so it is seen here.
"""

from __future__ import annotations

import posixpath
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from builder.core.errors import BadImageArchiveError
from builder.engine.chunks import ChunkStream, HashingReader
from builder.engine.manifests import BLOBS, ArchiveDocuments
from builder.engine.tarstream import BLOCK, HINT, TarStream, normalize_entry_path

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Iterable, Iterator

    from builder.engine.chunks import Chunk
    from builder.engine.manifests import ArchivedImage

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
_WHAT = "the image's archive"
_CAPABILITIES = "SCHILY.xattr.security.capability"
"""How archives of layers write an extended attribute (Go's archive/tar, star's pax records); capabilities(7)."""
_ANY_GZIP = 31
"""``wbits`` of zlib: a gzip header, the largest window."""


@dataclass(frozen=True)
class LayerFile:
    """One regular file of one layer. ``path`` is absolute, normalised; ``read`` gives its bytes: once, now or never."""

    layer: str
    path: str
    size: int
    mode: int
    read: Callable[[], bytes]
    capabilities: bool = False
    """It runs with rights of root (capabilities(7)), whoever starts it."""


def iterate_layer_files(
    chunks: Iterable[bytes], *, skip: Callable[[str], bool] = lambda _: False
) -> Iterator[LayerFile]:
    """Every file of every layer. Layers whose name in the archive ``skip`` accepts are passed over.

    Raises BadImageArchiveError when the archive is damaged, ends early, or does not hold the layers that it names.
    """
    archive = ImageArchive(chunks)
    for layer in archive.iterate_layers(skip=skip):
        for member in layer.iterate_members():
            if member.isfile() or member.islnk():
                path, read = normalize_entry_path(member.name), _make_reader(layer, member)
                raised = _CAPABILITIES in member.pax_headers
                yield LayerFile(layer.name, path, member.size, member.mode, read, raised)
    archive.check_images()


def _make_reader(layer: ArchivedLayer, member: tarfile.TarInfo) -> Callable[[], bytes]:
    return lambda: b"".join(layer.iterate_data(member)) if member.isfile() else b""


class ImageArchive:
    """One archive, read once from its first byte to its last: first ``layers()``, then ``images()``."""

    def __init__(
        self, chunks: Iterable[bytes], *, admit: Callable[[tarfile.TarInfo], None] = lambda _member: None
    ) -> None:
        """``admit`` sees each entry of the archive itself before its bytes are read, and may refuse it by raising."""
        self._chunks = chunks
        self._admit = admit
        self._documents = ArchiveDocuments()
        self._diffs: dict[str, str | None] = {}
        """Of each layer, by its name; None: it was skipped."""
        self._links: dict[str, str] = {}

    def iterate_layers(self, *, skip: Callable[[str], bool] = lambda _: False) -> Iterator[ArchivedLayer]:
        """Each layer in the order of the archive. One that nobody reads to its end is read to its end here.

        Raises BadImageArchiveError, while the consumer reads a layer too.
        """
        archive = TarStream(decompress_archive(_read_chunks(self._chunks)), _WHAT)
        for member in archive:
            self._admit(member)
            name = posixpath.normpath(member.name)
            if member.issym():  # older engines link equal layers
                self._links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
            elif member.islnk():
                self._links[name] = posixpath.normpath(member.linkname)
            elif member.isfile():
                yield from self._iterate_layer(name, member.size, ChunkStream(archive.iterate_data(member)), skip)

    def check_images(self) -> tuple[ArchivedImage, ...]:
        """What the archive says it holds. Raises BadImageArchiveError where that is not what it holds."""
        found = self._documents.read_images()
        for image in found:
            for name, diff in zip(image.layers, image.diffs, strict=True):
                self._check_layer(name, diff)
        return found

    def find_images_below(self, digest: str) -> tuple[ArchivedImage, ...]:
        """What an OCI index or manifest with this digest leads to. Raises BadImageArchiveError if there is none."""
        return self._documents.find_images_below(digest)

    def find_document(self, name: str) -> bytes | None:
        """A small file of the archive, as ``index.json``; None: there is none."""
        return self._documents.find_text(name)

    def _iterate_layer(
        self, name: str, size: int, data: ChunkStream, skip: Callable[[str], bool]
    ) -> Iterator[ArchivedLayer]:
        if not is_layer(data.peek(512)):
            self._documents.add(name, size, lambda: data.read(size))
        elif skip(name):
            self._remember(name, None)
        else:
            layer = ArchivedLayer(name, data)
            yield layer
            layer.finish()
            self._remember(name, layer.diff)

    def _remember(self, name: str, diff: str | None) -> None:
        if self._diffs.setdefault(name, diff) != diff:
            raise BadImageArchiveError(f"the image's archive holds two different layers {name}", hint=HINT)

    def _check_layer(self, name: str, wanted: str) -> None:
        here = self._resolve_link(name)
        if here not in self._diffs:
            raise BadImageArchiveError(f"the image's archive lacks the layer {name}", hint=HINT)
        found = self._diffs[here]
        if found is not None and found != wanted:
            raise BadImageArchiveError(
                f"layer {name} of the image's archive is not what the image says: its bytes have the digest {found}, "
                f"the image expects {wanted}",
                hint=HINT,
            )

    def _resolve_link(self, name: str) -> str:
        """The layer that a name means; links that go round in a circle lead nowhere."""
        seen: set[str] = set()
        while name in self._links and name not in self._diffs and name not in seen:
            seen.add(name)
            name = self._links[name]
        return name


class ArchivedLayer:
    """One layer while it streams by. ``diff`` and ``tar_bytes`` are known when it is finished."""

    def __init__(self, name: str, data: ChunkStream) -> None:
        self.name = name
        self.diff = ""
        """``sha256:...`` over the uncompressed tar: the layer's diff ID."""
        self.tar_bytes = 0
        what = f"layer {name} of the image's archive"
        compressed = _choose_decompressor(data.peek(4))
        self._stored = self._plain = HashingReader()
        self._rest = plain = self._stored.iterate_hashed(data.take_rest())
        if compressed is not None:
            self._plain = HashingReader()
            plain = self._plain.iterate_hashed(compressed(self._rest, what))
        self._tar = TarStream(plain, what)

    def iterate_members(self) -> Iterator[tarfile.TarInfo]:
        """Its entries in the order of the tar; a path may come twice."""
        return iter(self._tar)

    def iterate_data(self, member: tarfile.TarInfo) -> Iterator[Chunk]:
        """The bytes of the regular file that ``members`` gave last, in pieces."""
        return self._tar.iterate_data(member)

    def finish(self) -> None:
        """Read what is left. Raises BadImageArchiveError when the stored bytes are not those that the name promises."""
        if self.diff:
            return
        self._tar.drain()
        for _ in self._rest:  # behind what was compressed
            pass
        if self.name.startswith(BLOBS) and self._stored.sha256 != self.name.removeprefix(BLOBS):
            raise BadImageArchiveError(
                f"{self.name} of the image's archive is damaged: its bytes have the sha256 {self._stored.sha256}",
                hint=HINT,
            )
        self.diff, self.tar_bytes = f"sha256:{self._plain.sha256}", self._plain.bytes


def is_layer(head: bytes) -> bool:
    """Whether a file of the archive that starts with these 512 bytes is a layer: a tar archive, plain or compressed."""
    return head.startswith((GZIP, ZSTD)) or is_tar(head)


def is_tar(head: bytes) -> bool:
    """Whether these 512 bytes are the header of an entry, or the zeros of an empty archive."""
    if len(head) < 512:
        return False
    if not any(head):
        return True
    try:
        return int(head[148:156].strip(b" \0"), 8) == sum(head[:148]) + sum(head[156:]) + 8 * 32
    except ValueError:
        return False


def _choose_decompressor(head: bytes) -> Callable[[Iterator[Chunk], str], Iterator[Chunk]] | None:
    """What unpacks a layer that starts so; None: it is not compressed."""
    return _decompress_gzip if head.startswith(GZIP) else _decompress_zstd if head.startswith(ZSTD) else None


def _decompress_gzip(pieces: Iterator[Chunk], what: str) -> Iterator[Chunk]:
    """One part or several; zeros may follow (RFC 1952, and what every reader accepts). Memory is bounded."""
    part = zlib.decompressobj(_ANY_GZIP)
    try:
        for piece in pieces:
            left: Chunk = piece
            while left:
                if part.eof:
                    left = bytes(left).lstrip(b"\0")
                    if not left:
                        break
                    part = zlib.decompressobj(_ANY_GZIP)
                yield part.decompress(left, BLOCK)
                left = part.unused_data or part.unconsumed_tail
    except zlib.error as error:
        raise _make_unreadable_error(what, error) from error
    if not part.eof:
        raise _make_unreadable_error(what, "it ends early")


def _decompress_zstd(pieces: Iterator[Chunk], what: str) -> Iterator[Chunk]:
    from zstandard import ZstdDecompressor, ZstdError  # rare: only some builders compress layers so

    source = cast("IO[bytes]", ChunkStream(pieces))
    try:
        with ZstdDecompressor().stream_reader(source, read_across_frames=True, closefd=False) as plain:
            while piece := plain.read(BLOCK):
                yield piece
    except ZstdError as error:
        raise _make_unreadable_error(what, error) from error


def _read_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    except OSError as error:
        raise _make_unreadable_error(_WHAT, error) from error


def decompress_archive(chunks: Iterator[bytes]) -> Iterator[Chunk]:
    """People compress what ``docker save`` writes, and ``docker load`` takes it."""
    data = ChunkStream(chunks)
    decompress = _choose_decompressor(data.peek(4))
    return data.take_rest() if decompress is None else decompress(data.take_rest(), _WHAT)


def _make_unreadable_error(what: str, error: object) -> BadImageArchiveError:
    return BadImageArchiveError(f"{what} cannot be read: {error}", hint=HINT)
