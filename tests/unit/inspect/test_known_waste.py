"""What inspections called waste, between two commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.inspect.known_waste import FILE, read_known_waste, remember_waste

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_last_inspection_counts(tmp_path: Path) -> None:
    assert read_known_waste(tmp_path) == {}
    for image, waste in (("sha256:a", 5), ("sha256:b", 7), ("sha256:a", 6)):
        remember_waste(tmp_path, image, waste)
    assert list(read_known_waste(tmp_path).items()) == [("sha256:b", 7), ("sha256:a", 6)]


def test_the_oldest_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.inspect.known_waste.MOST_IMAGES", 2)
    for number in range(3):
        remember_waste(tmp_path, f"sha256:{number}", number)
    assert list(read_known_waste(tmp_path)) == ["sha256:1", "sha256:2"]


def test_what_cannot_be_read_or_written_is_not_known(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    assert read_known_waste(tmp_path) == {}
    (tmp_path / "file").write_text("")
    remember_waste(tmp_path / "file", "sha256:a", 1)
