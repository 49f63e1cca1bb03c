"""Compose files on disk: backed up, replaced in one step, put back byte for byte, and nothing of a person's lost."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from builder.compose.model import FileEdit
from builder.core.errors import ChangedFileError, ComposeError
from builder.core.files import write_with_temporary
from builder.rollout.file_swap import (
    choose_backup_path,
    find_edited_files,
    find_hard_links,
    find_newest_backup,
    make_file_record,
    remove_backups,
    replace_files,
    restore_files,
)

if TYPE_CHECKING:
    from pathlib import Path

    from builder.rollout.journal import FileRecord

OLD, NEW, OTHER = b"old\r\n\xff", b"new\n", b"a person's\n"


def made(folder: Path, name: str = "compose.yml") -> FileRecord:
    """A file with the old bytes, and what is about to happen to it."""
    path = folder / name
    path.write_bytes(OLD)
    path.chmod(0o640)
    return make_file_record(FileEdit(path, OLD, NEW), "0123abcd")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_record_says_where_everything_goes_and_touches_nothing(tmp_path: Path) -> None:
    one = made(tmp_path)
    assert (one.before, one.after, one.mode) == (OLD, NEW, 0o640)
    assert (one.backup.name, one.temporary.name) == ("compose.yml.bak", ".compose.yml.optbuild-0123abcd")
    assert files(tmp_path) == {"compose.yml": OLD}


def test_a_record_of_a_link_is_about_the_file_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    made(tmp_path / "real")
    link = tmp_path / "compose.yml"
    link.symlink_to("real/compose.yml")
    one = make_file_record(FileEdit(link, OLD, NEW), "r")
    assert one.path == tmp_path / "real" / "compose.yml"
    replace_files((one,))
    assert link.is_symlink()
    assert link.read_bytes() == NEW
    assert files(tmp_path / "real") == {"compose.yml": NEW, "compose.yml.bak": OLD}


def test_a_file_that_was_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path).path
    path.write_bytes(OTHER)
    with pytest.raises(ChangedFileError, match="changed while the plan was made"):
        make_file_record(FileEdit(path, OLD, NEW), "r")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match="cannot be read: No such file"):
        make_file_record(FileEdit(tmp_path / "none.yml", OLD, NEW), "r")


def test_a_file_that_nobody_may_write_is_refused_also_for_root(tmp_path: Path) -> None:
    path = made(tmp_path).path
    path.chmod(0o444)
    with pytest.raises(ComposeError, match="the file is read-only") as caught:
        make_file_record(FileEdit(path, OLD, NEW), "r")
    assert caught.value.hint == f"chmod u+w {path}"


def test_a_folder_that_nobody_may_write_is_refused_also_for_root(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    path = made(folder).path
    folder.chmod(0o555)
    try:
        with pytest.raises(ComposeError, match="its folder is read-only") as caught:
            make_file_record(FileEdit(path, OLD, NEW), "r")
        assert caught.value.hint == f"chmod u+w {folder}"
    finally:
        folder.chmod(0o755)


def test_what_is_no_regular_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path).path
    found = path.stat()
    pipe = os.stat_result((stat.S_IFIFO | 0o640, *found[1:]))
    monkeypatch.setattr(type(path), "stat", lambda _self, **_options: pipe)
    with pytest.raises(ComposeError, match="is not a regular file"):
        make_file_record(FileEdit(path, OLD, NEW), "r")


@pytest.mark.parametrize(
    ("backups", "newest"),
    [
        ((), None),
        ((("compose.yml.bak", OTHER),), "compose.yml.bak"),
        ((("compose.yml.bak", OTHER), ("compose.yml.bak.2", NEW), ("compose.yml.bak.10", OTHER)), "compose.yml.bak.10"),
        ((("compose.yml.bak", OTHER), ("compose.yml.bak.1", OLD)), "compose.yml.bak"),
        ((("compose.yml.bak", OLD),), None),
        ((("compose.yml.bak.old", OTHER), ("other.yml.bak", OTHER)), None),
    ],
)
def test_the_newest_backup_that_says_something_else(
    tmp_path: Path, backups: tuple[tuple[str, bytes], ...], newest: str | None
) -> None:
    path = made(tmp_path).path
    for name, data in backups:
        (tmp_path / name).write_bytes(data)
    found = find_newest_backup(path)
    assert (found.name if found else None) == newest


def test_a_backup_gets_a_name_that_is_free_also_of_links_that_lead_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    assert choose_backup_path(path).name == "compose.yml.bak"
    (tmp_path / "compose.yml.bak").symlink_to("nowhere")
    (tmp_path / "compose.yml.bak.1").mkdir()
    assert choose_backup_path(path).name == "compose.yml.bak.2"


def test_a_file_with_a_second_name_is_told(tmp_path: Path) -> None:
    one, two = made(tmp_path, "one.yml"), made(tmp_path, "two.yml")
    (tmp_path / "again.yml").hardlink_to(two.path)
    assert find_hard_links((one, two)) == (two.path,)


def test_all_files_are_written_with_their_backups_and_modes(tmp_path: Path) -> None:
    records = (made(tmp_path, "a.yml"), made(tmp_path, "b.yml"))
    replace_files(records)
    assert files(tmp_path) == {"a.yml": NEW, "a.yml.bak": OLD, "b.yml": NEW, "b.yml.bak": OLD}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o640}


def test_all_backups_are_there_before_the_first_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records, steps = (made(tmp_path, "a.yml"), made(tmp_path, "b.yml")), []

    def noted(path: Path, *args: bytes, **more: Any) -> None:
        steps.append(path.name)
        write_with_temporary(path, *args, **more)

    monkeypatch.setattr("builder.rollout.file_swap.write_with_temporary", noted)
    replace_files(records)
    assert steps == ["a.yml.bak", "b.yml.bak", "a.yml", "b.yml"]


def test_a_backup_never_replaces_what_somebody_put_there_meanwhile(tmp_path: Path) -> None:
    one = made(tmp_path)
    one.backup.write_bytes(OTHER)
    with pytest.raises(FileExistsError):
        replace_files((one,))
    assert files(tmp_path) == {"compose.yml": OLD, "compose.yml.bak": OTHER}


def test_a_file_that_somebody_changes_meanwhile_keeps_those_bytes_and_what_was_written_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = made(tmp_path, "a.yml"), made(tmp_path, "b.yml")

    def disturbed(path: Path, *args: bytes, **more: Any) -> None:
        write_with_temporary(path, *args, **more)
        if path == first.path:
            second.path.write_bytes(OTHER)

    monkeypatch.setattr("builder.rollout.file_swap.write_with_temporary", disturbed)
    with pytest.raises(ChangedFileError, match="changed meanwhile"):
        replace_files((first, second))
    monkeypatch.undo()
    assert files(tmp_path) == {"a.yml": NEW, "a.yml.bak": OLD, "b.yml": OTHER, "b.yml.bak": OLD}
    assert find_edited_files((first, second)) == (second.path,)
    assert restore_files((first, second)) == (first.path,)
    assert files(tmp_path) == {"a.yml": OLD, "a.yml.bak": OLD, "b.yml": OTHER, "b.yml.bak": OLD}


def test_what_was_written_is_put_back_with_its_mode_and_a_half_written_copy_goes(tmp_path: Path) -> None:
    one = made(tmp_path)
    replace_files((one,))
    one.path.chmod(0o600)
    one.temporary.write_bytes(b"half")
    assert restore_files((one,)) == (one.path,)
    assert files(tmp_path) == {"compose.yml": OLD, "compose.yml.bak": OLD}
    assert stat.S_IMODE(one.path.stat().st_mode) == 0o600
    assert restore_files((one,)) == ()


@pytest.mark.parametrize("bytes_now", [OLD, OTHER, None])
def test_a_file_without_the_new_bytes_is_left_alone(bytes_now: bytes | None, tmp_path: Path) -> None:
    one = made(tmp_path)
    one.path.unlink()
    if bytes_now is not None:
        one.path.write_bytes(bytes_now)
    before = files(tmp_path)
    one.temporary.write_bytes(b"half")
    assert restore_files((one,)) == ()
    assert files(tmp_path) == before
    assert find_edited_files((one,)) == (() if bytes_now == OLD else (one.path,))


def test_a_file_that_does_not_change_is_none_that_was_put_back(tmp_path: Path) -> None:
    one = replace(made(tmp_path), after=OLD)
    inode = one.path.stat().st_ino
    assert restore_files((one,)) == ()
    assert one.path.stat().st_ino == inode


def test_a_backup_goes_only_where_the_file_beside_it_says_the_same(tmp_path: Path) -> None:
    same, new, other = (made(tmp_path, name) for name in ("same.yml", "new.yml", "other.yml"))
    replace_files((same, new, other))
    same.path.write_bytes(OLD)
    other.path.write_bytes(OLD)
    other.backup.write_bytes(OTHER)
    remove_backups((same, new, other))
    assert files(tmp_path) == {
        "new.yml": NEW,
        "new.yml.bak": OLD,
        "other.yml": OLD,
        "other.yml.bak": OTHER,
        "same.yml": OLD,
    }
    remove_backups((same, new, other))
