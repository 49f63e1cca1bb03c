"""The exact Debian packages of the final image and of the builder stage, from the release's own package lists."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.core.debian import BUILDER_PACKAGES, runtime_seeds
from builder.core.errors import UnknownPackageError, Where
from builder.core.files import exclusive
from builder.image.lock.apt import MissingPackageError
from builder.image.lock.apt_source import open_apt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from builder.airflow.model import Release
    from builder.core.process import Runner
    from builder.image.lock.apt import Apt
    from builder.image.lock.model import DebianPackage, Inputs, Lock
    from builder.image.lock.target import Target


@dataclass(frozen=True)
class Packages:
    """``runtime`` is a whole root file system; ``build`` is what the builder stage has beyond it."""

    runtime: tuple[DebianPackage, ...]
    build: tuple[DebianPackage, ...]


@dataclass(frozen=True)
class Archive:
    """Where package lists are read from: ``etc_apt`` has the machine's sources, the lists are kept in ``folder``."""

    runner: Runner
    env: Mapping[str, str]
    folder: Path
    etc_apt: Path
    say: Callable[[str], None] | None = None
    """Told whom a run waits for."""


@dataclass(frozen=True)
class Wishes:
    """``runtime`` and ``build`` are package names; ``kept`` (name → version) stays where the release still has it.

    ``places`` says where a person wrote a name.
    """

    runtime: tuple[str, ...]
    build: tuple[str, ...]
    kept: Mapping[str, str]
    places: Mapping[str, Where] = field(default_factory=dict)


def seeds(inputs: Inputs, release: Release, libraries: Iterable[str]) -> tuple[str, ...]:
    """What the final image asks for: its own, ``[apt] runtime``, and the packages of the wheels' libraries."""
    return runtime_seeds(inputs.python, gosu=release.uses_gosu, extra=(*inputs.apt_runtime, *libraries))


def kept_versions(previous: Lock | None, moving: Iterable[str]) -> dict[str, str]:
    """name → version of the lock before, without the names that may move."""
    free = set(moving)
    packages = () if previous is None else (*previous.runtime, *previous.build)
    return {one.name: one.version for one in packages if one.name not in free}


def _waiting(say: Callable[[str], None] | None) -> Callable[[str], None] | None:
    return None if say is None else lambda holder: say(f"waiting for {holder}")


def refresh_lists(target: Target, archive: Archive) -> Apt:
    """Bring the release's package lists up to date; other runs of ours wait meanwhile."""
    name = f"{target.release}-{target.architecture}"
    lock = archive.folder / "apt" / f"{name}.lock"
    with exclusive(lock, f"reading the package lists of {target.release}", on_wait=_waiting(archive.say)):
        root = archive.folder / "apt" / name
        apt = open_apt(target, root, runner=archive.runner, env=archive.env, etc_apt=archive.etc_apt)
        apt.update()
        return apt


def resolve_packages(apt: Apt, target: Target, wishes: Wishes, say: Callable[[str], None] | None = None) -> Packages:
    """The closure of what is wished and the release's essential packages, for the image and for the builder stage.

    ``say`` is told whom a run waits for.
    """
    with exclusive(apt.root.with_suffix(".lock"), "resolving Debian packages", on_wait=_waiting(say)):
        apt.prefer(wishes.kept)
        try:
            runtime = apt.closure(wishes.runtime)
            everything = apt.closure((*wishes.runtime, *BUILDER_PACKAGES, *wishes.build))
        except MissingPackageError as error:
            near = tuple(difflib.get_close_matches(error.name, apt.names(), n=3))
            raise UnknownPackageError(error.name, target.release, near, where=wishes.places.get(error.name)) from error
    own = {package.name for package in runtime}
    return Packages(runtime, tuple(package for package in everything if package.name not in own))
