"""Archives as the engine makes them, and as nobody should."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard

from builder.engine.archive import GZIP, ZSTD, read_layers
from builder.engine.tarstream import absolute
from builder.errors import BadImageArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def tar(files: Mapping[str, bytes], *, mode: int = 0o644, links: Mapping[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return out.getvalue()


def plain(layer: bytes) -> bytes:
    if layer.startswith(GZIP):
        return zlib.decompressobj(31).decompress(layer)
    return zstandard.ZstdDecompressor().decompressobj().decompress(layer) if layer.startswith(ZSTD) else layer


def blob(data: bytes) -> str:
    return f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"


def image(*layers: bytes, named: list[str] | None = None, manifest: bool = True) -> bytes:
    """An archive as engines since 25 write it, without the files of the OCI layout that say the same once more."""
    diffs = [f"sha256:{hashlib.sha256(plain(layer)).hexdigest()}" for layer in layers]
    config = json.dumps({"architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diffs}}).encode()
    files = {blob(layer): layer for layer in layers} | {blob(config): config}
    if manifest:
        names = named or [blob(layer) for layer in layers]
        files["manifest.json"] = json.dumps([{"Config": blob(config), "Layers": names, "RepoTags": None}]).encode()
    return tar(files)


def chunks(data: bytes, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def broken(layer: bytes) -> bytes:
    """An archive that is right about everything but what is in its layer."""
    config = json.dumps({"rootfs": {"diff_ids": ["sha256:0"]}}).encode()
    manifest = json.dumps([{"Config": blob(config), "Layers": [blob(layer)]}]).encode()
    return tar({blob(layer): layer, blob(config): config, "manifest.json": manifest})


def contents(data: bytes) -> dict[tuple[str, str], bytes]:
    return {(file.layer, file.path): file.read() for file in read_layers(chunks(data))}


def test_every_file_of_every_layer_is_seen_also_what_a_later_layer_deletes() -> None:
    one, two = tar({"etc/key": b"secret", "a": b"1"}), tar({"etc/.wh.key": b""})
    assert contents(image(one, two)) == {
        (blob(one), "/etc/key"): b"secret",
        (blob(one), "/a"): b"1",
        (blob(two), "/etc/.wh.key"): b"",
    }


def test_compressed_and_empty_layers_and_the_old_format_are_read() -> None:
    zipped, small = gzip.compress(tar({"x": b"1"})), zstandard.compress(tar({"y": b"2"}))
    assert contents(image(zipped, small, tar({}))) == {(blob(zipped), "/x"): b"1", (blob(small), "/y"): b"2"}


def old_image(layers: Mapping[str, bytes], *, links: Mapping[str, str] | None = None) -> bytes:
    """As engines before 25 write it: a layer that comes twice is a link."""
    names = [*layers, *(links or {})]
    wanted = [layers.get(name) or layers[f"{(links or {})[name].removeprefix('../')}"] for name in names]
    diffs = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in wanted]
    manifest = json.dumps([{"Config": "c.json", "Layers": names}]).encode()
    config = json.dumps({"rootfs": {"diff_ids": diffs}}).encode()
    return tar({**layers, "c.json": config, "manifest.json": manifest}, links=links or {})


def test_the_old_format_is_read_with_its_links() -> None:
    layer = tar({"x": b"1"})
    old = old_image({"abc/layer.tar": layer}, links={"def/layer.tar": "../abc/layer.tar"})
    assert contents(old) == {("abc/layer.tar", "/x"): b"1"}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../../etc/passwd", "/etc/passwd"),
        ("/usr//bin/./gcc", "/usr/bin/gcc"),
        ("a\nb\x1b[31m", "/a\\nb\\x1b[31m"),
        ("a/\u2028b", "/a/\\u2028b"),
        ("ü", "/ü"),
        ("", "/"),
    ],
)
def test_hostile_names_neither_leave_the_root_nor_break_a_line(name: str, path: str) -> None:
    assert absolute(name) == path


def test_a_huge_name_is_read() -> None:
    name = "d/" * 2000 + "f"
    assert [path for _, path in contents(image(tar({name: b"1"})))] == [f"/{name}"]


@pytest.mark.parametrize("kept", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_truncated_archive_is_refused_wherever_it_ends(kept: float) -> None:
    whole = image(tar({f"file{number}": b"x" * 3000 for number in range(20)}), tar({"b": b"2" * 9000}))
    content = whole.rstrip(b"\0")
    with pytest.raises(BadImageArchiveError):
        contents(content[: int(len(content) * kept)])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no tar at all" * 100, id="garbage"),
        pytest.param(image(tar({"a": b"1"}), manifest=False), id="no manifest"),
        pytest.param(image(tar({"a": b"1"}), named=["blobs/sha256/gone"]), id="a layer is missing"),
        pytest.param(broken(ZSTD + b"0" * 600), id="a damaged zstd layer"),
        pytest.param(broken(gzip.compress(tar({"a": b"1" * 5000}))[:-20]), id="a truncated gzip layer"),
        pytest.param(tar({"manifest.json": b"{not json"}), id="a broken manifest"),
        pytest.param(tar({"manifest.json": b"[]"}), id="an empty manifest"),
    ],
)
def test_what_cannot_be_read_to_its_end_is_never_taken_for_clean(data: bytes) -> None:
    with pytest.raises(BadImageArchiveError):
        contents(data)


def test_skipped_layers_still_count_as_there() -> None:
    one = tar({"a": b"1"})
    data = image(one, tar({"b": b"2"}))
    found = [file.path for file in read_layers(chunks(data), skip=lambda name: name == blob(one))]
    assert found == ["/b"]
