"""Facts of all locked distributions: from the cache, and for the rest by unpacking or building them once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import LockError
from builder.lock.facts import Facts, cached_facts, read_facts, store_facts
from builder.lock.sdists import build_sdists, hashed_lines
from builder.lock.uvtool import Uv, install_argv

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.lock.pylock import LockedFile
    from builder.lock.target import Target


def collect_facts(
    uv: Uv, target: Target, files: Iterable[LockedFile], tools: tuple[LockedFile, ...], cache_folder: Path
) -> dict[str, Facts]:
    """Name → facts. ``tools`` are the pinned build requirements of the sdists among ``files``."""
    found: dict[str, Facts] = {}
    fresh: list[LockedFile] = []
    for file in files:
        facts = cached_facts(cache_folder, file.sha256)
        if facts is None:
            fresh.append(file)
        else:
            found[file.name] = facts
    if fresh:
        found.update(_read_fresh(uv, target, fresh, tools, cache_folder))
    return found


def _read_fresh(
    uv: Uv, target: Target, fresh: list[LockedFile], tools: tuple[LockedFile, ...], cache_folder: Path
) -> dict[str, Facts]:
    found: dict[str, Facts] = {}
    cache_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unpacked-", dir=cache_folder) as name:
        scratch = Path(name)
        wheels = [file for file in fresh if file.kind == "wheel"]
        sdists = [file for file in fresh if file.kind == "sdist"]
        if wheels:
            (scratch / "wheels.txt").write_text(hashed_lines(wheels))
            uv.check(install_argv(target, uv.interpreter, "wheels.txt", "wheels"), scratch)
            found.update(read_facts(scratch / "wheels"))
        if sdists:
            found.update(build_sdists(uv, target, sdists, tools, scratch))
    for file in fresh:
        if file.name not in found:
            raise LockError(f"{file.name} {file.version} was installed but left no metadata")
        store_facts(cache_folder, file.sha256, found[file.name])
    return found
