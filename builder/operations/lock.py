"""What `optbuild lock` does: spec and earlier lock to lock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.core.errors import DiskFullError, LockFileError, LockUsageError, MissingFileError
from builder.core.files import count_free_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.runtime import Runtime
    from builder.image.lock.make import LockOptions
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec


LOCK_BYTES = 150_000_000
"""What a lock writes to the cache at the most: apt's lists and caches of one Debian release are 90 to 102 MB (measured,
bookworm and trixie), and packages are looked into."""


def check_lock_room(runtime: Runtime) -> None:
    """Before anything is asked of a mirror or an index. Raises DiskFullError."""
    folder = runtime.cache_folder
    if (free := count_free_bytes(folder)) < LOCK_BYTES:
        raise DiskFullError(
            f"the cache's disk ({folder}) has {free / 1e6:,.0f} MB free; a lock needs about {LOCK_BYTES / 1e6:,.0f} "
            "MB, most of it for Debian's lists of packages. The lock stays as it was",
            hint="make room there, or name a folder on another disk: XDG_CACHE_HOME",
        )


def read_inputs(folder: Path) -> tuple[Spec, tuple[str, ...]]:
    from builder.image.spec.reader import read_spec  # start-up of `optbuild --help`
    from builder.image.spec.requirements import read_requirements

    spec = read_spec(folder)
    return spec, read_requirements(spec)


def read_previous_lock(path: Path, runtime: Runtime, *, required: bool) -> Lock | None:
    """The lock before. One that cannot be read is replaced, as its own error message tells people to do."""
    from builder.image.lock.document import read_lock

    try:
        return read_lock(path)
    except (MissingFileError, LockFileError) as error:
        if required:
            raise
        if isinstance(error, LockFileError):
            runtime.progress.note(f"the old lock is not used: {error.message}")
        return None


def check_moving_names(names: tuple[str, ...], previous: Lock | None) -> None:
    """A misspelt name would move nothing and say nothing."""
    if previous is None:
        return
    from difflib import get_close_matches

    parts = (previous.python, previous.build_requires, previous.runtime, previous.build)
    known = {one.name for part in parts for one in part}
    for name in names:
        if name not in known and name.lower().replace("_", "-").replace(".", "-") not in known:
            near = get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "optbuild.lock lists the names"
            raise LockUsageError(f"--upgrade-package {name}: the lock has no such name", hint=hint)


def refresh_debian_packages(runtime: Runtime, spec: Spec, lock: Lock) -> Lock:
    """``lock`` with what the Debian release offers now; not yet written. A base image is read at the lock's digest:
    what it has installed says what it lacks."""
    from builder.airflow.releases import find_release
    from builder.image.lock.make import refresh_debian
    from builder.operations.base_image import read_base_image

    check_lock_room(runtime)
    foundation = read_base_image(runtime, spec, lock, lock.platform)
    return refresh_debian(runtime, spec, lock, find_release(spec.airflow.version), foundation=foundation)


def resolve_lock(
    runtime: Runtime,
    spec: Spec,
    requirements: tuple[str, ...],
    previous: Lock | None,
    options: LockOptions,
) -> Lock:
    """A source that must be built to be locked is built in the builder stage, if an engine answers."""
    from builder.airflow.releases import find_release
    from builder.image.lock.dependencies import describe_excluded
    from builder.image.lock.make import make_lock
    from builder.image.lock.target import find_lock_target

    def build(lock: Lock, folder: Path, announcement: str) -> None:
        from builder.image.build.wheels import build_wheels  # the engine's SDK, which few locks need

        build_wheels(runtime, lock, folder, announcement)

    check_lock_room(runtime)
    release = find_release(spec.airflow.version)
    whole = replace(options, build_wheels=build)
    lock = make_lock(runtime, spec, requirements, release, previous=previous, options=whole)
    if excluded := describe_excluded(find_lock_target(lock), requirements):
        runtime.progress.note(excluded)
    if previous is not None and not previous.layers:
        runtime.progress.note(
            f"the old lock put all Python packages into one layer; this one plans {len(lock.layers)} layers, "
            "so that a new version of one package moves little else: optbuild render --explain shows them"
        )
    return lock
