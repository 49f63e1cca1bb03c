"""Scratch folders: gone after use, swept when their process was killed, left alone while it lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.image.lock.scratch import open_scratch_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_gone_afterwards_also_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with open_scratch_folder(tmp_path / "cache", "resolve-") as folder:
            (folder / "file").write_text("x")
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    assert [one.name for one in (tmp_path / "cache").iterdir()] == ["scratch.lock"]


def test_what_a_killed_run_left_is_swept_and_what_is_in_use_stays(tmp_path: Path) -> None:
    for name in ("resolve-dead", "unpacked-dead", "facts"):
        (tmp_path / name).mkdir()
    (tmp_path / "resolve-dead/.held").write_text("")  # as after SIGKILL: there, and locked by nobody
    with open_scratch_folder(tmp_path, "resolve-") as first, open_scratch_folder(tmp_path, "unpacked-") as second:
        assert first.is_dir()
        assert {one.name for one in tmp_path.iterdir()} == {first.name, second.name, "facts", "scratch.lock"}
