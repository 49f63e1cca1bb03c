"""New Debian versions for a lock: on a base image, that image is read again at the digest of the lock."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from runtime_factory import make_runtime

from builder.image.lock import make
from builder.operations import base_image
from builder.operations.lock import refresh_debian_packages

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_refresh_reads_the_base_image_of_the_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[Any, ...]] = []

    def read(*words: Any) -> str:
        asked.append(words)
        return "what was read"

    def refresh(*_words: Any, foundation: object) -> object:
        return foundation

    monkeypatch.setattr(base_image, "read_base_image", read)
    monkeypatch.setattr(make, "refresh_debian", refresh)
    runtime = make_runtime(tmp_path)
    spec = cast("Any", SimpleNamespace(airflow=SimpleNamespace(version="2.8.1")))
    lock = cast("Any", SimpleNamespace(platform="linux/arm64"))
    assert cast("Any", refresh_debian_packages(runtime, spec, lock)) == "what was read"
    assert asked == [(runtime, spec, lock, "linux/arm64")], "at its digest: nothing asks for a newer one"
