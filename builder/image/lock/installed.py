"""Facts of all locked distributions: from the cache, and for the rest by unpacking or building them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.lock.facts import DistributionFacts, read_cached_facts, read_facts, write_cached_facts
from builder.image.lock.scratch import open_scratch_folder
from builder.image.lock.sdists import build_sdists, format_hashed_pins, read_unbuilt_facts
from builder.image.lock.uv import Uv, make_install_argv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.target import LockTarget


def collect_facts(
    uv: Uv,
    target: LockTarget,
    files: Iterable[LockedFile],
    tools: tuple[LockedFile, ...],
    cache_folder: Path,
    *,
    note: Callable[[str], None],
) -> dict[str, DistributionFacts]:
    """Name → facts. ``tools`` are the pinned build requirements of the sdists among ``files``.

    ``note`` is called for each sdist that this machine cannot build: the builder stage may have what is missing here.
    """
    found: dict[str, DistributionFacts] = {}
    fresh: list[LockedFile] = []
    for file in files:
        facts = read_cached_facts(cache_folder, file.sha256)
        if facts is None:
            fresh.append(file)
        else:
            found[file.name] = facts
    if not fresh:
        return found
    with open_scratch_folder(cache_folder, "unpacked-") as scratch:
        read = _unpack_wheels(uv, target, [file for file in fresh if file.kind == "wheel"], scratch)
        read |= build_sdists(uv, target, [file for file in fresh if file.kind == "sdist"], tools, scratch)
        for file in fresh:
            if file.name in read:
                write_cached_facts(cache_folder, file.sha256, read[file.name])
            else:
                read[file.name] = read_unbuilt_facts(uv, file, scratch)
                note(f"{file.name} {file.version} cannot be built on this machine: its own PKG-INFO is used instead")
    return found | read


def _unpack_wheels(uv: Uv, target: LockTarget, wheels: list[LockedFile], scratch: Path) -> dict[str, DistributionFacts]:
    if not wheels:
        return {}
    (scratch / "wheels.txt").write_text(format_hashed_pins(wheels))
    uv.check(make_install_argv(target, uv.interpreter, "wheels.txt", "wheels"), scratch)
    return read_facts(scratch / "wheels")
