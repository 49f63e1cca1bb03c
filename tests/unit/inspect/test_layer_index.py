"""Which layers an image has, kept between runs: forgotten with the image, and never believed when damaged."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from builder.inspect import layer_index as known
from builder.inspect.layer_index import FILE, KnownLayers

if TYPE_CHECKING:
    from pathlib import Path


def digest(name: str) -> str:
    return f"sha256:{name * 64}"


A, B, C = map(digest, "abc")
ONE, TWO = map(digest, "12")


def kept(folder: Path) -> dict[str, list[str]]:
    document = json.loads((folder / FILE).read_bytes())
    assert document["version"] == 1
    images: dict[str, list[str]] = document["images"]
    return images


def test_what_was_learnt_is_known_by_the_next_run(tmp_path: Path) -> None:
    first = KnownLayers(tmp_path / "cache")
    assert first.find_layers(A) is None
    first.record_layers([(A, (ONE, TWO)), (B, ())], present=[A, B])
    assert first.find_layers(A) == KnownLayers(tmp_path / "cache").find_layers(A) == (ONE, TWO)
    assert KnownLayers(tmp_path / "cache").find_layers(B) == ()
    assert stat.S_IMODE((tmp_path / "cache" / FILE).stat().st_mode) == 0o600


def test_an_image_that_went_is_forgotten(tmp_path: Path) -> None:
    layers = KnownLayers(tmp_path)
    layers.record_layers([(A, (ONE,)), (B, (TWO,))], present=[A, B])
    layers.record_layers([(C, (ONE, TWO))], present=[B, C])
    assert layers.find_layers(A) is None
    assert kept(tmp_path) == {B: [TWO], C: [ONE, TWO]}


def test_where_nothing_changed_nothing_is_written(tmp_path: Path) -> None:
    KnownLayers(tmp_path).record_layers([(A, (ONE,))], present=[A])
    before = (tmp_path / FILE).stat().st_ino
    KnownLayers(tmp_path).record_layers([], present=[A])
    assert (tmp_path / FILE).stat().st_ino == before


def test_of_too_many_the_last_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MAX_IMAGES", 2)
    KnownLayers(tmp_path).record_layers([(A, (ONE,)), (B, (ONE,)), (C, (ONE,))], present=[A, B, C])
    assert list(kept(tmp_path)) == [B, C]


GOOD = {"version": 1, "images": {A: [ONE]}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        json.dumps(GOOD)[:-5],
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        json.dumps({**GOOD, "version": 2}),
        json.dumps({**GOOD, "images": [A]}),
        json.dumps({**GOOD, "images": {A: None}}),
        json.dumps({**GOOD, "images": {A: [1]}}),
        json.dumps({**GOOD, "images": {A: ONE}}),
        json.dumps({**GOOD, "images": {"app:1": [ONE]}}),
        json.dumps({**GOOD, "images": {A: [ONE], B: ["../x"]}}),
        json.dumps({**GOOD, "images": {A: [f"{ONE}\n"]}}),
    ],
    ids=[
        *("empty", "half", "list", "null", "nothing", "deep", "newer", "list of images", "no layers", "number"),
        *("layers as one text", "a name", "one bad layer", "line end"),
    ],
)
def test_a_damaged_file_is_not_used_and_replaced(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    layers = KnownLayers(tmp_path)
    assert layers.find_layers(A) is layers.find_layers("app:1") is None
    layers.record_layers([(B, (TWO,))], present=[A, B])
    assert kept(tmp_path) == {B: [TWO]}


def test_a_place_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    layers = KnownLayers(tmp_path / "file")
    layers.record_layers([(A, (ONE,))], present=[A])
    assert layers.find_layers(A) == (ONE,)
    assert (tmp_path / "file").read_text() == "x"
