"""Compose files before and after: backed up, replaced in one step each, and put back byte for byte."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from builder.core.errors import ChangedFileError, ComposeError, Where
from builder.core.files import sync_folder, write_with_temporary
from builder.core.naming import BACKUP_SUFFIX
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
    """Root may write everything; a file without any write bit was still meant to stay as it is."""
    if not stat.S_ISREG(found.st_mode):
        raise ComposeError("is not a regular file, so it cannot be replaced", where=Where(str(path)))
    if not found.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise ComposeError("the file is read-only", where=Where(str(path)), hint=f"chmod u+w {path}")
    if not path.parent.stat().st_mode & 0o222 or not os.access(path.parent, os.W_OK):
        raise ComposeError(
            "its folder is read-only: neither the new file nor the backup can be written",
            where=Where(str(path)),
            hint=f"chmod u+w {path.parent}",
        )


def choose_backup_path(path: Path) -> Path:
    """The file's name with BACKUP_SUFFIX, else with ``.1``, ... behind that: a file that is there already is kept."""
    first = path.with_name(f"{path.name}{BACKUP_SUFFIX}")
    candidate, number = first, 0
    while os.path.lexists(candidate):
        number += 1
        candidate = first.with_name(f"{first.name}.{number}")
    return candidate


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
