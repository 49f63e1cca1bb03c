"""A saved image as a file: which of its layers lie in another order than a walk gives, and the same image with those
put right, as an archive to load.

Nothing is encoded anew: the headers and data of entries are moved as they are, and of the configuration only the diff
IDs of the layers that are put right become others.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import posixpath
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import BadImageArchiveError, NotWrittenError
from builder.engine.archive import ImageArchive
from builder.engine.chunks import HashingReader
from builder.engine.manifests import BLOBS
from builder.engine.tarstream import HINT
from builder.engine.walk_order import find_walk_order, place_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from io import FileIO
    from pathlib import Path
    from typing import IO

    from builder.engine.manifests import ArchivedImage
    from builder.engine.walk_order import WalkOrder

_PIECE = 1 << 20


@dataclass(frozen=True)
class SavedLayer:
    """Where the layer's tar lies in the saved file: ``start`` and ``size`` in bytes."""

    start: int
    size: int


@dataclass(frozen=True)
class SavedImage:
    """An image in the file ``path``. ``layers`` and ``orders`` by diff ID; orders only of those that were read."""

    path: Path
    image: ArchivedImage
    config: bytes
    layers: Mapping[str, SavedLayer]
    orders: Mapping[str, WalkOrder]

    @property
    def ordered(self) -> tuple[str, ...]:
        """Diff IDs of what was read and lies in walk order."""
        return tuple(diff for diff, order in self.orders.items() if order.ordered)

    @property
    def movable(self) -> tuple[str, ...]:
        """Diff IDs of what can be put into walk order."""
        return tuple(diff for diff, order in self.orders.items() if order.parts)

    @property
    def stuck(self) -> tuple[tuple[str, str], ...]:
        """Diff ID of each layer that lies in another order and must stay so, and why."""
        return tuple((diff, order.obstacle) for diff, order in self.orders.items() if order.obstacle)


@dataclass(frozen=True)
class OrderedImage:
    """The same image with its layers put right. ``moved``: old diff ID → new one; ``diffs``: all, oldest first."""

    saved: SavedImage
    config: bytes
    moved: Mapping[str, str]
    diffs: tuple[str, ...]

    @property
    def id(self) -> str:
        """Of the image, once an engine has loaded it."""
        return f"sha256:{hashlib.sha256(self.config).hexdigest()}"

    def iterate_archive(self) -> Iterator[bytes]:
        """For ``docker load``, on the engine that has the image: layers below the first one that was put right are
        there, and an engine takes from an archive only those that it lacks (moby, ``image/tarexport/load.go``)."""
        names = [f"{diff.removeprefix('sha256:')}/layer.tar" for diff in self.diffs]
        config_name = f"{self.id.removeprefix('sha256:')}.json"
        manifest = [{"Config": config_name, "RepoTags": None, "Layers": names}]
        yield from _iterate_file("manifest.json", json.dumps(manifest).encode())
        yield from _iterate_file(config_name, self.config)
        old = self.saved.image.diffs
        first = next(number for number, diff in enumerate(old) if diff in self.moved)
        with self.saved.path.open("rb") as stream:
            for before, name in dict(zip(old[first:], names[first:], strict=True)).items():
                layer = self.saved.layers[before]
                yield _make_header(name, layer.size)
                yield from _iterate_layer(stream, layer, self.saved.orders.get(before))
                yield bytes(-layer.size % tarfile.BLOCKSIZE)
        yield bytes(2 * tarfile.BLOCKSIZE)


def save_image(chunks: Iterable[bytes], path: Path, wanted: Iterable[str]) -> SavedImage:
    """Write what ``docker save`` sends to ``path``, and read the order of the layers with the diff IDs ``wanted``.

    Raises BadImageArchiveError where the archive is not one image, and NotWrittenError where the disk is full.
    """
    places: dict[str, SavedLayer] = {}
    wanted = frozenset(wanted)

    def remember(member: tarfile.TarInfo) -> None:
        places[posixpath.normpath(member.name)] = SavedLayer(member.offset_data, member.size)

    def is_known(name: str) -> bool:  # where a layer is called by its digest, as engines since 25 do
        return name.startswith(BLOBS) and f"sha256:{name.removeprefix(BLOBS)}" not in wanted

    with path.open("wb", buffering=0) as stream:  # what is buffered would be written, or not, at the end
        archive = ImageArchive(_iterate_written(chunks, stream), admit=remember)
        orders = {}
        for layer in archive.iterate_layers(skip=is_known):
            entries = [place_entry(member) for member in layer.iterate_members()]
            layer.finish()
            if layer.diff in wanted and layer.tar_bytes == places[layer.name].size:  # else it is compressed
                orders[layer.diff] = find_walk_order(entries, layer.tar_bytes)
        images = archive.check_images()
    if len(images) != 1:
        raise BadImageArchiveError(f"the archive of one image holds {len(images)}", hint=HINT)
    (image,) = images
    layers = {diff: places[name] for name, diff in zip(image.layers, image.diffs, strict=True) if places[name].size}
    digest = image.id.removeprefix("sha256:")
    config = archive.find_document(f"{BLOBS}{digest}") or archive.find_document(f"{digest}.json")
    if config is None:
        raise BadImageArchiveError("the image's archive names its configuration otherwise than by its digest")
    return SavedImage(path, image, config, layers, orders)


def order_image(saved: SavedImage) -> OrderedImage | None:
    """The image with every layer in walk order that can be; None where none can be, or its configuration holds a diff
    ID somewhere else too, so that another one there would change more than the order."""
    moved: dict[str, str] = {}
    with saved.path.open("rb") as stream:
        for diff in saved.movable:
            digest = HashingReader()
            for _ in digest.iterate_hashed(_iterate_layer(stream, saved.layers[diff], saved.orders[diff])):
                pass
            moved[diff] = f"sha256:{digest.sha256}"
    diffs = tuple(moved.get(diff, diff) for diff in saved.image.diffs)
    config = saved.config
    for before, after in moved.items():
        if config.count(before.encode()) != saved.image.diffs.count(before):
            return None
        config = config.replace(before.encode(), after.encode())
    return OrderedImage(saved, config, moved, diffs) if moved else None


def _iterate_written(chunks: Iterable[bytes], stream: FileIO) -> Iterator[bytes]:
    for chunk in chunks:
        left = memoryview(chunk)
        try:
            while left:
                left = left[stream.write(left) :]
        except OSError as error:
            raise NotWrittenError(str(stream.name), os.strerror(error.errno or 0)) from error
        yield chunk


def _iterate_file(name: str, data: bytes) -> Iterator[bytes]:
    yield _make_header(name, len(data))
    yield data
    yield bytes(-len(data) % tarfile.BLOCKSIZE)


def _make_header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.PAX_FORMAT)


def _iterate_layer(stream: IO[bytes], layer: SavedLayer, order: WalkOrder | None) -> Iterator[bytes]:
    """The layer's tar, in walk order where it can be put into that."""
    parts = order.parts if order is not None and order.parts else ((0, layer.size),)
    for start, end in parts:
        stream.seek(layer.start + start, io.SEEK_SET)
        left = end - start
        while left and (piece := stream.read(min(left, _PIECE))):
            left -= len(piece)
            yield piece
