"""Whole archives from hostile hands: what is told of them is true, or they are refused."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard
from archive_files import blob, broken, chunks, config_of, image, info, oci_image, old_image, sha256, tar, tar_of
from hypothesis import given
from hypothesis import strategies as st

from builder.core.errors import BadImageArchiveError
from builder.engine.archive import ImageArchive
from builder.inspect.layer import read_layer
from builder.inspect.model import EntryKind, LayerContent
from builder.inspect.overlay import merge_layers

if TYPE_CHECKING:
    from builder.engine.manifests import ArchivedImage

Read = tuple[dict[str, LayerContent], tuple["ArchivedImage", ...]]


def read(data: bytes, size: int = 1000) -> Read:
    archive = ImageArchive(chunks(data, size))
    layers = {layer.name: read_layer(layer) for layer in archive.iterate_layers()}
    return layers, archive.check_images()


ONE = tar({"etc/passwd": b"root", "opt/lib.so": b"\x7fELF" + bytes(900), "opt/a.dist-info/RECORD": b"a.py,,\n"})
TWO = tar({"etc/.wh.passwd": b"", "opt/new": b"n" * 700}, links={"opt/link": "../etc"})
GOOD = {
    "plain": image(ONE, TWO, tags=["it:1"]),
    "gzip": image(gzip.compress(ONE, mtime=0), gzip.compress(TWO, mtime=0)),
    "zstd": image(zstandard.compress(ONE), TWO),
    "oci": oci_image(gzip.compress(ONE, mtime=0), TWO, nested=True),
    "old": old_image({"a/layer.tar": ONE, "b/layer.tar": TWO}, links={"c/layer.tar": "../a/layer.tar"}),
}
TRUTH = {name: read(data) for name, data in GOOD.items()}


@given(
    st.sampled_from(sorted(GOOD)),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=3),
    st.one_of(st.none(), st.floats(0, 1)),
    st.sampled_from([97, 513, 100_000]),
)
def test_a_damaged_archive_never_tells_of_other_files(
    name: str, changes: list[tuple[float, bytes]], end: float | None, size: int
) -> None:
    data = bytearray(GOOD[name].rstrip(b"\0") + bytes(1024))
    for place, change in changes:
        at = int(place * len(data))
        data[at : at + len(change)] = change
    if end is not None:
        del data[int(end * len(data)) :]
    try:
        layers, images = read(bytes(data), size)
    except BadImageArchiveError as error:
        assert error.hint, "what to do next"  # noqa: PT017 - both outcomes are right
        return
    known = {content.diff: content for content in TRUTH[name][0].values()}
    for found in images:
        assert [known[diff] for diff in found.diffs] == [layers_of(layers, diff) for diff in found.diffs]


def layers_of(layers: dict[str, LayerContent], diff: str) -> LayerContent:
    return next(content for content in layers.values() if content.diff == diff)


def test_a_layer_that_unpacks_to_a_thousand_times_its_size_is_read_in_pieces() -> None:
    whole = tar({"zeros": bytes(60 << 20), "after": b"x"})
    for packed in (gzip.compress(whole, 9), zstandard.compress(whole)):
        assert len(packed) < len(whole) // 500
        layers, _ = read(image(packed))
        [content] = layers.values()
        assert (content.diff, content.bytes) == (f"sha256:{sha256(whole)}", (60 << 20) + 1)


def test_garbage_behind_a_compressed_layer_is_refused_and_zeros_are_not() -> None:
    packed = gzip.compress(ONE)
    assert read(broken(packed + bytes(600), f"sha256:{sha256(ONE)}"))[0]
    with pytest.raises(BadImageArchiveError, match="cannot be read"):
        read(broken(packed + b"garbage", f"sha256:{sha256(ONE)}"))


def test_a_raw_deflate_stream_is_no_layer() -> None:
    with pytest.raises(BadImageArchiveError):
        read(broken(zlib.compress(ONE), f"sha256:{sha256(ONE)}"))


HOSTILE = tar_of(
    [
        (info("../../../escaped", size=1), b"1"),
        (info("/absolute", size=2), b"22"),
        (info("a/../../b", size=3), b"333"),
        (info("dev/sda", tarfile.BLKTYPE, devmajor=8), b""),
        (info("pipe", tarfile.FIFOTYPE), b""),
        (info("loop", tarfile.SYMTYPE, linkname="loop"), b""),
        (info("self", tarfile.LNKTYPE, linkname="self"), b""),
        (info("out", tarfile.LNKTYPE, linkname="../../etc/shadow"), b""),
        (info("out/through", size=4), b"4444"),
        (info("twice", size=5), b"55555"),
        (info("twice", size=6), b"666666"),
        (info("d/" * 1500, tarfile.DIRTYPE), b""),
        (info("\udcff\udcfe", size=7), b"7777777"),
        (info(".wh..wh..opq"), b""),
        (info(".wh..."), b""),
    ]
)


def test_a_hostile_layer_is_told_of_as_it_would_lie_in_the_image() -> None:
    layers, _ = read(image(HOSTILE))
    [content] = layers.values()
    found = {entry.path: entry for entry in content.entries}
    sizes = {path: entry.size for path, entry in found.items() if entry.kind is EntryKind.FILE}
    assert sizes == {
        "/escaped": 1,
        "/absolute": 2,
        "/b": 3,
        "/out/through": 4,
        "/twice": 6,
        "/\\udcff\\udcfe": 7,
    }
    assert content.bytes == 1 + 2 + 3 + 4 + 6 + 7
    assert found["/out"].link == "/etc/shadow"
    assert found["/dev/sda"].kind is EntryKind.OTHER
    assert "/twice" in merge_layers([content]).visible


def test_a_bomb_of_documents_is_refused() -> None:
    members = [(info(f"{number}.json", size=1 << 20), b" " * (1 << 20)) for number in range(40)]
    out = io.BytesIO(tar_of(members))
    with pytest.raises(BadImageArchiveError, match="bytes of documents"):
        read(out.getvalue(), 1 << 20)


def test_an_image_of_very_many_images_is_refused() -> None:
    entry = {"Config": "c.json", "Layers": []}
    data = tar({"c.json": config_of([]), "manifest.json": json.dumps([entry] * 20_000).encode()})
    with pytest.raises(BadImageArchiveError, match="damaged manifest"):
        read(data)


def test_a_layer_without_a_single_entry_is_a_layer() -> None:
    empty = bytes(1024)
    layers, images = read(image(empty, empty))
    assert layers == {blob(empty): LayerContent(f"sha256:{sha256(empty)}", 1024, ())}
    assert len(images[0].diffs) == 2
