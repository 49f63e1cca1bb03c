"""What is kept of layers: read as it was written, and whatever is broken is as good as not there."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from builder.engine.layers import Layer, compute_chain_ids
from builder.store.layer_cache import FILE, read_layer_cache, write_layer_cache

if TYPE_CHECKING:
    from pathlib import Path


def layers(*found: tuple[str, int | None, str]) -> tuple[Layer, ...]:
    chains = compute_chain_ids([diff for diff, _, _ in found])
    return tuple(Layer(chain, diff, size, word) for chain, (diff, size, word) in zip(chains, found, strict=True))


KNOWN = {
    "sha256:a": layers(("sha256:1", 100, "ADD"), ("sha256:2", None, "")),
    "sha256:b": layers(("sha256:1", 100, "ADD")),
    "sha256:empty": (),
}


def test_what_is_written_is_read_with_its_chains(tmp_path: Path) -> None:
    write_layer_cache(tmp_path / "cache", KNOWN)
    assert read_layer_cache(tmp_path / "cache") == KNOWN
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [FILE]


def test_the_format_on_disk(tmp_path: Path) -> None:
    write_layer_cache(tmp_path, KNOWN)
    assert json.loads((tmp_path / FILE).read_bytes()) == {
        "schema_version": 1,
        "images": {
            "sha256:a": [["sha256:1", 100, "ADD"], ["sha256:2", None, ""]],
            "sha256:b": [["sha256:1", 100, "ADD"]],
            "sha256:empty": [],
        },
    }


def test_nothing_kept_is_nothing_known(tmp_path: Path) -> None:
    assert read_layer_cache(tmp_path / "none") == {}


def kept(images: object, version: object = 1) -> dict[str, Any]:
    return {"schema_version": version, "images": images}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param('{"schema_version": 1, "images": {"a": [["b"', id="half"),
        *(pytest.param(text, id=f"another document {text}") for text in ("[]", "null", "1", "{}")),
        pytest.param(json.dumps(kept({"a": []}, 2)), id="a newer format"),
        pytest.param(json.dumps(kept({"a": []}, 0)), id="an older format"),
        pytest.param(json.dumps(kept([])), id="a list of images"),
        pytest.param(json.dumps(kept({"a": None})), id="no layers"),
        pytest.param(json.dumps(kept({"a": [["sha256:1", 1]]})), id="a layer without a word"),
        pytest.param(json.dumps(kept({"a": [["sha256:1", "1", ""]]})), id="bytes that are a text"),
        pytest.param(json.dumps(kept({"a": [["sha256:1", 1.5, ""]]})), id="half a byte"),
    ],
)
def test_what_is_broken_is_asked_again(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    assert read_layer_cache(tmp_path) == {}


def test_a_place_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    write_layer_cache(tmp_path / "file" / "cache", KNOWN)
    assert (tmp_path / "file").read_text() == "x"


def test_a_file_that_is_there_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("old")
    (tmp_path / FILE).chmod(0o600)
    write_layer_cache(tmp_path, KNOWN)
    assert read_layer_cache(tmp_path) == KNOWN
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
