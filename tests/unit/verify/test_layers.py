"""Archives as the engine makes them, and as nobody should."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from builder.errors import BadImageArchiveError
from builder.verify.layers import absolute, read_layers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def tar(files: Mapping[str, bytes], *, mode: int = 0o644) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def image(layers: Mapping[str, bytes], *, named: list[str] | None = None, manifest: bool = True) -> bytes:
    names = [f"blobs/sha256/{name}" for name in layers]
    files = {f"blobs/sha256/{name}": data for name, data in layers.items()}
    files["blobs/sha256/config"] = b'{"architecture": "amd64"}'
    if manifest:
        files["manifest.json"] = json.dumps([{"Config": "blobs/sha256/config", "Layers": named or names}]).encode()
    return tar(files)


def chunks(data: bytes, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def contents(data: bytes) -> dict[tuple[str, str], bytes]:
    return {(file.layer, file.path): file.read() for file in read_layers(chunks(data))}


def test_every_file_of_every_layer_is_seen_also_what_a_later_layer_deletes() -> None:
    found = contents(image({"one": tar({"etc/key": b"secret", "a": b"1"}), "two": tar({"etc/.wh.key": b""})}))
    assert found == {
        ("blobs/sha256/one", "/etc/key"): b"secret",
        ("blobs/sha256/one", "/a"): b"1",
        ("blobs/sha256/two", "/etc/.wh.key"): b"",
    }


def test_compressed_and_empty_layers_and_the_old_format_are_read() -> None:
    empty = tar({})
    assert ("blobs/sha256/z", "/x") in contents(image({"z": gzip.compress(tar({"x": b"1"})), "empty": empty}))
    old = tar({"abc/layer.tar": tar({"x": b"1"}), "manifest.json": b'[{"Layers": ["abc/layer.tar"]}]'})
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
    assert ("blobs/sha256/l", f"/{name}") in contents(image({"l": tar({name: b"1"})}))


@pytest.mark.parametrize("kept", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_truncated_archive_is_refused_wherever_it_ends(kept: float) -> None:
    whole = image({"one": tar({f"file{number}": b"x" * 3000 for number in range(20)}), "two": tar({"b": b"2" * 9000})})
    content = whole.rstrip(b"\0")
    with pytest.raises(BadImageArchiveError):
        contents(content[: int(len(content) * kept)])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no tar at all" * 100, id="garbage"),
        pytest.param(image({"one": tar({"a": b"1"})}, manifest=False), id="no manifest"),
        pytest.param(image({"one": tar({"a": b"1"})}, named=["blobs/sha256/one", "gone"]), id="a layer is missing"),
        pytest.param(image({"one": b"\x28\xb5\x2f\xfd" + b"0" * 600}), id="zstd"),
        pytest.param(image({"one": gzip.compress(tar({"a": b"1" * 5000}))[:-20]}), id="a truncated gzip layer"),
        pytest.param(tar({"manifest.json": b"{not json"}), id="a broken manifest"),
        pytest.param(tar({"manifest.json": b"[]"}), id="an empty manifest"),
    ],
)
def test_what_cannot_be_read_to_its_end_is_never_taken_for_clean(data: bytes) -> None:
    with pytest.raises(BadImageArchiveError):
        contents(data)


def test_skipped_layers_still_count_as_there() -> None:
    data = image({"one": tar({"a": b"1"}), "two": tar({"b": b"2"})})
    found = [file.path for file in read_layers(chunks(data), skip=lambda name: name.endswith("/one"))]
    assert found == ["/b"]
