"""Requirements → pinned, hashed files: two passes of uv, with preferences instead of constraints."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.core.errors import LockError, UnsatisfiableError
from builder.image.lock.pylock import LockedFile, parse_pylock
from builder.image.lock.uv import Uv, is_index_unreadable, make_compile_argv, make_pylock_argv, make_uv_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from builder.core.process import ProcessResult
    from builder.image.lock.target import LockTarget


@dataclass(frozen=True)
class VersionPreferences:
    """Versions to prefer, as name → version. ``previous`` (the lock before) counts more than ``constraints``.

    To have it the other way round, ``previous`` is given without the names that are constrained.
    """

    constraints: Mapping[str, str] = field(default_factory=dict)
    previous: Mapping[str, str] = field(default_factory=dict)

    def format_lines(self) -> str:
        return format_pins({**self.constraints, **self.previous})

    def keep_versions(self, pins: Mapping[str, str]) -> VersionPreferences:
        """Also what ``pins`` chose where nothing was preferred: who is asked for one change should make no other."""
        return replace(self, previous={**pins, **self.constraints, **self.previous})

    def list_dropped(self, pins: Mapping[str, str]) -> list[str]:
        """Constrained names that ``pins`` has at another version, without those that the previous lock had there."""
        return sorted(
            name
            for name, version in pins.items()
            if self.constraints.get(name, version) != version and self.previous.get(name) != version
        )


def resolve_pins(
    uv: Uv,
    target: LockTarget,
    requirements: Sequence[str],
    preferences: VersionPreferences,
    folder: Path,
    *,
    say: Callable[[str], None] = lambda _text: None,
) -> dict[str, str]:
    """First pass: name → version. Preferences win wherever ``requirements`` allow it. ``say`` hears what is tried.

    uv drops a preference as soon as the newest version of something unpreferred excludes it, so each lost
    constraint is tried once more as a demand, and the answer is taken where it is better (:func:`_is_improvement`).
    When the previous lock's versions still do, the index is not asked at all (0.1 s instead of seconds). Raises
    :class:`UnsatisfiableError` with uv's own reason when nothing satisfies the requirements, :class:`ToolError` when
    uv failed for another reason, which is :class:`SourceNotBuiltError` for a source that it had to build.
    """
    (folder / "requirements.in").write_text("".join(f"{line}\n" for line in requirements))
    if preferences.previous:
        _, pins = _run_compile(uv, target, preferences, {}, folder, offline=True)
        if pins is not None and pins.items() <= preferences.previous.items():
            return pins
    result, pins = _run_compile(uv, target, preferences, {}, folder)
    if pins is None:
        raise (
            make_unsatisfiable_error(result.err, requirements)
            if is_unsatisfiable(result.err)
            else make_uv_error(result)
        )
    demanded: dict[str, str] = {}
    for name in preferences.list_dropped(pins):
        constrained = preferences.constraints[name]
        if pins.get(name, constrained) == constrained or _is_excluded(name, constrained, requirements):
            continue
        say(f"{len(pins)} distributions, trying to keep {name} {constrained}")
        wanted = {**demanded, name: constrained}
        attempt = _resolve_with_demands(uv, target, preferences.keep_versions(pins), wanted, folder)
        if attempt is not None and _is_improvement(pins, attempt, wanted, preferences):
            demanded, pins = wanted, attempt
    return pins


def _resolve_with_demands(
    uv: Uv, target: LockTarget, preferences: VersionPreferences, demanded: Mapping[str, str], folder: Path
) -> dict[str, str] | None:
    """A contradiction is often seen with what uv's cache has (0.1 s). A solution counts only when the index was asked:
    without it uv leaves out every version that the cache lacks, and the lock would depend on the machine."""
    result, pins = _run_compile(uv, target, preferences, demanded, folder, offline=True)
    if pins is None and not re.search(r"network|offline|cache", result.err, re.IGNORECASE):
        return None
    return _run_compile(uv, target, preferences, demanded, folder)[1]


def _is_improvement(
    before: Mapping[str, str], after: Mapping[str, str], demanded: Mapping[str, str], preferences: VersionPreferences
) -> bool:
    """Whether ``after`` gives up less than ``before``, and nothing else for it.

    A resolver meets a demand in ways that no person would: by giving up ten other constraints, by a pre-release that
    nobody asked for, or by a release so old that it did not need the demanded distribution yet.
    """
    if not demanded.items() <= after.items():
        return False
    if not set(preferences.list_dropped(after)) < set(preferences.list_dropped(before)):
        return False
    return _list_unwanted_prereleases(after, preferences) <= _list_unwanted_prereleases(before, preferences)


def _list_unwanted_prereleases(pins: Mapping[str, str], preferences: VersionPreferences) -> set[tuple[str, str]]:
    """Pre-releases that no constraint and no previous lock names. What the requirements themselves ask for is in the
    first pass too."""
    return {
        (name, version)
        for name, version in pins.items()
        if Version(version).is_prerelease
        and version not in (preferences.constraints.get(name), preferences.previous.get(name))
    }


def _run_compile(
    uv: Uv,
    target: LockTarget,
    preferences: VersionPreferences,
    demanded: Mapping[str, str],
    folder: Path,
    *,
    offline: bool = False,
) -> tuple[ProcessResult, dict[str, str] | None]:
    output = folder / "requirements.txt"
    output.write_text(preferences.format_lines())
    (folder / "demanded.txt").write_text(format_pins(demanded))
    argv = make_compile_argv(target, uv.interpreter, "requirements.in", "demanded.txt", output.name)
    result = uv.run((*argv, "--offline") if offline else argv, folder)
    return result, parse_pins(output.read_text()) if result.ok else None


def _is_excluded(name: str, version: str, requirements: Sequence[str]) -> bool:
    return any(
        canonicalize_name(one.name) == name and not one.specifier.contains(version, prereleases=True)
        for one in map(Requirement, requirements)
    )


def is_unsatisfiable(reason: str) -> bool:
    """Whether uv read the index and found no solution, instead of failing to read it.

    Where credentials are missing, uv calls the pages that it was refused "not found", and says so in a hint.
    """
    return "No solution found" in reason and not is_index_unreadable(reason)


def make_unsatisfiable_error(reason: str, requirements: Sequence[str]) -> UnsatisfiableError:
    """uv's reason, and which of the requirements it names."""
    spoken = {canonicalize_name(word) for word in re.findall(r"[A-Za-z0-9][A-Za-z0-9._-]*", reason)}
    involved = tuple(line for line in requirements if canonicalize_name(Requirement(line).name) in spoken)
    return UnsatisfiableError(extract_uv_reason(reason), involved)


def extract_uv_reason(reason: str) -> str:
    """uv's text without its layout and its hints for its own command line."""
    text = re.split(r"\n\s*\n\s*hint:", reason.strip())[0]
    lines = [
        re.sub(r"^(error:|cause:|\N{MULTIPLICATION SIGN}|╰─▶|help:)\s*", "", line.strip()) for line in text.splitlines()
    ]
    return "\n".join(line for line in lines if line and not line.startswith("No solution found"))


def resolve_files(uv: Uv, target: LockTarget, pins: Mapping[str, str], folder: Path) -> tuple[LockedFile, ...]:
    """Second pass: the one file of each pin that the target installs, sorted by name.

    The first pass has filled uv's cache with just these pages, so the index is asked only where the cache is off.
    """
    if not pins:
        return ()
    source, output = folder / "pins.txt", folder / "pylock.toml"
    source.write_text(format_pins(pins))
    output.unlink(missing_ok=True)
    argv = make_pylock_argv(target, uv.interpreter, source.name, output.name)
    if not uv.run((*argv, "--offline"), folder).ok:
        uv.check(argv, folder)
    return parse_pylock(output.read_text(), target)


def parse_pins(text: str) -> dict[str, str]:
    """``name==version`` per line, as uv writes them; extras are dropped, comments and options skipped."""
    pins: dict[str, str] = {}
    for line in text.splitlines():
        content = line.split("#", 1)[0].split(";", 1)[0].strip()
        if not content or content.startswith("-"):
            continue
        name, separator, version = content.partition("==")
        if not separator:
            raise LockError(
                f"uv resolved {content!r}, which is not a pinned release", hint="ask for a released version"
            )
        pins[canonicalize_name(name.split("[", 1)[0].strip())] = version.strip()
    return pins


def format_pins(pins: Mapping[str, str]) -> str:
    return "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))
