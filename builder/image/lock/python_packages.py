"""The Python half of a lock: pins, files, build requirements, uv itself, and what is known of each file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.image.lock.installed import collect_facts
from builder.image.lock.resolve import VersionPreferences, resolve_files, resolve_pins
from builder.image.lock.scratch import open_scratch_folder
from builder.image.lock.sdists import collect_build_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from builder.core.progress import Task
    from builder.image.lock.facts import DistributionFacts
    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.target import LockTarget
    from builder.image.lock.uv import Uv


@dataclass(frozen=True)
class ResolvedPython:
    """``files`` go into the image, ``tools`` and ``uv`` into the builder stage; ``facts`` by name of a file."""

    files: tuple[LockedFile, ...]
    tools: tuple[LockedFile, ...]
    uv: LockedFile
    facts: Mapping[str, DistributionFacts]


def resolve_python(
    uv: Uv,
    target: LockTarget,
    requirements: Sequence[str],
    preferences: tuple[VersionPreferences, VersionPreferences],
    cache_folder: Path,
    *,
    task: Task,
    note: Callable[[str], None],
) -> ResolvedPython:
    """Both passes of uv, then the facts of every file.

    ``preferences`` are those of the distributions and of the build requirements. Scratch files lie in the cache
    folder, where uv can make hard links.
    """
    with open_scratch_folder(cache_folder, "resolve-") as scratch:
        pins = resolve_pins(uv, target, requirements, preferences[0], scratch)
        task.update(detail=f"{len(pins)} distributions, reading their hashes")
        files = resolve_files(uv, target, pins, scratch)
        sdists = [file for file in files if file.kind == "sdist"]
        wanted = collect_build_requirements(uv, sdists, cache_folder, scratch)
        tools = _resolve_build_tools(uv, target, wanted, preferences[1], scratch)
        (own,) = resolve_files(uv, target, {"uv": uv.version}, scratch)
    task.update(detail=f"{len(files)} distributions, reading their metadata and libraries")
    facts = collect_facts(uv, target, files, tools, cache_folder, note=note)
    task.update(detail=f"{len(files)} distributions")
    return ResolvedPython(files, tools, own, facts)


def _resolve_build_tools(
    uv: Uv, target: LockTarget, wanted: Sequence[str], preferences: VersionPreferences, scratch: Path
) -> tuple[LockedFile, ...]:
    """What the sdists need to become wheels, as one pinned set; nothing when there is no sdist."""
    if not wanted:
        return ()
    return resolve_files(uv, target, resolve_pins(uv, target, wanted, preferences, scratch), scratch)
