"""From uv's pylock.toml (PEP 751) to the one file per distribution that the target installs."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from builder.core.errors import LockError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.image.lock.target import LockTarget


@dataclass(frozen=True)
class LockedFile:
    """One chosen file. ``uploaded`` in seconds since 1970; None where the index does not say (PEP 700 is optional)."""

    name: str
    version: str
    kind: Literal["wheel", "sdist"]
    sha256: str
    size: int | None
    uploaded: int | None


def parse_pylock(text: str, target: LockTarget) -> tuple[LockedFile, ...]:
    """The chosen files, sorted by name."""
    packages = tomllib.loads(text).get("packages", [])
    return tuple(sorted((_choose_file(package, target) for package in packages), key=lambda file: file.name))


def list_wheel_names(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The file names of all wheels in a pylock.toml that was read."""
    packages = document.get("packages", [])
    return tuple(_parse_filename(wheel) for package in packages for wheel in package.get("wheels", []))


def _choose_file(package: Mapping[str, Any], target: LockTarget) -> LockedFile:
    name = canonicalize_name(package["name"])
    if "version" not in package or any(key in package for key in ("vcs", "directory", "archive")):
        raise LockError(
            f"{name} comes from a URL, a repository or a folder; a lock holds only what a package index offers",
            hint=f"ask for a released version ({name}==...)",
        )
    wheel = _choose_wheel(package.get("wheels", []), target)
    if wheel is not None:
        return _make_locked_file(name, package["version"], "wheel", wheel)
    if "sdist" in package:
        return _make_locked_file(name, package["version"], "sdist", package["sdist"])
    raise LockError(
        f"{name} {package['version']} has no wheel for Python {target.python} on {target.uv_platform}, and no source",
        hint=f"ask for another version of {name}",
    )


def _choose_wheel(wheels: list[Mapping[str, Any]], target: LockTarget) -> Mapping[str, Any] | None:
    ranked = [
        (rank, index, wheel) for index, wheel in enumerate(wheels) if (rank := _rank_wheel(wheel, target)) is not None
    ]
    return min(ranked)[2] if ranked else None


def _rank_wheel(wheel: Mapping[str, Any], target: LockTarget) -> tuple[int, tuple[int, str]] | None:
    """Best tag first, then the highest build number, as installers do; None where no tag fits."""
    try:
        _, _, build, tags = parse_wheel_filename(_parse_filename(wheel))
    except InvalidWheelFilename:
        return None
    fitting = [target.tags[tag] for tag in tags if tag in target.tags]
    number, suffix = build or (0, "")
    return (min(fitting), (-number, suffix)) if fitting else None


def _parse_filename(file: Mapping[str, Any]) -> str:
    return str(file.get("name") or unquote(urlsplit(file.get("url") or file.get("path", "")).path).rsplit("/", 1)[-1])


def _make_locked_file(name: str, version: str, kind: Literal["wheel", "sdist"], file: Mapping[str, Any]) -> LockedFile:
    sha256 = file.get("hashes", {}).get("sha256")
    if not sha256:
        raise LockError(
            f"the package index gives no sha256 for {name} {version}",
            hint="use an index that gives the hash of each file; without it nothing can be pinned",
        )
    uploaded = file.get("upload-time")
    moment = None
    if isinstance(uploaded, datetime):
        moment = int((uploaded if uploaded.tzinfo else uploaded.replace(tzinfo=UTC)).timestamp())
    return LockedFile(name, version, kind, sha256, file.get("size"), moment)
