"""Facts of all locked distributions: from the cache, and for the rest by unpacking or building them once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.image.lock.facts import DistributionFacts, read_cached_facts, read_facts, write_cached_facts
from builder.image.lock.scratch import open_scratch_folder
from builder.image.lock.sources.sdists import build_sdists, format_hashed_pins
from builder.image.lock.sources.unbuilt import SourceReader, read_unbuilt_source
from builder.image.lock.uv import Uv, make_install_argv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.sources.unbuilt import BuilderStage, UnbuiltSource
    from builder.image.lock.target import LockTarget


@dataclass(frozen=True)
class CollectedFacts:
    """``facts`` by name; ``unbuilt``: the sdists that this machine could not build."""

    facts: Mapping[str, DistributionFacts]
    unbuilt: tuple[UnbuiltSource, ...] = ()


def collect_facts(
    uv: Uv,
    target: LockTarget,
    files: Iterable[LockedFile],
    tools: tuple[LockedFile, ...],
    cache_folder: Path,
    *,
    say: Callable[[str], None],
    stage: BuilderStage | None = None,
) -> CollectedFacts:
    """``tools`` are the pinned build requirements of the sdists among ``files``; ``say`` hears what is done now."""
    found: dict[str, DistributionFacts] = {}
    fresh: list[LockedFile] = []
    for file in files:
        facts = read_cached_facts(cache_folder, file.sha256)
        if facts is None:
            fresh.append(file)
        else:
            found[file.name] = facts
    if not fresh:
        return CollectedFacts(found)
    with open_scratch_folder(cache_folder, "unpacked-") as scratch:
        read = _unpack_wheels(uv, target, [file for file in fresh if file.kind == "wheel"], scratch)
        sdists = [file for file in fresh if file.kind == "sdist"]
        built = build_sdists(uv, target, sdists, tools, scratch, say=say)
        read |= built.facts
        for file in fresh:
            if file.name in read:
                write_cached_facts(cache_folder, file.sha256, read[file.name])
        reader = SourceReader(uv, target, tools, cache_folder, scratch, say, stage)
        unbuilt = tuple(
            read_unbuilt_source(reader, file, built.failures[file.name]) for file in sdists if file.name not in read
        )
    return CollectedFacts(found | read | {one.file.name: one.facts for one in unbuilt}, unbuilt)


def _unpack_wheels(uv: Uv, target: LockTarget, wheels: list[LockedFile], scratch: Path) -> dict[str, DistributionFacts]:
    if not wheels:
        return {}
    (scratch / "wheels.txt").write_text(format_hashed_pins(wheels))
    uv.check(make_install_argv(target, uv.interpreter, "wheels.txt", "wheels"), scratch)
    return read_facts(scratch / "wheels")
