"""A folder that looks like the real tree with some files changed."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from builder.compose.load import overlay
from builder.compose.load.overlay import OverlaySet, create_overlay, resolve_in_overlay


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("p/compose.yaml", "p/.env", "p/sub/a.yml", "q/b.yml", "q/c.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"real {name}")
    return tmp_path


def test_everything_but_the_changed_files_is_as_it_is(tree: Path) -> None:
    with create_overlay({tree / "p/compose.yaml": b"new", tree / "q/b.yml": b"new too"}) as root:
        there = resolve_in_overlay(root, tree)
        found = {name: (there / name).read_text() for name in ("p/compose.yaml", "p/.env", "p/sub/a.yml", "q/b.yml")}
        assert (there / "p/../q/c.yml").read_text() == "real q/c.yml"
    assert found == {
        "p/compose.yaml": "new",
        "p/.env": "real p/.env",
        "p/sub/a.yml": "real p/sub/a.yml",
        "q/b.yml": "new too",
    }
    assert (tree / "p/compose.yaml").read_text() == "real p/compose.yaml"


def test_a_file_that_is_not_there_yet(tree: Path) -> None:
    with create_overlay({tree / "p/new.yml": b"new"}) as root:
        assert resolve_in_overlay(root, tree / "p/new.yml").read_bytes() == b"new"
    assert not (tree / "p/new.yml").exists()


def test_a_link_is_replaced_not_followed(tree: Path) -> None:
    (tree / "p/link.yml").symlink_to("../q/b.yml")
    (tree / "linked").symlink_to("p")
    with create_overlay({tree / "p/link.yml": b"one", tree / "linked/compose.yaml": b"two"}) as root:
        assert resolve_in_overlay(root, tree / "p/link.yml").read_bytes() == b"one"
        assert resolve_in_overlay(root, tree / "p/compose.yaml").read_text() == "real p/compose.yaml"
        assert resolve_in_overlay(root, tree / "linked/compose.yaml").read_bytes() == b"two"
    assert (tree / "q/b.yml").read_text() == "real q/b.yml"
    assert (tree / "p/compose.yaml").read_text() == "real p/compose.yaml"


def test_nothing_is_left_and_nobody_else_may_look(tree: Path) -> None:
    context = create_overlay({tree / "p/compose.yaml": b"new"})
    root = context.__enter__()
    assert root.stat().st_mode & 0o077 == 0
    assert os.path.realpath(root) == str(root)
    failed = ValueError("what went on in the block")
    assert not context.__exit__(ValueError, failed, None)
    assert not root.exists()
    assert (tree / "p/sub/a.yml").exists()


def test_a_folder_that_cannot_be_listed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if isinstance(path, Path):  # all but what removes the overlay
            raise PermissionError
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with create_overlay({tree / "p/compose.yaml": b"new"}) as root:
        assert resolve_in_overlay(root, tree / "p/compose.yaml").read_bytes() == b"new"


@pytest.mark.parametrize("memory", ["missing", "full"])
def test_without_memory_for_files_it_lies_where_temporary_files_do(
    tree: Path, monkeypatch: pytest.MonkeyPatch, memory: str
) -> None:
    folder = tree / "memory"
    symlink = os.symlink

    def fill(target: str, path: str) -> None:
        if path.startswith(str(folder)):
            raise OSError(errno.ENOSPC, "No space left on device")
        symlink(target, path)

    if memory == "full":
        folder.mkdir()
        monkeypatch.setattr(os, "symlink", fill)
    monkeypatch.setattr(overlay, "_MEMORY", folder)
    with create_overlay({tree / "p/compose.yaml": b"new"}) as root:
        assert root.parent == Path(tempfile.gettempdir()).resolve()
        assert (resolve_in_overlay(root, tree) / "p/.env").read_text() == "real p/.env"
    assert not folder.exists() or not list(folder.iterdir())


def test_many_look_at_one_overlay_until_all_are_done(tree: Path) -> None:
    changed = {tree / "q/b.yml": b"new"}
    with OverlaySet() as overlays:
        with overlays.open_overlay(changed) as first, overlays.open_overlay(dict(changed)) as second:
            assert first == second
        with overlays.open_overlay({tree / "q/b.yml": b"other"}) as third:
            assert third != first
        assert resolve_in_overlay(first, tree / "q/b.yml").read_text() == "new"
    assert not first.exists()
    assert not third.exists()
