"""Atomic writes and locks."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from builder.core import files
from builder.core.errors import UnwritableError
from builder.core.files import hold_lock, write_atomically


def test_a_new_file_has_the_given_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "f", b"x", mode=0o755)
    finally:
        os.umask(before)
    assert ((tmp_path / "f").stat().st_mode & 0o7777, (tmp_path / "f").read_bytes()) == (0o755, b"x")


def test_an_existing_file_keeps_mode_and_owner(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
    owner = (path.stat().st_uid, path.stat().st_gid)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert (path.stat().st_uid, path.stat().st_gid) == owner


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("step", ["fsync", "fchmod", "replace"])
def test_a_failure_leaves_the_old_bytes_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_args: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "f"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(Path if step == "replace" else os, step, fail)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(path, b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["f"]
    assert path.read_bytes() == b"old"


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "none" / "f", b"x")


def test_a_lock_makes_its_folder_and_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_lock(tmp_path / "a" / "lock", "try"):
            pass


def test_the_second_waits_and_is_told_for_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LOCK_POLL_SECONDS", 0.01)
    told: list[str] = []
    order: list[str] = []
    waiting = threading.Event()

    def on_wait(words: str) -> None:
        told.append(words)
        waiting.set()

    def second() -> None:
        with hold_lock(tmp_path / "lock", "second", on_wait=on_wait):
            order.append("second")

    thread = threading.Thread(target=second)
    with hold_lock(tmp_path / "lock", "build of x"):
        thread.start()
        assert waiting.wait(5)
        time.sleep(0.05)  # several polls: it is told once
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert told == [f"process {os.getpid()}: build of x, since 0 s"]


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold_lock(tmp_path / "lock", "x"):
        raise ZeroDivisionError
    with hold_lock(tmp_path / "lock", "y", on_wait=pytest.fail):
        pass


def test_a_lock_that_is_a_link_empties_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "lock").symlink_to("mine")
    (tmp_path / "nowhere").symlink_to("none")
    os.mkfifo(tmp_path / "pipe")
    for name in ("lock", "nowhere", "pipe"):
        with pytest.raises(UnwritableError, match=f"{name}: it is not a plain file"), hold_lock(tmp_path / name, "x"):
            pass
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert not (tmp_path / "none").exists()


def test_a_holder_that_wrote_nothing_yet_is_another_process(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"")
    assert files._describe_holder(tmp_path / "lock") == "another process"
