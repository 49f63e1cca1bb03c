"""Temporary contexts: fresh, gone afterwards, swept when their process is dead."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

from builder.image.build.workspace import make_build_folder, remove_dead_folders

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def leave_behind(parent: Path) -> Path:
    """What a killed build leaves: a folder, and its lock file, which nobody holds."""
    parent.mkdir(exist_ok=True)
    folder = parent / "build-dead"
    folder.mkdir()
    (folder / "base.tar").write_text("bytes")
    (parent / "build-dead.lock").touch()
    return folder


def test_a_folder_is_gone_afterwards_also_after_an_error(tmp_path: Path) -> None:
    with make_build_folder(tmp_path) as folder:
        (folder / "file").write_text("")
    with contextlib.suppress(RuntimeError), make_build_folder(tmp_path):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_project_has_the_same_empty_folder_each_time(tmp_path: Path) -> None:
    (tmp_path / "build-web").mkdir()
    (tmp_path / "build-web/left").touch()  # by a build that was killed
    found = []
    for _ in range(2):
        with make_build_folder(tmp_path, "web") as folder:
            assert list(folder.iterdir()) == []
            found.append(folder)
    assert found == [tmp_path / "build-web"] * 2
    with make_build_folder(tmp_path) as one, make_build_folder(tmp_path) as other:
        assert one != other


def test_two_builds_never_have_the_folder_at_once(tmp_path: Path) -> None:
    """The second waits on a lock file that the first deletes; a third makes a new one."""
    inside, most = 0, 0

    def build() -> None:
        nonlocal inside, most
        for _ in range(50):
            with make_build_folder(tmp_path, "web"):
                inside += 1
                most = max(most, inside)
                time.sleep(0.0005)
                inside -= 1

    threads = [threading.Thread(target=build) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_dead_process_s_folder_is_swept_and_a_living_one_s_is_not(tmp_path: Path) -> None:
    with make_build_folder(tmp_path) as alive:
        dead = leave_behind(tmp_path)
        assert remove_dead_folders(tmp_path, tmp_path / "proc") == (dead,)
        assert alive.is_dir()
        assert not dead.exists()
        assert not dead.with_suffix(".lock").exists()


def test_no_folder_is_nothing_to_sweep(tmp_path: Path) -> None:
    assert remove_dead_folders(tmp_path / "absent") == ()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "build-without-lock").mkdir()
    assert remove_dead_folders(tmp_path) == ()
    assert (tmp_path / "build-without-lock").is_dir()


def test_only_the_build_of_exactly_that_folder_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: ended.append((pid, number)))
    dead = leave_behind(tmp_path / "contexts")
    context = str(dead / "context")
    for pid, argv in {
        "11": ["docker", "buildx", "build", context],
        "12": ["docker", "buildx", "build", f"{dead}-other/context"],
        "13": ["less", context],
    }.items():
        (tmp_path / "proc" / pid).mkdir(parents=True)
        (tmp_path / "proc" / pid / "cmdline").write_bytes(b"\0".join(word.encode() for word in argv) + b"\0")
    remove_dead_folders(tmp_path / "contexts", tmp_path / "proc")
    assert ended == [(11, signal.SIGTERM)]
