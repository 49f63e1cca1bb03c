"""The exact Debian packages of the final image and of the builder stage, from the release's own package lists."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.core.debian import BUILDER_PACKAGES, list_runtime_packages
from builder.core.errors import UnknownPackageError, Where
from builder.core.files import hold_lock
from builder.image.lock.apt import MissingPackageError
from builder.image.lock.apt_program import open_apt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from builder.airflow.model import Release
    from builder.core.process import Runner
    from builder.image.lock.apt import Apt
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import DebianPackage, Lock, LockInputs
    from builder.image.lock.target import LockTarget


@dataclass(frozen=True)
class ResolvedPackages:
    """``runtime`` is a whole root file system, on a foundation what that lacks; ``build`` is what the builder stage has
    beyond it."""

    runtime: tuple[DebianPackage, ...]
    build: tuple[DebianPackage, ...]

    def describe(self) -> str:
        return f"{len(self.runtime)} for the image, {len(self.build)} more to build"


@dataclass(frozen=True)
class PackageListSource:
    """Where package lists are read from: ``etc_apt`` has the machine's sources, the lists are kept in ``folder``."""

    runner: Runner
    env: Mapping[str, str]
    folder: Path
    etc_apt: Path
    say: Callable[[str], None] | None = None
    """Called with the holder that a run waits for."""


@dataclass(frozen=True)
class PackageRequest:
    """``runtime`` and ``build`` are package names; ``kept`` (name → version) stays where the release still has it.

    ``places`` says where a person wrote a name.
    """

    runtime: tuple[str, ...]
    build: tuple[str, ...]
    kept: Mapping[str, str]
    places: Mapping[str, Where] = field(default_factory=dict)
    installed: str | None = field(default=None, repr=False)
    """dpkg's status file of the foundation; None: nothing is there, and essential packages are asked for too."""


def list_requested_packages(
    inputs: LockInputs, release: Release, libraries: Iterable[str], foundation: Foundation | None = None
) -> tuple[str, ...]:
    """What the final image asks for: its own, ``[apt] runtime``, and the packages of the wheels' libraries.

    An image of Airflow, and one of ours, keeps its own entrypoint and has what that needs. Another image gets what the
    image contract needs, but no second Python beside an interpreter of its own, and nothing for a /usr that is merged
    already.
    """
    extra = (*inputs.apt_runtime, *libraries)
    if foundation is not None and (foundation.kind == "airflow" or foundation.has_airflow):
        return tuple(sorted(set(extra)))
    everything = list_runtime_packages(inputs.python, gosu=release.series.uses_gosu, extra=extra)
    if foundation is None:
        return everything
    needless = set() if foundation.has_debian_python else {"python3", f"python{inputs.python}"}
    if any(one.name == "usrmerge" for one in foundation.packages):
        needless.add("usr-is-merged")
    return tuple(name for name in everything if name not in needless - set(extra))


def select_kept_versions(
    previous: Lock | None, moving: Iterable[str], foundation: Foundation | None = None
) -> dict[str, str]:
    """name → version of the lock before, without the names that may move.

    None of a lock that stood on something else: what fitted that may be older than what ``foundation`` has.
    """
    free = set(moving)
    if previous is not None and _find_digest(previous.foundation) != _find_digest(foundation):
        return {}
    packages = () if previous is None else (*previous.runtime, *previous.build)
    return {one.name: one.version for one in packages if one.name not in free}


def _find_digest(foundation: Foundation | None) -> str | None:
    return None if foundation is None else foundation.digest


def _make_wait_callback(say: Callable[[str], None] | None) -> Callable[[str], None] | None:
    return None if say is None else lambda holder: say(f"waiting for {holder}")


def refresh_package_lists(target: LockTarget, archive: PackageListSource) -> Apt:
    """Bring the release's package lists up to date; other runs of ours wait meanwhile."""
    name = f"{target.release}-{target.architecture}"
    lock = archive.folder / "apt" / f"{name}.lock"
    with hold_lock(lock, f"reading the package lists of {target.release}", on_wait=_make_wait_callback(archive.say)):
        root = archive.folder / "apt" / name
        apt = open_apt(target, root, runner=archive.runner, env=archive.env, etc_apt=archive.etc_apt)
        apt.update()
        return apt


def resolve_packages(
    apt: Apt, target: LockTarget, wishes: PackageRequest, say: Callable[[str], None] | None = None
) -> ResolvedPackages:
    """The closure of what is wished and the release's essential packages, for the image and for the builder stage; on a
    foundation, what it lacks of that.

    ``say`` is called with the holder that a run waits for.
    """
    with hold_lock(apt.root.with_suffix(".lock"), "resolving Debian packages", on_wait=_make_wait_callback(say)):
        apt.prefer(wishes.kept)
        try:
            runtime = _resolve(apt, wishes, wishes.runtime)
            everything = _resolve(apt, wishes, (*wishes.runtime, *BUILDER_PACKAGES, *wishes.build))
        except MissingPackageError as error:
            near = tuple(difflib.get_close_matches(error.name, apt.list_names(), n=3))
            raise UnknownPackageError(error.name, target.release, near, where=wishes.places.get(error.name)) from error
    own = {package.name for package in runtime}
    return ResolvedPackages(runtime, tuple(package for package in everything if package.name not in own))


def _resolve(apt: Apt, wishes: PackageRequest, names: Iterable[str]) -> tuple[DebianPackage, ...]:
    return apt.resolve_closure(names) if wishes.installed is None else apt.resolve_additions(names, wishes.installed)
