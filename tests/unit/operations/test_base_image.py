"""What is asked of a base image: which digest counts, and that a Debian base needs no engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from runtime_factory import make_runtime

from builder.core.errors import EngineMissingError
from builder.image.lock.foundation import Foundation
from builder.image.lock.model import Lock, LockInputs
from builder.image.spec.reader import read_spec
from builder.operations.base_image import make_foundation_request, read_base_image

if TYPE_CHECKING:
    from pathlib import Path

    from builder.image.spec.model import Spec

DIGEST = "sha256:" + "1" * 64


def write_spec(folder: Path, base: str) -> Spec:
    lines = ["[image]", 'name = "a"', "[base]", base, "[airflow]", 'version = "2.8.1"', "[python]", 'version = "3.11"']
    (folder / "optbuild.toml").write_text("\n".join(lines) + "\n")
    return read_spec(folder)


def make_lock_on(**changes: Any) -> Any:
    """A lock of which only the foundation is looked at."""
    values: dict[str, Any] = dict.fromkeys(Foundation.__dataclass_fields__, ()) | {
        "kind": "image",
        "reference": "python:3.11-slim",
        "digest": DIGEST,
        "platform": "linux/amd64",
    }
    inputs = LockInputs("2.8.1", (), "3.11", (), "none", "", (), ())
    empty: dict[str, Any] = dict.fromkeys(Lock.__dataclass_fields__, ())
    return Lock(**{**empty, "inputs": inputs, "foundation": Foundation(**{**values, **changes})})


def test_a_debian_base_needs_no_engine(tmp_path: Path) -> None:
    runtime = make_runtime(tmp_path, {"DOCKER_HOST": "unix:///nowhere"})
    assert read_base_image(runtime, write_spec(tmp_path, 'debian = "bookworm"'), None, "linux/amd64") is None


def test_an_image_needs_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_env: object) -> object:
        raise EngineMissingError("unix:///nowhere", "no such file")

    monkeypatch.setattr("builder.engine.client.connect_engine", connect)
    with pytest.raises(EngineMissingError):
        read_base_image(make_runtime(tmp_path), write_spec(tmp_path, 'image = "python:3.11-slim"'), None, "linux/amd64")


def test_what_is_wanted_of_it(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, 'airflow = "apache/airflow:2.8.1-python3.11"')
    wanted = make_foundation_request(spec, None, "linux/arm64", refresh=False)
    assert wanted is not None
    assert (wanted.kind, wanted.reference, wanted.platform) == (
        "airflow",
        "apache/airflow:2.8.1-python3.11",
        "linux/arm64",
    )
    assert (wanted.python, wanted.airflow, wanted.pinned, wanted.known) == ("3.11", "2.8.1", "", "")
    assert wanted.where is not None
    assert (wanted.where.line, wanted.where.key) == (4, "base.airflow")


@pytest.mark.parametrize(
    ("changes", "refresh", "pinned", "known"),
    [
        ({}, False, DIGEST, DIGEST),
        ({}, True, "", DIGEST),
        ({"reference": "python:3.11"}, False, "", ""),
        ({"kind": "airflow"}, False, "", ""),
        ({"platform": "linux/arm64"}, False, "", ""),
    ],
    ids=["the same", "asked again", "another tag", "another kind", "another platform"],
)
def test_the_digest_of_the_lock_before_counts_for_the_same_image(
    tmp_path: Path, changes: dict[str, str], refresh: bool, pinned: str, known: str
) -> None:
    spec = write_spec(tmp_path, 'image = "python:3.11-slim"')
    wanted = make_foundation_request(spec, make_lock_on(**changes), "linux/amd64", refresh=refresh)
    assert wanted is not None
    assert (wanted.pinned, wanted.known, wanted.refresh, wanted.airflow) == (pinned, known, refresh, "2.8.1")
