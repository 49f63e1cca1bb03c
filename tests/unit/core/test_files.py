"""Atomic writes and locks."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runtime_factory import make_runtime

from builder.core import files
from builder.core.errors import UnwritableError
from builder.core.files import close_to_others, hold_lock, write_atomically, write_private_file

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes_below(folder: Path) -> dict[str, int]:
    found = {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}
    return found | {".": folder.stat().st_mode & 0o777}


def make_old_folder(root: Path) -> Path:
    """As an earlier version left it, under a wide umask."""
    (root / "compose").mkdir(parents=True)
    (root / "compose/a.json").write_bytes(b"secret")
    (root / "run.sh").write_bytes(b"")
    (root / "run.sh").chmod(0o755)
    return root


@pytest.mark.usefixtures("open_umask")
def test_what_is_private_is_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    write_private_file(tmp_path / "state/optbuild/compose/a.json", b"secret")
    with hold_lock(tmp_path / "state/optbuild/locks/a.lock", "a test"):
        found = modes_below(tmp_path / "state")
    assert {mode for name, mode in found.items() if "." in name[1:]} == {0o600}
    assert {mode for name, mode in found.items() if "." not in name[1:]} == {0o700}


@pytest.mark.usefixtures("open_umask")
def test_a_folder_that_is_open_to_others_is_closed_with_all_that_is_in_it(tmp_path: Path) -> None:
    root = make_old_folder(tmp_path / "optbuild")
    (tmp_path / "elsewhere").write_bytes(b"")
    (root / "link").symlink_to(tmp_path / "elsewhere")
    close_to_others(root)
    found = modes_below(root)
    del found["link"]
    assert found == {".": 0o700, "compose": 0o700, "compose/a.json": 0o600, "run.sh": 0o700}
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o666


def test_a_folder_of_somebody_else_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_old_folder(tmp_path / "optbuild")
    before = modes_below(root)
    monkeypatch.setattr(os, "geteuid", lambda: root.stat().st_uid + 1)
    close_to_others(root)
    assert modes_below(root) == before
    close_to_others(tmp_path / "none")


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize(("variable", "name"), [("XDG_STATE_HOME", "state_folder"), ("XDG_CACHE_HOME", "cache_folder")])
def test_who_asks_for_a_folder_finds_it_closed(tmp_path: Path, variable: str, name: str) -> None:
    root = make_old_folder(tmp_path / "optbuild")
    assert getattr(make_runtime(tmp_path, {variable: str(tmp_path)}), name) == root
    assert root.stat().st_mode & 0o777 == 0o700


def test_folders_of_our_own_are_made_in_one_place() -> None:
    """Anything else is somebody's own folder, and its mode that person's umask: named here with its reason."""
    root = Path(__file__).parents[3] / "builder"
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if ".mkdir(" in path.read_text(encoding="utf-8") or "makedirs(" in path.read_text(encoding="utf-8")
    }
    assert found == {
        "core/files.py",
        "compose/load/overlay.py",  # below a folder of mkdtemp
        "image/render/model.py",  # a context that a person asked for
        "image/build/workspace.py",  # below a private one: the modes of a context count
        "image/base/make.py",  # a folder of packages in a context: its modes count
        "image/base/leftovers.py",  # users that apt becomes must reach it
        "store/backup.py",  # a person's folder
    }
