"""Locked sdists: what they need to become wheels, pinned, and the proof that they do become wheels with it."""

from __future__ import annotations

import json
import tomllib
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from builder.core.errors import LockError
from builder.core.files import write_private_file
from builder.image.lock.facts import DistributionFacts, list_extras, list_field_values, read_facts
from builder.image.lock.uv import Uv, make_build_tools_argv, make_sdist_build_argv, make_unpack_argv, make_venv_argv

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.target import LockTarget

LEGACY_REQUIRES = ("setuptools", "wheel")
"""What a source without ``[build-system]`` needs (PEP 518); its setup.py may call ``bdist_wheel`` by itself."""


def collect_build_requirements(
    uv: Uv, sdists: Iterable[LockedFile], cache_folder: Path, scratch: Path
) -> tuple[str, ...]:
    """The union of what the sdists name in ``build-system.requires``, sorted."""
    found: set[str] = set()
    for file in sdists:
        cached = cache_folder / "build-requires" / f"{file.sha256}.json"
        if not cached.is_file():
            requires = parse_build_requires(
                _read_pyproject(_provide_source(uv, file, scratch)), f"{file.name} {file.version}"
            )
            write_private_file(cached, json.dumps(requires).encode())
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


def _provide_source(uv: Uv, file: LockedFile, scratch: Path) -> Path:
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


def _read_pyproject(source: Path) -> str | None:
    path = source / "pyproject.toml"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def build_sdists(
    uv: Uv, target: LockTarget, sdists: Sequence[LockedFile], tools: Iterable[LockedFile], scratch: Path
) -> dict[str, DistributionFacts]:
    """Build each sdist with exactly the pinned tools; name → facts of what came out, without what cannot be built."""
    if not sdists:
        return {}
    (scratch / "tools.txt").write_text(format_hashed_pins(tools))
    if not uv.run(make_venv_argv(target.python, "venv"), scratch).ok:
        uv.check(make_venv_argv(uv.interpreter, "venv"), scratch)
    uv.check(make_build_tools_argv("venv", "tools.txt"), scratch)
    if not _build_wheels(uv, sdists, scratch):
        for file in sdists:
            _build_wheels(uv, [file], scratch)
    return read_facts(scratch / "built")


def _build_wheels(uv: Uv, files: Iterable[LockedFile], scratch: Path) -> bool:
    (scratch / "sdists.txt").write_text(format_hashed_pins(files))
    return uv.run(make_sdist_build_argv("venv", "sdists.txt", "built"), scratch).ok


def read_unbuilt_facts(uv: Uv, file: LockedFile, scratch: Path) -> DistributionFacts:
    """What the sdist says of itself. Before metadata 2.2 (PEP 643) nothing obliges it to be true: refused."""
    information = _provide_source(uv, file, scratch) / "PKG-INFO"
    text = information.read_text(encoding="utf-8", errors="replace") if information.is_file() else ""
    fields = HeaderParser().parsestr(text)
    dynamic = {str(line).lower() for line in fields.get_all("Dynamic", [])}
    if Version(str(fields["Metadata-Version"] or "1.0")) < Version("2.2") or "requires-dist" in dynamic:
        raise LockError(
            f"{file.name} {file.version} has no wheel for this platform, its source cannot be built on this machine, "
            "and it does not say reliably what it depends on",
            hint=f"install what its build needs (often gcc), or ask for a version of {file.name} that has a wheel",
        )
    return DistributionFacts(file.name, list_field_values(fields, "Requires-Dist"), (), list_extras(fields))


def format_hashed_pins(files: Iterable[LockedFile]) -> str:
    """requirements.txt with one hash per pin: uv refuses a file that has another one."""
    return "".join(f"{file.name}=={file.version} --hash=sha256:{file.sha256}\n" for file in files)
