"""Why a file cannot be replaced, and a remedy that can work: only an owner may change a mode."""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_ANY_WRITE_BIT = 0o222


@dataclass(frozen=True)
class WriteObstacle:
    """``reason`` is the end of a sentence about the file; ``remedy`` is what to do next."""

    reason: str
    remedy: str


def find_write_obstacle(path: Path) -> WriteObstacle | None:
    """What keeps ``path``, which exists, from being replaced; None: nothing that can be seen without trying.

    Root may write everything; what has no write bit at all was still meant to stay as it is.
    """
    folder = path.parent
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return WriteObstacle(
            "it is on a file system that is mounted read-only",
            f"copy the project to a folder that you may write to, and work there; or mount it writable (`findmnt "
            f"--target {shlex.quote(str(folder))}` shows what it is)",
        )
    if _is_protected(path):
        return WriteObstacle("the file is read-only", _advise(path))
    if _is_protected(folder):
        return WriteObstacle(
            "its folder is read-only: neither the new file nor the backup can be written", _advise(folder)
        )
    return None


def _is_protected(path: Path) -> bool:
    return not path.stat().st_mode & _ANY_WRITE_BIT or not os.access(path, os.W_OK)


def _advise(path: Path) -> str:
    found, me = path.stat(), os.geteuid()
    words = shlex.quote(str(path))
    if me not in (0, found.st_uid):
        return (
            f"it belongs to {_find_user_name(found.st_uid)}: `sudo chown {_find_user_name(me)} {words}`, or work on a "
            "copy of the project that is yours"
        )
    if not found.st_mode & (_ANY_WRITE_BIT if me == 0 else stat.S_IWUSR):
        return f"chmod u+w {words}"
    return f"its mode allows it, so something else does not: `lsattr -d {words}` and `getfacl {words}` show what"


def _find_user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # of another machine, or of a container
        return str(number)
