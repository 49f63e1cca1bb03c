"""Locked sdists: what they need to become wheels, pinned, and the proof that they do become wheels with it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from builder.errors import LockError
from builder.files import atomic_write
from builder.lock.facts import Facts, read_facts
from builder.lock.uvtool import Uv, build_argv, build_tools_argv, venv_argv

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.lock.pylock import LockedFile
    from builder.lock.target import Target

LEGACY_REQUIRES = ("setuptools", "wheel")
"""What a source without ``[build-system]`` needs (PEP 518); its setup.py may call ``bdist_wheel`` by itself."""


def build_requirements(uv: Uv, sdists: Iterable[LockedFile], cache_folder: Path, scratch: Path) -> tuple[str, ...]:
    """The union of what the sdists name in ``build-system.requires``, sorted."""
    found: set[str] = set()
    for file in sdists:
        cached = cache_folder / "build-requires" / f"{file.sha256}.json"
        if not cached.is_file():
            requires = parse_build_requires(_pyproject(uv, file, scratch), f"{file.name} {file.version}")
            cached.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(cached, json.dumps(requires).encode())
        found.update(json.loads(cached.read_bytes()))
    return tuple(sorted(found))


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


def _pyproject(uv: Uv, file: LockedFile, scratch: Path) -> str | None:
    """The text of the sdist's pyproject.toml. uv unpacked the sdist into its cache when it resolved."""
    cache = Path(uv.check(("cache", "dir"), scratch).out.strip())
    inside = f"{file.name}/{file.version}/*/src"
    for pattern in (f"sdists-v*/*/{inside}", f"sdists-v*/*/*/{inside}"):  # the default index; any other by its hash
        for source in sorted(cache.glob(pattern)):
            return _text(source)
    raise LockError(
        f"the source of {file.name} {file.version} is not in uv's cache {cache}",
        hint=f"run: uv cache clean {file.name}; then lock again",
    )


def _text(source: Path) -> str | None:
    path = source / "pyproject.toml"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def build_sdists(
    uv: Uv, target: Target, sdists: Iterable[LockedFile], tools: Iterable[LockedFile], scratch: Path
) -> dict[str, Facts]:
    """Build each sdist with exactly the pinned tools; name → facts of what came out."""
    files = list(sdists)
    (scratch / "tools.txt").write_text(hashed_lines(tools))
    (scratch / "sdists.txt").write_text(hashed_lines(files))
    if not uv.run(venv_argv(target.python, "venv"), scratch).ok:
        uv.check(venv_argv(uv.interpreter, "venv"), scratch)
    uv.check(build_tools_argv("venv", "tools.txt"), scratch)
    result = uv.run(build_argv("venv", "sdists.txt", "built"), scratch)
    if not result.ok:
        raise LockError(
            f"a source distribution cannot be built:\n{result.err.strip()}",
            hint=f"ask for a version with a wheel of: {', '.join(file.name for file in files)}",
        )
    return read_facts(scratch / "built")


def hashed_lines(files: Iterable[LockedFile]) -> str:
    """requirements.txt with one hash per pin: uv refuses a file that has another one."""
    return "".join(f"{file.name}=={file.version} --hash=sha256:{file.sha256}\n" for file in files)
