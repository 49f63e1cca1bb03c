"""Locked sdists: what they need to become wheels, pinned, and the proof that they do become wheels with it."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from builder.core.errors import LockError
from builder.core.files import write_private_file
from builder.core.phrases import format_short_list
from builder.image.lock.facts import DistributionFacts, read_facts
from builder.image.lock.uv import (
    Uv,
    make_build_tools_argv,
    make_sdist_build_argv,
    make_unpack_argv,
    make_uv_error,
    make_venv_argv,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.target import LockTarget

BUILD_ENVIRONMENT = "venv"
"""The virtual environment with the pinned build requirements, in the scratch folder."""
_NOT_BUILT = re.compile(r"Failed to (download and )?build")
LEGACY_REQUIRES = ("setuptools", "wheel")
"""What a source without ``[build-system]`` needs (PEP 518); its setup.py may call ``bdist_wheel`` by itself."""


@dataclass(frozen=True)
class BuiltSources:
    """``facts`` of what came out, ``failures``: what was said where nothing came out; both by name."""

    facts: Mapping[str, DistributionFacts]
    failures: Mapping[str, str]


def collect_build_requirements(
    uv: Uv, sdists: Iterable[LockedFile], cache_folder: Path, scratch: Path
) -> dict[LockedFile, tuple[str, ...]]:
    """Each sdist → what it names in ``build-system.requires``."""
    found = {}
    for file in sdists:
        cached = cache_folder / "build-requires" / f"{file.sha256}.json"
        if not cached.is_file():
            requires = parse_build_requires(
                read_pyproject(provide_source(uv, file, scratch)), f"{file.name} {file.version}"
            )
            write_private_file(cached, json.dumps(requires).encode())
        found[file] = tuple(json.loads(cached.read_bytes()))
    return found


def parse_build_requires(pyproject: str | None, name: str) -> list[str]:
    """``build-system.requires`` of a pyproject.toml; without one what setuptools always needs."""
    try:
        table = tomllib.loads(pyproject or "").get("build-system", {})
        requires = (
            table.get("requires", LEGACY_REQUIRES)
            if "build-backend" in table
            else (*table.get("requires", ()), *LEGACY_REQUIRES)
        )
        return sorted(str(Requirement(line)) for line in requires)
    except (tomllib.TOMLDecodeError, InvalidRequirement, AttributeError, TypeError) as error:
        raise LockError(f"the pyproject.toml of {name} is broken: {error}", hint="ask for another version") from error


def provide_source(uv: Uv, file: LockedFile, scratch: Path) -> Path:
    """The unpacked sdist in uv's cache.

    It is there since the first pass, unless a wheel of another platform gave uv what it had to know; then uv is made
    to build it, and whether that succeeds does not matter.
    """
    cache = Path(uv.check(("cache", "dir"), scratch).out.strip())
    found = _find_cached_source(cache, file)
    if found is None:
        (scratch / "source.txt").write_text(format_hashed_pins([file]))
        uv.run(make_unpack_argv(uv.interpreter, "source.txt", file.name, "source"), scratch)
        found = _find_cached_source(cache, file)
    if found is None:
        raise LockError(
            f"the source of {file.name} {file.version} is not in uv's cache {cache}",
            hint=f"run: uv cache clean {file.name}; then lock again",
        )
    return found


def _find_cached_source(cache: Path, file: LockedFile) -> Path | None:
    inside = f"{file.name}/{file.version}/*/src"
    for pattern in (f"sdists-v*/*/{inside}", f"sdists-v*/*/*/{inside}"):  # the default index; any other by its hash
        for source in sorted(cache.glob(pattern)):
            return source
    return None


def read_pyproject(source: Path) -> str | None:
    path = source / "pyproject.toml"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def build_sdists(
    uv: Uv,
    target: LockTarget,
    sdists: Sequence[LockedFile],
    tools: Iterable[LockedFile],
    scratch: Path,
    *,
    say: Callable[[str], None],
) -> BuiltSources:
    """Build each sdist on this machine with exactly the pinned tools. ``say`` hears what is being built."""
    if not sdists:
        return BuiltSources({}, {})
    (scratch / "tools.txt").write_text(format_hashed_pins(tools))
    if not uv.run(make_venv_argv(target.python, BUILD_ENVIRONMENT), scratch).ok:
        uv.check(make_venv_argv(uv.interpreter, BUILD_ENVIRONMENT), scratch)
    uv.check(make_build_tools_argv(BUILD_ENVIRONMENT, "tools.txt"), scratch)
    failures = {}
    say(f"building {format_short_list([file.name for file in sdists])} from source")
    if _build_wheels(uv, sdists, scratch):
        for file in sdists:
            say(f"building {file.name} from source")
            if said := _build_wheels(uv, [file], scratch):
                failures[file.name] = said
    return BuiltSources(read_facts(scratch / "built"), failures)


def _build_wheels(uv: Uv, files: Iterable[LockedFile], scratch: Path) -> str:
    """What uv says where it fails; else nothing."""
    (scratch / "sdists.txt").write_text(format_hashed_pins(files))
    result = uv.run(make_sdist_build_argv(BUILD_ENVIRONMENT, "sdists.txt", "built"), scratch)
    if not result.ok and not _NOT_BUILT.search(result.err):
        raise make_uv_error(result)  # not the build failed: the file has another hash, or cannot be downloaded
    return "" if result.ok else result.err


def format_hashed_pins(files: Iterable[LockedFile]) -> str:
    """requirements.txt with one hash per pin: uv refuses a file that has another one."""
    return "".join(f"{file.name}=={file.version} --hash=sha256:{file.sha256}\n" for file in files)
