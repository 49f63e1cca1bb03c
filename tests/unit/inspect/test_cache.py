"""The cache gives back what was stored, or nothing."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from archive_files import sha256
from hypothesis import given
from hypothesis import strategies as st

from builder.inspect.cache import LayerCache, parse_layer, serialize_layer
from builder.inspect.model import EntryKind, FileKind, LayerContent, LayerEntry, RecognizedFile


def diff(number: int) -> str:
    return f"sha256:{number:064x}"


def content(number: int = 1, *, size: int = 10) -> LayerContent:
    entries = (
        LayerEntry("/a/ü b", EntryKind.FILE, size, 0o4755, 50000, 7, "", "ab" * 32, 12),
        LayerEntry("/a", EntryKind.FOLDER, 0, 0o755),
        LayerEntry("/l", EntryKind.SYMLINK, link="../x y"),
        LayerEntry("/gone", EntryKind.WHITEOUT),
    )
    texts = {"/var/lib/dpkg/status": b"Package: a\n\0\xff", "/empty": b""}
    found = {"ab" * 32: RecognizedFile(FileKind.SECRET, "a private key", "cd" * 16)}
    return LayerContent(diff(number), 5000, entries, texts, found)


def stored(folder: Path, layer: LayerContent) -> Path:
    LayerCache(folder).store(layer)
    [path] = (folder / "layers").iterdir()
    return path


def test_what_was_stored_comes_back(tmp_path: Path) -> None:
    stored(tmp_path, content())
    assert LayerCache(tmp_path).load([diff(1), diff(2), diff(1)]) == {diff(1): content()}


TEXT = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)
NUMBERS = st.integers(0, 2**63 - 1)
ENTRIES = st.builds(
    LayerEntry, TEXT, st.sampled_from(EntryKind), NUMBERS, NUMBERS, NUMBERS, NUMBERS, TEXT, TEXT, NUMBERS
)


FOUND = st.dictionaries(TEXT, st.builds(RecognizedFile, st.sampled_from(FileKind), TEXT, TEXT), max_size=3)


@given(st.lists(ENTRIES, max_size=6), st.dictionaries(TEXT, st.binary(max_size=50), max_size=4), FOUND, NUMBERS)
def test_whatever_a_layer_holds_comes_back(
    entries: list[LayerEntry], texts: dict[str, bytes], found: dict[str, RecognizedFile], size: int
) -> None:
    layer = LayerContent(diff(1), size, tuple(entries), texts, found)
    assert parse_layer(serialize_layer(layer), diff(1)) == layer


def test_a_layer_of_impossible_numbers_is_not_kept(tmp_path: Path) -> None:
    forged = replace(content(), entries=(LayerEntry("/a", EntryKind.FILE, uid=2**63),))
    LayerCache(tmp_path).store(forged)
    assert LayerCache(tmp_path).load([diff(1)]) == {}


def test_an_empty_layer_comes_back() -> None:
    layer = LayerContent(diff(3), 1024, ())
    assert parse_layer(serialize_layer(layer), diff(3)) == layer


@given(st.integers(0, len(serialize_layer(content())) - 1), st.integers(1, 255))
def test_a_changed_byte_makes_a_file_useless(at: int, change: int) -> None:
    data = bytearray(serialize_layer(content()))
    data[at] ^= change
    assert parse_layer(bytes(data), diff(1)) is None


DATA = serialize_layer(content())
HEAD, BODY = DATA.split(b"\n", 2)[1:]


def signed(head: bytes, body: bytes = BODY) -> bytes:
    """A file whose digest is right."""
    data = head + b"\n" + body
    return sha256(data).encode() + b"\n" + data


def changed(**more: object) -> bytes:
    return signed(json.dumps({**json.loads(HEAD), **more}).encode())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe\n", id="other bytes"),
        pytest.param(DATA[:-1], id="cut"),
        pytest.param(DATA + b"x", id="longer"),
        pytest.param(signed(b"[" * 100_000), id="deep JSON"),
        pytest.param(signed(b"null"), id="null"),
        pytest.param(signed(b"{}"), id="an empty head"),
        pytest.param(signed(HEAD[:-20]), id="half a head"),
        pytest.param(signed(HEAD, b""), id="without columns"),
        pytest.param(signed(HEAD, BODY.replace(b"fdlw", b"fdl?")), id="a kind that is none"),
        pytest.param(serialize_layer(replace(content(), diff=diff(2))), id="of another layer"),
        pytest.param(changed(version=0), id="of an older version"),
        pytest.param(changed(format="x"), id="of another program"),
        pytest.param(changed(order="middle"), id="of another machine"),
        pytest.param(changed(columns=[4, 21, 10]), id="of fewer columns"),
        pytest.param(changed(columns=[3, *json.loads(HEAD)["columns"][1:]]), id="of fewer entries"),
        pytest.param(changed(columns="x"), id="without a number"),
        pytest.param(changed(texts=[1]), id="texts that are none"),
    ],
)
def test_a_damaged_or_foreign_file_is_not_used_and_written_again(tmp_path: Path, data: bytes) -> None:
    path = stored(tmp_path, content())
    path.write_bytes(data)
    cache = LayerCache(tmp_path)
    assert cache.load([diff(1)]) == {}
    cache.store(content())
    assert cache.load([diff(1)]) == {diff(1): content()}


def test_a_file_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    path = stored(tmp_path, content())
    path.chmod(0o666)
    assert LayerCache(tmp_path).load([diff(1)]) == {}


def test_a_file_of_another_person_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path, content())
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert LayerCache(tmp_path).load([diff(1)]) == {}


def test_links_folders_and_pipes_in_the_place_of_a_file_are_not_read(tmp_path: Path) -> None:
    path = stored(tmp_path, content())
    real = path.rename(tmp_path / "elsewhere")
    cache = LayerCache(tmp_path)
    path.symlink_to(real)
    assert cache.load([diff(1)]) == {}
    path.unlink()
    os.mkfifo(path)
    assert cache.load([diff(1)]) == {}
    path.unlink()
    path.mkdir()
    assert cache.load([diff(1)]) == {}
    cache.store(content())  # it cannot take that place, and does not mind


@pytest.mark.parametrize("name", ["../../etc/passwd", "sha256:../x", "sha512:" + "0" * 64, "sha256:" + "0" * 63, ""])
def test_what_is_no_diff_id_names_no_file(tmp_path: Path, name: str) -> None:
    cache = LayerCache(tmp_path)
    cache.store(replace(content(), diff=name))
    assert cache.load([name]) == {}
    assert list(tmp_path.iterdir()) == []


def aged(folder: Path, number: int, age: float) -> None:
    LayerCache(folder).store(content(number))
    at = time.time() - age
    os.utime(folder / "layers" / f"{number:064x}", (at, at))


def kept(folder: Path) -> set[int]:
    return {int(path.name, 16) for path in (folder / "layers").iterdir()}


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    for number, age in ((1, 300), (2, 200), (3, 100)):
        aged(tmp_path, number, age)
    cache = LayerCache(tmp_path, max_layers=3)
    cache.load([diff(1)])
    cache.store(content(4))
    assert kept(tmp_path) == {1, 3, 4}


def test_the_size_is_bounded(tmp_path: Path) -> None:
    for number, age in ((1, 300), (2, 200)):
        aged(tmp_path, number, age)
    LayerCache(tmp_path, max_bytes=2 * len(serialize_layer(content())) + 10).store(content(3))
    assert kept(tmp_path) == {2, 3}


def test_half_written_files_go_when_nobody_can_be_writing_them(tmp_path: Path) -> None:
    path = stored(tmp_path, content())
    old, new = path.with_name(".part-old"), path.with_name(".part-new")
    for one in (old, new):
        one.write_bytes(b"")
    os.utime(old, (0, 0))
    LayerCache(tmp_path).store(content(2))
    assert (old.exists(), new.exists()) == (False, True)


def test_a_failed_write_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = LayerCache(tmp_path)
    cache.store(content(1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    cache.store(content(2))
    assert kept(tmp_path) == {1}


def test_a_folder_that_cannot_be_made_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "layers").write_text("in the way")
    cache = LayerCache(tmp_path)
    cache.store(content())
    assert cache.load([diff(1)]) == {}


def test_files_are_for_nobody_else(tmp_path: Path) -> None:
    path = stored(tmp_path / "new", content())
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
