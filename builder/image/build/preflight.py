"""Is there disk enough? Asked before a build, and when one has failed for want of it; answered with numbers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.core.errors import DISK_FULL, HOW_TO_FREE_DISK, DiskFullError, ToolError, is_disk_full
from builder.core.files import count_free_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.image.lock.model import Lock

NEEDED_FACTOR = 2.5
"""A build holds its layers, BuildKit's cache of the stages before them and the context at the same time."""
ONE_STAGE_FACTOR = 2.0
"""With one stage no layer lies twice, in a stage and where it is copied to; what was downloaded lies beside it."""
PULL_FACTOR = 1.4
"""The compressed layers of an image lie beside the unpacked ones until the last is unpacked: gzip leaves about 0.4."""
DEB_COPIES = 2
"""Of a .deb: in the context, and in BuildKit's copy of that."""
WHEEL_UNPACKED = 3.6
"""Unpacked bytes per byte of a wheel, measured over the locked wheels of Airflow 2.8.1 with pandas and friends."""
DEB_UNPACKED = 3.5
"""Unpacked bytes per byte of a .deb, measured over a Debian 12 base."""
UNKNOWN_WHEEL_BYTES = 1_000_000


@dataclass(frozen=True)
class DiskEstimate:
    """What a build will take on a disk, in bytes; roughly, and known before anything was downloaded."""

    image: int
    """Unpacked: the image, or what it gets beside the base image that it stands on."""
    factor: float = NEEDED_FACTOR
    """How often that lies on the disk while it is built."""
    packages: int = 0
    """Debian packages that only a build on a base image holds: those of the builder, unpacked, and all .deb files."""
    pulled: int | None = 0
    """The base image while it is pulled; 0: it is there, or there is none; None: the lock does not say."""
    is_added: bool = False
    """Whether it stands on a base image."""

    @property
    def needed(self) -> int:
        return int(self.image * self.factor) + self.packages + (self.pulled or 0)

    @property
    def in_cache(self) -> DiskEstimate:
        """On the disk of the cache folder, where the context is made: what is pulled goes to the engine's."""
        return replace(self, pulled=0)

    def describe(self) -> str:
        """How that is counted."""
        what = "that are estimated to be added" if self.is_added else "that the image is estimated to have"
        text = f"{self.factor:g} times the {_format_megabytes(self.image)} {what}"
        if self.packages:
            text += f", {_format_megabytes(self.packages)} for Debian packages while it is built"
        if self.pulled is None:
            return f"{text}, and a base image that must be pulled, whose bytes this lock does not say"
        return f"{text}, {_format_megabytes(self.pulled)} for a base image that must be pulled" if self.pulled else text


def estimate_disk(lock: Lock, *, several: bool, base_is_here: bool) -> DiskEstimate:
    """``several``: stages; ``base_is_here``: the engine has the image that the lock stands on."""
    python = sum(one.size if one.size is not None else UNKNOWN_WHEEL_BYTES for one in lock.python)
    runtime, build = (sum(package.size for package in part) for part in (lock.runtime, lock.build))
    image = int(python * WHEEL_UNPACKED + runtime * DEB_UNPACKED)
    factor = NEEDED_FACTOR if several else ONE_STAGE_FACTOR
    if lock.foundation is None:
        return DiskEstimate(image, factor)
    packages = int(build * DEB_UNPACKED) + (runtime + build) * DEB_COPIES
    pulled = 0 if base_is_here else int(lock.foundation.bytes * PULL_FACTOR) or None
    return DiskEstimate(image, factor, packages, pulled, is_added=True)


def check_disk(place: str, free: int | None, estimate: DiskEstimate) -> None:
    """``place`` names the disk in the message; ``free`` None: it cannot be seen. Raises DiskFullError."""
    if free is not None and free < estimate.needed:
        raise DiskFullError(
            f"{place} has {_format_megabytes(free)} free; this build needs about {_format_megabytes(estimate.needed)} "
            f"({estimate.describe()})",
            hint=HOW_TO_FREE_DISK,
        )


def measure_disks(runtime: Runtime, engine: Engine) -> dict[str, int | None]:
    """What a build writes to → its free bytes; None: that disk cannot be seen from here."""
    return {
        f"the engine's disk ({engine.info.root})": engine.measure_free_bytes(),
        f"the cache's disk ({runtime.cache_folder})": count_free_bytes(runtime.cache_folder),
    }


def check_disks(runtime: Runtime, engine: Engine, estimate: DiskEstimate) -> None:
    """Raises DiskFullError for the first that has too little."""
    on_engine, in_cache = measure_disks(runtime, engine).items()
    check_disk(*on_engine, estimate)
    check_disk(*in_cache, estimate.in_cache)


@contextlib.contextmanager
def explain_full_disk(measure: Callable[[], Mapping[str, int | None]], estimate: DiskEstimate) -> Iterator[None]:
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


def _make_full_disk_error(what: str, free: Mapping[str, int | None], estimate: DiskEstimate) -> DiskFullError:
    seen = ", ".join(
        f"{place} has {_format_megabytes(count)} free" for place, count in free.items() if count is not None
    )
    needed = _format_megabytes(estimate.needed)
    return DiskFullError(
        f"a disk became full: now {seen or 'no disk can be seen from here'}; this build needs about {needed} on each. "
        f"Nothing was promoted\n  {what}",
        hint=HOW_TO_FREE_DISK,
    )


def _format_megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
