"""New Debian versions for a lock: on a base image, that image is read again at the digest of the lock."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from runtime_factory import make_runtime

from builder.core.errors import DiskFullError
from builder.image.lock import make
from builder.operations import base_image
from builder.operations import lock as operation
from builder.operations.lock import refresh_debian_packages

if TYPE_CHECKING:
    from pathlib import Path


def test_a_disk_without_room_is_told_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runtime = make_runtime(tmp_path)
    monkeypatch.setattr(operation, "count_free_bytes", lambda _folder: operation.LOCK_BYTES)
    operation.check_lock_room(runtime)
    monkeypatch.setattr(operation, "count_free_bytes", lambda _folder: 3_000_000)
    nothing = cast("Any", None)
    with pytest.raises(DiskFullError, match=r"has 3 MB free; a lock needs about 150 MB") as caught:
        refresh_debian_packages(runtime, nothing, nothing)
    assert "XDG_CACHE_HOME" in (caught.value.hint or "")
    with pytest.raises(DiskFullError):
        operation.resolve_lock(runtime, nothing, (), None, nothing)


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
