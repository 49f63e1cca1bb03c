"""Why a file cannot be written, and what can be done about it by whoever is asked to."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from builder.core.write_access import find_write_obstacle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ME, OTHER = 4_000_001, 4_000_002
"""No user of this machine has them."""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "my shop" / "compose.yaml"
    made.parent.mkdir()
    made.write_text("a: 1\n")
    yield made
    made.parent.chmod(0o755)


def become(monkeypatch: pytest.MonkeyPatch, user: int, *, writable: tuple[Path, ...]) -> None:
    """From now on this process is ``user``, who may write to these alone."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "access", lambda path, _mode: path in writable)


def own(monkeypatch: pytest.MonkeyPatch, file: Path, user: int) -> None:
    real = type(file).stat
    monkeypatch.setattr(
        type(file),
        "stat",
        lambda path: SimpleNamespace(st_mode=real(path).st_mode, st_uid=user) if path == file else real(path),
    )


def test_what_may_be_written_has_no_obstacle(file: Path) -> None:
    assert find_write_obstacle(file) is None


def test_an_owner_changes_the_mode(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.chmod(0o444)
    own(monkeypatch, file, ME)
    become(monkeypatch, ME, writable=(file.parent,))
    found = find_write_obstacle(file)
    assert found is not None
    assert found.remedy == f"chmod u+w '{file}'"


@pytest.mark.parametrize("mode", [0o444, 0o644])
def test_nobody_else_is_told_to_change_it(file: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    """Also where the mode is right already."""
    file.chmod(mode)
    own(monkeypatch, file, OTHER)
    become(monkeypatch, ME, writable=(file.parent,))
    found = find_write_obstacle(file)
    assert found is not None
    assert "chmod" not in found.remedy
    assert found.remedy.startswith(f"it belongs to {OTHER}: `sudo chown {ME} '{file}'`, or work on a copy")


def test_root_changes_the_mode_of_every_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.chmod(0o444)
    own(monkeypatch, file, OTHER)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = find_write_obstacle(file)
    assert found is not None
    assert found.remedy == f"chmod u+w '{file}'"


def test_an_owner_whose_mode_is_right_is_shown_what_else_it_may_be(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own(monkeypatch, file, ME)
    become(monkeypatch, ME, writable=(file.parent,))
    found = find_write_obstacle(file)
    assert found is not None
    assert f"`lsattr -d '{file}'`" in found.remedy


def test_a_folder_that_cannot_be_written_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own(monkeypatch, file.parent, OTHER)
    become(monkeypatch, ME, writable=(file,))
    found = find_write_obstacle(file)
    assert found is not None
    assert found.reason.startswith("its folder is read-only")
    assert f"`sudo chown {ME} '{file.parent}'`" in found.remedy


def test_no_mode_helps_on_a_file_system_that_is_read_only(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    file.chmod(0o444)
    found = find_write_obstacle(file)
    assert found is not None
    assert "mounted read-only" in found.reason
    assert "chmod" not in found.remedy
    assert "copy the project to a folder that you may write to" in found.remedy
