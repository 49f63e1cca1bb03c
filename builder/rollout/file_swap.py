"""Compose files before and after: backed up, replaced in one step each, and put back byte for byte."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
from typing import TYPE_CHECKING

from builder.core.errors import ChangedFileError, ComposeError, Where
from builder.core.files import sync_folder, write_with_temporary
from builder.core.naming import BACKUP_SUFFIX
from builder.core.write_access import find_write_obstacle
from builder.rollout.journal import FileRecord

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import FileEdit


def make_file_record(edit: FileEdit, run: str) -> FileRecord:
    """What is about to happen to a file. Raises ComposeError where it cannot be replaced, ChangedFileError where it is
    not what was planned with. Nothing is touched."""
    path = edit.path.resolve()
    try:
        found = path.stat()
        now = path.read_bytes()
    except OSError as error:
        raise ComposeError(f"cannot be read: {error.strerror}", where=Where(str(edit.path))) from error
    _check_writable(path, found)
    if now != edit.before:
        raise ChangedFileError("the file was changed while the plan was made", where=Where(str(edit.path)))
    return FileRecord(
        path,
        edit.before,
        edit.after,
        stat.S_IMODE(found.st_mode),
        choose_backup_path(path),
        path.with_name(f".{path.name}.optbuild-{run}"),
    )


def _check_writable(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ComposeError("is not a regular file, so it cannot be replaced", where=Where(str(path)))
    if (obstacle := find_write_obstacle(path)) is not None:
        raise ComposeError(obstacle.reason, where=Where(str(path)), hint=obstacle.remedy)


def choose_backup_path(path: Path) -> Path:
    """The file's name with BACKUP_SUFFIX, else with ``.1``, ... behind that: a file that is there already is kept."""
    first = path.with_name(f"{path.name}{BACKUP_SUFFIX}")
    candidate, number = first, 0
    while os.path.lexists(candidate):
        number += 1
        candidate = first.with_name(f"{first.name}.{number}")
    return candidate


def find_newest_backup(path: Path) -> Path | None:
    """The last backup of this file that holds other bytes than the file; None: there is none."""
    first = path.with_name(f"{path.name}{BACKUP_SUFFIX}")
    numbered = sorted(
        (int(one.suffix[1:]), one)
        for one in first.parent.glob(f"{glob.escape(first.name)}.*")
        if one.suffix[1:].isdigit()
    )
    found = [one for one in (first, *(one for _, one in numbered)) if one.is_file()]
    now = _read_existing(path)
    return next((one for one in reversed(found) if _read_existing(one) != now), None)


def find_hard_links(records: tuple[FileRecord, ...]) -> tuple[Path, ...]:
    """Files with a second name, which keeps the old bytes."""
    return tuple(one.path for one in records if one.path.stat().st_nlink > 1)


def replace_files(records: tuple[FileRecord, ...]) -> None:
    """Backups first, then each file in one step. Raises ChangedFileError and OSError; then call restore_all."""
    for one in records:
        _check_unchanged(one)
        write_with_temporary(one.backup, one.before, temporary=one.temporary, like=one.path, replace=False)
    for one in records:
        _check_unchanged(one)
        write_with_temporary(one.path, one.after, temporary=one.temporary, like=one.path)


def _check_unchanged(one: FileRecord) -> None:
    if one.path.read_bytes() != one.before:
        raise ChangedFileError("the file was changed meanwhile", where=Where(str(one.path)))


def find_edited_files(records: tuple[FileRecord, ...]) -> tuple[Path, ...]:
    """Files that hold neither the old nor the new bytes: somebody went on working."""
    return tuple(one.path for one in records if _read_existing(one.path) not in {one.before, one.after})


def restore_files(records: tuple[FileRecord, ...]) -> tuple[Path, ...]:
    """Every file that holds the new bytes gets the old ones; which were put back. The backups stay."""
    restored = []
    for one in records:
        one.temporary.unlink(missing_ok=True)
        if _read_existing(one.path) == one.after != one.before:
            write_with_temporary(one.path, one.before, temporary=one.temporary, like=one.path)
            restored.append(one.path)
    return tuple(restored)


def remove_backups(records: tuple[FileRecord, ...]) -> None:
    """Only those that say no more than the file beside them."""
    for one in records:
        if _read_existing(one.backup) == one.before == _read_existing(one.path):
            with contextlib.suppress(OSError):  # a backup too much does no harm
                one.backup.unlink()
                sync_folder(one.backup.parent)


def _read_existing(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
