"""The archives of ``docker save``: every layer, and whether it is what the image says. Nothing is written to disk.

Formats: Docker Image Specification v1.2 (``manifest.json`` names the layers, ``ID/layer.tar``) and the OCI image layout
(``index.json``, ``blobs/sha256/DIGEST``); engines since 25 write both into one archive. A file that a later layer
deletes is still in its own layer, so it is seen here.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import posixpath
import tarfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from builder.engine.manifests import Documents
from builder.engine.tarstream import BLOCK, TarStream, absolute
from builder.errors import BadImageArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from builder.engine.manifests import ArchivedImage

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
BLOBS = "blobs/sha256/"
"""Where the OCI layout keeps its files, each named by the sha256 of its bytes."""
_HINT = "try again; when it stays, the engine's copy of the image is damaged: build it again with --no-cache"


@dataclass(frozen=True)
class LayerFile:
    """One regular file of one layer. ``path`` is absolute, normalised; ``read`` gives its bytes: once, now or never."""

    layer: str
    path: str
    size: int
    mode: int
    read: Callable[[], bytes]


def read_layers(chunks: Iterable[bytes], *, skip: Callable[[str], bool] = lambda _: False) -> Iterator[LayerFile]:
    """Every file of every layer. Layers whose name in the archive ``skip`` accepts are passed over.

    Raises BadImageArchiveError when the archive is damaged, ends early, or does not hold the layers that it names.
    """
    archive = Archive(chunks)
    for layer in archive.layers(skip=skip):
        for member in layer.members():
            if member.isfile() or member.islnk():
                yield LayerFile(layer.name, absolute(member.name), member.size, member.mode, _reader(layer, member))
    archive.images()


def _reader(layer: ArchivedLayer, member: tarfile.TarInfo) -> Callable[[], bytes]:
    return lambda: b"".join(layer.data(member)) if member.isfile() else b""


class Archive:
    """One archive, read once from its first byte to its last: first ``layers()``, then ``images()``."""

    def __init__(
        self, chunks: Iterable[bytes], *, admit: Callable[[tarfile.TarInfo], None] = lambda _member: None
    ) -> None:
        """``admit`` sees each entry of the archive itself before its bytes are read, and may refuse it by raising."""
        self._chunks = chunks
        self._admit = admit
        self._documents = Documents()
        self._diffs: dict[str, str | None] = {}
        """Of each layer, by its name; None: it was skipped."""
        self._links: dict[str, str] = {}

    def layers(self, *, skip: Callable[[str], bool] = lambda _: False) -> Iterator[ArchivedLayer]:
        """Each layer in the order of the archive. One that nobody reads to its end is read to its end here.

        Raises BadImageArchiveError, while the consumer reads a layer too.
        """
        stream = io.BufferedReader(_Chunks(self._chunks), BLOCK)
        with _told_apart("the image's archive cannot be read"):
            archive = TarStream(stream.read)
            for member in archive:
                self._admit(member)
                name = posixpath.normpath(member.name)
                if member.issym():  # older engines link equal layers
                    self._links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
                elif member.islnk():
                    self._links[name] = posixpath.normpath(member.linkname)
                elif member.isfile():
                    yield from self._file(name, member, archive, skip)

    def images(self) -> tuple[ArchivedImage, ...]:
        """What the archive says it holds. Raises BadImageArchiveError where that is not what it holds."""
        found = self._documents.images()
        for image in found:
            for name, diff in zip(image.layers, image.diffs, strict=True):
                self._check(name, diff)
        return found

    def images_below(self, digest: str) -> tuple[ArchivedImage, ...]:
        """Those that an OCI index or manifest with this digest leads to. Raises BadImageArchiveError: there is none."""
        return self._documents.images_below(digest)

    def document(self, name: str) -> bytes | None:
        """A small file of the archive, as ``index.json``; None: there is none."""
        return self._documents.text(name)

    def _file(
        self, name: str, member: tarfile.TarInfo, archive: TarStream, skip: Callable[[str], bool]
    ) -> Iterator[ArchivedLayer]:
        data = io.BufferedReader(_Chunks(archive.data(member)), BLOCK)
        head = data.peek(512)[:512]
        if not is_layer(head):
            self._documents.add(name, member.size, data.read)
        elif skip(name):
            self._remember(name, None)
        else:
            layer = ArchivedLayer(name, data)
            yield layer
            layer.finish()
            self._remember(name, layer.diff)

    def _remember(self, name: str, diff: str | None) -> None:
        if self._diffs.setdefault(name, diff) != diff:
            raise BadImageArchiveError(f"the image's archive holds two different layers {name}", hint=_HINT)

    def _check(self, name: str, wanted: str) -> None:
        here = self._resolve(name)
        if here not in self._diffs:
            raise BadImageArchiveError(f"the image's archive lacks the layer {name}", hint=_HINT)
        found = self._diffs[here]
        if found is not None and found != wanted:
            raise BadImageArchiveError(
                f"layer {name} of the image's archive is not what the image says: its bytes have the digest {found}, "
                f"the image wants {wanted}",
                hint=_HINT,
            )

    def _resolve(self, name: str) -> str:
        """The layer that a name means; links that go round in a circle lead nowhere."""
        seen: set[str] = set()
        while name in self._links and name not in self._diffs and name not in seen:
            seen.add(name)
            name = self._links[name]
        return name


class ArchivedLayer:
    """One layer while it streams by. ``diff`` and ``tar_bytes`` are known when it is finished."""

    def __init__(self, name: str, stream: io.BufferedReader[Any]) -> None:
        self.name = name
        self.diff = ""
        """``sha256:...`` over the uncompressed tar: the layer's diff ID."""
        self.tar_bytes = 0
        self._stored = _Hashed(stream, name.removeprefix(BLOBS) if name.startswith(BLOBS) else None)
        self._plain = _decompressed(self._stored, stream.peek(4)[:4])
        self._hashed = _Hashed(self._plain, None) if self._plain is not self._stored else self._stored
        self._buffered = io.BufferedReader(self._hashed, BLOCK)
        self._tar = TarStream(self._buffered.read)

    def members(self) -> Iterator[tarfile.TarInfo]:
        """Its entries in the order of the tar; a path may come twice."""
        with _told_apart(f"layer {self.name} of the image's archive cannot be read"):
            yield from self._tar

    def data(self, member: tarfile.TarInfo) -> Iterator[bytes]:
        """The bytes of the regular file that ``members`` gave last, in pieces."""
        with _told_apart(f"layer {self.name} of the image's archive cannot be read"):
            yield from self._tar.data(member)

    def finish(self) -> None:
        """Read what is left. Raises BadImageArchiveError when the stored bytes are not those that the name promises."""
        if self.diff:
            return
        with _told_apart(f"layer {self.name} of the image's archive cannot be read"):
            for stream in (self._buffered, io.BufferedReader(self._stored, BLOCK)):
                while stream.read(BLOCK):
                    pass
        self._stored.check(self.name)
        self.diff, self.tar_bytes = f"sha256:{self._hashed.digest}", self._hashed.bytes


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


def _decompressed(stored: _Hashed, head: bytes) -> io.RawIOBase:
    if head.startswith(GZIP):
        return cast("io.RawIOBase", gzip.GzipFile(fileobj=io.BufferedReader(stored, BLOCK)))
    return _Chunks(_unzstd(stored)) if head.startswith(ZSTD) else stored


def _unzstd(stored: _Hashed) -> Iterator[bytes]:
    from zstandard import ZstdDecompressor, ZstdError  # noqa: PLC0415 - rare: only some builders compress layers so

    try:
        with ZstdDecompressor().stream_reader(
            cast("IO[bytes]", stored), read_across_frames=True, closefd=False
        ) as plain:
            while piece := plain.read(BLOCK):
                yield piece
    except ZstdError as error:
        raise EOFError(str(error)) from error


class _Chunks(io.RawIOBase):
    """An iterator of chunks as a file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            try:
                self._rest = memoryview(next(self._chunks))
            except StopIteration:
                return 0
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class _Hashed(io.RawIOBase):
    """What is read passes by a sha256. ``wanted``: its hexadecimal digest, where that is known."""

    def __init__(self, source: Any, wanted: str | None) -> None:
        self._source = source
        self._wanted = wanted
        self._hash = hashlib.sha256()
        self.bytes = 0

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def check(self, name: str) -> None:
        if self._wanted not in {None, self.digest}:
            raise BadImageArchiveError(
                f"{name} of the image's archive is damaged: its bytes have the sha256 {self.digest}", hint=_HINT
            )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = int(self._source.readinto(buffer))
        self._hash.update(buffer[:count])
        self.bytes += count
        return count


@contextlib.contextmanager
def _told_apart(what: str) -> Iterator[None]:
    """Whatever goes wrong with these bytes becomes one error that says where."""
    try:
        yield
    except BadImageArchiveError as error:
        if error.hint is not None:  # it has said so already
            raise
        raise BadImageArchiveError(f"{what}: {error.message}", hint=_HINT) from error
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        raise BadImageArchiveError(f"{what}: {error}", hint=_HINT) from error
