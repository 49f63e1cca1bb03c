"""Is there disk enough? Asked before a build, answered with numbers."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from builder.core.errors import DiskFullError

if TYPE_CHECKING:
    from pathlib import Path

    from builder.image.lock.model import Lock

NEEDED_FACTOR = 2.5
"""A build holds its layers, BuildKit's cache of the stages before them and the context at the same time."""
WHEEL_UNPACKED = 3.6
"""Unpacked bytes per byte of a wheel, measured over the locked wheels of Airflow 2.8.1 with pandas and friends."""
DEB_UNPACKED = 3.5
"""Unpacked bytes per byte of a .deb, measured over a Debian 12 base."""
UNKNOWN_WHEEL_BYTES = 1_000_000


def estimate_image_bytes(lock: Lock) -> int:
    """Roughly what the unpacked image of this lock takes, known before anything was downloaded."""
    python = sum(one.size if one.size is not None else UNKNOWN_WHEEL_BYTES for one in lock.python)
    return int(python * WHEEL_UNPACKED + sum(package.size for package in lock.runtime) * DEB_UNPACKED)


def check_disk(place: str, free: int | None, estimate: int) -> None:
    """``place`` names the disk in the message; ``free`` None: it cannot be seen. Raises DiskFullError."""
    needed = int(estimate * NEEDED_FACTOR)
    if free is not None and free < needed:
        raise DiskFullError(
            f"{place} has {_format_megabytes(free)} free; this build needs about {_format_megabytes(needed)} "
            f"({NEEDED_FACTOR} times the {_format_megabytes(estimate)} that the image is estimated to have)",
            hint="free some disk: `docker system df` shows what takes the space. Safe to remove, because it is made "
            "again when needed: build cache (`docker builder prune`), images without a name (`docker image prune`); "
            "an image with a name: `docker image rm NAME`, after a look at `optbuild images`",
        )


def count_free_bytes(folder: Path) -> int:
    """Free bytes of the disk on which ``folder`` is, or will be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _format_megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
