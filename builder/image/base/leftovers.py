"""What a killed optbuild left of a base that it was making: processes that go on without it, and a folder of 200 MB.

The caller holds the lock of the bases, which the kernel drops with its holder: a half made base belongs to no process
that still runs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.process import TERMINATE_GRACE_SECONDS
from builder.core.process_tree import is_group_running

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = ".making-"
SCRATCH_PREFIX = "optbuild-base-"
SCRATCH_LINK = "tmp"
OWNER_VARIABLE = "OPTBUILD_MAKES_BASE"
"""In the environment of base.sh and all that it starts: the folder that it works for."""


def remove_leftover_bases(bases: Path, proc: Path = Path("/proc")) -> tuple[Path, ...]:
    """End what still works for a half made base and delete its folder. Returns the folders that were found."""
    found = tuple(sorted(bases.glob(f"{PREFIX}*")))
    for folder in found:
        stop_process_groups(find_process_groups(folder, proc))
        remove_unfinished_base(folder)
    return found


def make_scratch_folder(folder: Path, parent: Path) -> Path:
    """A folder below ``parent`` for the temporary files of the base made in ``folder``, which links to it.

    Not below ``folder`` itself: the users that mmdebstrap and apt become must reach it, and a home is often closed to
    them (Debian's 0700, Ubuntu's 0750). The link comes first, so that a kill in between leaves nothing unknown.
    """
    scratch = parent / (SCRATCH_PREFIX + folder.name.removeprefix(PREFIX))
    (folder / SCRATCH_LINK).symlink_to(scratch)
    scratch.mkdir()
    scratch.chmod(0o755)
    return scratch


def remove_unfinished_base(folder: Path) -> None:
    """Delete a half made base and its temporary files."""
    remove_scratch_folder(folder)
    shutil.rmtree(folder, ignore_errors=True)


def remove_scratch_folder(folder: Path) -> None:
    """Delete the temporary files, and the link to them."""
    link = folder / SCRATCH_LINK
    if not link.is_symlink():
        return
    scratch = link.readlink()
    if scratch.name.startswith(SCRATCH_PREFIX):
        shutil.rmtree(scratch, ignore_errors=True)
    link.unlink()


def find_process_groups(folder: Path, proc: Path = Path("/proc")) -> frozenset[int]:
    """The process groups that were started for ``folder``, by the mark in their environment; never our own."""
    mark = f"{OWNER_VARIABLE}={folder}".encode()
    return frozenset(_iterate_marked_groups(mark, proc)) - {os.getpgid(0)}


def _iterate_marked_groups(mark: bytes, proc: Path) -> Iterator[int]:
    for entry in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):  # ended meanwhile, or somebody else's
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                yield int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[2])


def stop_process_groups(groups: frozenset[int], grace: float = TERMINATE_GRACE_SECONDS) -> None:
    """SIGTERM, up to ``grace`` seconds to unmount and to delete, then SIGKILL."""
    _send_signal(groups, signal.SIGTERM)
    end = time.monotonic() + grace
    while any(is_group_running(group) for group in groups) and time.monotonic() < end:
        time.sleep(0.05)
    _send_signal(groups, signal.SIGKILL)


def _send_signal(groups: frozenset[int], number: signal.Signals) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
