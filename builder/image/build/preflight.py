"""Is there disk enough? Asked before a build, and when one has failed for want of it; answered with numbers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from builder.core.errors import DISK_FULL, DiskFullError, ToolError, is_disk_full
from builder.core.files import count_free_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.image.lock.model import Lock

NEEDED_FACTOR = 2.5
"""A build holds its layers, BuildKit's cache of the stages before them and the context at the same time."""
WHEEL_UNPACKED = 3.6
"""Unpacked bytes per byte of a wheel, measured over the locked wheels of Airflow 2.8.1 with pandas and friends."""
DEB_UNPACKED = 3.5
"""Unpacked bytes per byte of a .deb, measured over a Debian 12 base."""
UNKNOWN_WHEEL_BYTES = 1_000_000
_HOW_TO_FREE = (
    "free some disk: `docker system df` shows what takes the space. Safe to remove, because it is made "
    "again when needed: build cache (`docker builder prune`), images without a name (`docker image prune`); "
    "an image with a name: `docker image rm NAME`, after a look at `optbuild images`"
)


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
            hint=_HOW_TO_FREE,
        )


def measure_disks(runtime: Runtime, engine: Engine) -> dict[str, int | None]:
    """What a build writes to → its free bytes; None: that disk cannot be seen from here."""
    return {
        f"the engine's disk ({engine.info.root})": engine.measure_free_bytes(),
        f"the cache's disk ({runtime.cache_folder})": count_free_bytes(runtime.cache_folder),
    }


@contextlib.contextmanager
def explain_full_disk(measure: Callable[[], Mapping[str, int | None]], estimate: int) -> Iterator[None]:
    """What fails in the block because a disk is full becomes a DiskFullError with numbers.

    ``measure``: place → its free bytes, None where they cannot be seen; asked then. ``estimate`` as in
    :func:`check_disk`, which was right about what others do with that disk meanwhile as far as anybody can be.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise _make_full_disk_error(f"{error.filename or 'a file'}: {error.strerror}", measure(), estimate) from error
    except ToolError as error:
        if not is_disk_full(error):
            raise
        raise _make_full_disk_error(error.message, measure(), estimate) from error


def _make_full_disk_error(what: str, free: Mapping[str, int | None], estimate: int) -> DiskFullError:
    seen = ", ".join(
        f"{place} has {_format_megabytes(count)} free" for place, count in free.items() if count is not None
    )
    needed = _format_megabytes(int(estimate * NEEDED_FACTOR))
    return DiskFullError(
        f"a disk became full: now {seen or 'no disk can be seen from here'}; this build needs about {needed} on each. "
        f"Nothing was promoted\n  {what}",
        hint=_HOW_TO_FREE,
    )


def _format_megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
