"""Is there room on the disk for what is about to be written? Asked before, and while it is written."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from builder.core.errors import DiskFullError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RESERVE = 100 << 20
"""Bytes that stay free: other programs use that disk too."""
LEAST_SHARE = 0.2
"""Of an image's bytes, what its archive has at least; 0.25 to 0.5 is usual, so less than this is hopeless."""
LOOK_EVERY = 32 << 20
_HINT = "`optbuild images` shows what takes the space; or name a folder on another disk"


def check_backup_room(folder: Path, unpacked: int) -> None:
    """``unpacked``: bytes of the images that are to be saved. Raises DiskFullError where they cannot fit."""
    free, needed = shutil.disk_usage(folder).free, int(unpacked * LEAST_SHARE) + RESERVE
    if unpacked and free < needed:
        raise DiskFullError(
            f"the disk of {folder} has {format_megabytes(free)} free; archives of "
            f"{format_megabytes(unpacked)} of images need at "
            f"least {format_megabytes(needed)}",
            hint=_HINT,
        )


def check_engine_room(free: int | None, unpacked: int, doing: str) -> None:
    """``free``: on the engine's disk, None: it cannot be seen; ``unpacked``: what it needs. Raises DiskFullError."""
    needed = unpacked + RESERVE
    if free is not None and free < needed:
        raise DiskFullError(
            f"the engine's disk has {format_megabytes(free)} free; {doing} needs about {format_megabytes(needed)}",
            hint=_HINT,
        )


def iterate_checking_room(chunks: Iterator[bytes], folder: Path) -> Iterator[bytes]:
    """Raises DiskFullError before the disk is full to its last byte."""
    since = 0
    for chunk in chunks:
        since += len(chunk)
        if since > LOOK_EVERY:
            since = 0
            if shutil.disk_usage(folder).free < RESERVE:
                raise make_disk_full_error(folder)
        yield chunk


def make_disk_full_error(folder: Path) -> DiskFullError:
    return DiskFullError(f"the disk of {folder} has no room for the rest", hint=_HINT)


def format_megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
