"""Scratch folders in the cache, where uv can make hard links; those of a killed run are swept at the next start."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.files import hold_lock, make_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIXES = ("resolve-", "unpacked-")
_HELD = ".held"
"""Locked by the process that uses the folder. The kernel drops that lock with its process, even one in a container."""


@contextlib.contextmanager
def open_scratch_folder(cache_folder: Path, prefix: str) -> Iterator[Path]:
    """A folder of our own for the block; ``prefix`` is one of ``PREFIXES``."""
    make_private_folder(cache_folder)
    with contextlib.ExitStack() as stack:
        with hold_lock(cache_folder / "scratch.lock", "removing scratch folders"):
            _remove_unused_folders(cache_folder)
            new = tempfile.TemporaryDirectory(prefix=prefix, dir=cache_folder, ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(new))
            held = stack.enter_context((folder / _HELD).open("w"))
            fcntl.flock(held, fcntl.LOCK_EX)
        yield folder


def _remove_unused_folders(cache_folder: Path) -> None:
    for prefix in PREFIXES:
        for folder in cache_folder.glob(f"{prefix}*"):
            if not _is_in_use(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_in_use(folder: Path) -> bool:
    try:
        with (folder / _HELD).open("r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # killed before it was held; nobody is between the two, because that is done under a lock
        return False
    return False
