"""Wheels of a version for other systems and Pythons, and other versions with a wheel for this one."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from builder.core.phrases import join_names
from builder.image.lock.facts import read_facts
from builder.image.lock.pylock import list_wheel_names
from builder.image.lock.uv import make_listing_argv, make_other_wheel_argv, make_wheel_search_argv

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from builder.image.lock.facts import DistributionFacts
    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.target import LockTarget
    from builder.image.lock.uv import Uv

_PYTHONS = tuple(f"3.{minor}" for minor in range(7, 15))
_MOST_TRIES = 4
_PLATFORMS = (
    (r"any", "linux"),
    (r"manylinux\w*_x86_64", "x86_64-manylinux_2_40"),
    (r"manylinux\w*_aarch64", "aarch64-manylinux_2_40"),
    (r"musllinux\w*_x86_64", "x86_64-unknown-linux-musl"),
    (r"win_amd64", "x86_64-pc-windows-msvc"),
    (r"macosx_\w+_(x86_64|universal2|intel)", "x86_64-apple-darwin"),
    (r"macosx_\w+_arm64", "aarch64-apple-darwin"),
    (r"win32", "i686-pc-windows-msvc"),
)
"""Pattern of a platform tag → uv's name of a system that installs it; the likest to the target first."""


def list_wheels(uv: Uv, file: LockedFile, scratch: Path) -> tuple[str, ...]:
    """The names of all wheels of this version, for any system; none where the index has none.

    uv tells of the files that a Python or a later one installs, and nothing where that Python is too old for the
    version: the oldest that it is not too old for tells of all.
    """
    (scratch / "version.txt").write_text(f"{file.name}=={file.version}\n")
    output = scratch / "pylock.version.toml"
    for python in _PYTHONS:
        output.unlink(missing_ok=True)
        if uv.run(make_listing_argv(uv.interpreter, python, "version.txt", output.name), scratch).ok:
            return list_wheel_names(tomllib.loads(output.read_text()))
    return ()


def read_other_wheel(
    uv: Uv, target: LockTarget, file: LockedFile, wheels: Sequence[str], scratch: Path
) -> tuple[str, DistributionFacts] | None:
    """The name and the metadata of one of ``wheels``, the likest to the target.

    What one wheel of a version depends on, the others do too, but for what markers say: resolvers read one wheel of
    each version and believe it for all systems (uv, Poetry), so whoever publishes others is not installable anyway.
    """
    for index, (python, platform, wheel) in enumerate(_rank_wheels(target, wheels)[:_MOST_TRIES]):
        folder = f"other-{file.name}-{index}"
        pin = f"{file.name}=={file.version}"
        if uv.run(make_other_wheel_argv(uv.interpreter, pin, python, platform, folder), scratch).ok:
            return wheel, read_facts(scratch / folder)[file.name]
    return None


def _rank_wheels(target: LockTarget, wheels: Iterable[str]) -> list[tuple[str, str, str]]:
    """(Python, platform as uv names it, wheel), one of each pair: near Pythons and systems first."""
    found: dict[tuple[str, str], tuple[int, int, str]] = {}
    wanted = int(target.python.split(".")[1])
    for wheel in wheels:
        for minor, height, platform in _iterate_installers(wheel, wanted):
            rank = (abs(minor - wanted), height, wheel)
            found.setdefault((f"3.{minor}", platform), rank)
    ranked = sorted((rank, pair) for pair, rank in found.items())
    return [(*pair, rank[2]) for rank, pair in ranked]


def _iterate_installers(wheel: str, wanted: int) -> Iterable[tuple[int, int, str]]:
    """(minor version of Python, place in the table of platforms, platform as uv names it)."""
    for interpreter, abi, system in _iterate_tags(wheel):
        if (minor := _parse_minor(interpreter, abi, wanted)) is None:
            continue
        for height, (pattern, platform) in enumerate(_PLATFORMS):
            if re.fullmatch(pattern, system):
                yield minor, height, platform


def _iterate_tags(wheel: str) -> Iterable[tuple[str, str, str]]:
    try:
        tags = parse_wheel_filename(wheel)[3]
    except InvalidWheelFilename:
        return []
    return sorted((tag.interpreter, tag.abi, tag.platform) for tag in tags)


def _parse_minor(interpreter: str, abi: str, wanted: int) -> int | None:
    """Of a Python that installs it: ``wanted`` if it does; None where no CPython 3 does."""
    if interpreter == "py3" or re.fullmatch(r"py3\d+", interpreter):
        return wanted
    found = re.fullmatch(r"cp3(\d+)", interpreter)
    if found is None:
        return None
    return max(wanted, int(found[1])) if abi in ("abi3", "none") else int(found[1])


def list_pythons(wheels: Iterable[str]) -> tuple[str, ...]:
    """The versions of CPython that have a wheel of their own among ``wheels``, in order."""
    minors = {
        minor
        for wheel in wheels
        for interpreter, abi, _ in _iterate_tags(wheel)
        if (minor := _parse_minor(interpreter, abi, 0))
    }
    return tuple(f"3.{minor}" for minor in sorted(minors))


def describe_wheels(target: LockTarget, file: LockedFile, wheels: tuple[str, ...]) -> str:
    """Why a source is built at all: which ``wheels`` its version has."""
    pythons, name = list_pythons(wheels), f"{file.name} {file.version}"
    if pythons and target.python not in pythons:
        return f"{name} has no wheel for Python {target.python} (it has wheels for {join_names(pythons)})"
    if wheels:
        return f"{name} has no wheel for {target.platform} (it has wheels for other systems)"
    return f"{name} has no wheel"


def advise_another_version(uv: Uv, target: LockTarget, file: LockedFile, scratch: Path) -> str:
    """What to do about a version that cannot be built."""
    other = find_version_with_wheel(uv, target, file, scratch)
    if other is None:
        return f"ask for another version of {file.name} (none has a wheel for Python {target.python})"
    return f"ask for {file.name}=={other}, which has a wheel for Python {target.python}"


def find_version_with_wheel(uv: Uv, target: LockTarget, file: LockedFile, scratch: Path) -> str | None:
    """The next later version with a wheel for the target, else the last one before; None where no version has one."""
    for condition, first in ((f">{file.version}", True), (f"<{file.version}", False)):
        (scratch / "search.txt").write_text(f"{file.name}{condition}\n")
        result = uv.run(make_wheel_search_argv(target, uv.interpreter, "search.txt", file.name, first=first), scratch)
        found = re.search(rf"^{re.escape(file.name)}==(\S+)", result.out, re.MULTILINE)
        if result.ok and found:
            return found[1]
    return None
