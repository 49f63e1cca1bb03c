"""Every file of every layer of an image, from the stream of ``docker save``; nothing is ever written to disk.

Formats: Docker Image Specification v1.2: ``manifest.json`` names the layers; ``ID/layer.tar``, ``blobs/sha256/DIGEST``.
A file that a later layer deletes is still in its own layer, so it is seen here.
"""

from __future__ import annotations

import gzip
import io
import json
import posixpath
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from builder.errors import BadImageArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

BLOCK = 1 << 20
GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
TAR_MAGIC_AT = 257


@dataclass(frozen=True)
class LayerFile:
    """One regular file of one layer. ``path`` is absolute, normalised; ``read`` gives its bytes: once, now or never."""

    layer: str
    path: str
    size: int
    mode: int
    read: Callable[[], bytes]


def read_layers(chunks: Iterable[bytes], *, skip: Callable[[str], bool] = lambda _: False) -> Iterator[LayerFile]:
    """Walk the archive. Layers whose name in the archive ``skip`` accepts are passed over.

    Raises BadImageArchiveError when the archive is damaged, ends early, or holds fewer layers than it names.
    """
    seen: set[str] = set()
    manifest: list[dict[str, Any]] | None = None
    try:
        with tarfile.open(
            fileobj=cast("IO[bytes]", io.BufferedReader(_Stream(chunks), BLOCK)), mode="r|", bufsize=BLOCK
        ) as archive:
            for member in archive:
                if member.issym() or member.islnk():  # older engines link equal layers
                    seen.add(member.name)
                if not member.isfile():
                    continue
                stream = io.BufferedReader(cast("io.RawIOBase", archive.extractfile(member)), BLOCK)
                if member.name == "manifest.json":
                    manifest = json.loads(stream.read())
                elif _is_layer(stream, member):
                    seen.add(member.name)
                    if not skip(member.name):
                        yield from _files(member.name, stream)
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError) as error:
        raise BadImageArchiveError(f"the image's archive cannot be read: {error}", hint=_HINT) from error
    _check_complete(manifest, seen)


_HINT = "try again; when it stays, the engine's copy of the image is damaged: build it again with --no-cache"


def _check_complete(manifest: list[dict[str, Any]] | None, seen: set[str]) -> None:
    if not manifest:
        raise BadImageArchiveError("the image's archive ends before its manifest", hint=_HINT)
    missing = [layer for image in manifest for layer in image.get("Layers") or () if layer not in seen]
    if missing:
        raise BadImageArchiveError(f"the image's archive lacks the layer {missing[0]}", hint=_HINT)


def _is_layer(stream: io.BufferedReader[Any], member: tarfile.TarInfo) -> bool:
    head = stream.peek(512)[:512]
    if head.startswith(ZSTD):
        raise BadImageArchiveError(
            f"layer {member.name} is compressed with zstd, which cannot be read here",
            hint="build the image with gzip layers",
        )
    return head.startswith(GZIP) or head[TAR_MAGIC_AT : TAR_MAGIC_AT + 5] == b"ustar" or _is_empty_tar(head)


def _is_empty_tar(head: bytes) -> bool:
    return len(head) == 512 and not any(head)


def _files(layer: str, stream: io.BufferedReader[Any]) -> Iterator[LayerFile]:
    plain = gzip.GzipFile(fileobj=stream) if stream.peek(2).startswith(GZIP) else stream
    with tarfile.open(fileobj=cast("IO[bytes]", plain), mode="r|", bufsize=BLOCK) as files:
        for member in files:
            if member.isfile() or member.islnk():
                yield LayerFile(layer, absolute(member.name), member.size, member.mode, _reader(files, member))


def _reader(files: tarfile.TarFile, member: tarfile.TarInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        stream = files.extractfile(member) if member.isfile() else None
        data = b"" if stream is None else stream.read()
        if stream is not None and len(data) != member.size:
            raise EOFError(f"{absolute(member.name)} ends early")
        return data

    return read


def absolute(name: str) -> str:
    """The path that an entry's name means: ``../`` ends at the root, control characters are escaped."""
    path = posixpath.normpath("/" + name.lstrip("/"))
    if path.isprintable():
        return path
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in path)


class _Stream(io.RawIOBase):
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
