"""Constraints that the first pass lost, tried again as conditions: what pip keeps, the lock keeps too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.image.lock.first_pass import format_pins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from builder.image.lock.first_pass import FirstPass, VersionPreferences


def keep_constraints(first: FirstPass, pins: dict[str, str], say: Callable[[str], None]) -> dict[str, str]:
    """``pins``, or a solution that gives up fewer constraints. ``say`` hears each try.

    First all that were lost together: that is pip's own answer to the file as ``--constraint``, in one call. Where
    they contradict the requirements, one after the other, as a person removes only the lines that stand in the way.
    Whatever else is constrained and not lost is a condition in every try, so that nothing is given up in exchange.
    """
    conditions = _list_conditions(first, pins)
    given_up = {name for name in conditions if pins.get(name, conditions[name]) != conditions[name]}
    if not given_up:
        return pins
    wheels = _list_wheel_names(first, pins, conditions)
    tries = [given_up, *({name} for name in sorted(given_up))] if len(given_up) > 1 else [given_up]
    for number, names in enumerate(tries, 1):
        wanted = {name: conditions[name] for name in sorted(names & given_up)}
        if not wanted:
            continue
        what = format_pins(wanted).strip() if len(wanted) == 1 else f"{len(wanted)} constraints at once"
        say(f"{len(pins)} distributions, try {number} of {len(tries)} to keep {what}")
        kept = {name: version for name, version in conditions.items() if name in wanted or name not in given_up}
        found = first.compile_under(kept, wheels)
        if found is not None and _is_improvement(pins, found, wanted, first):
            pins = found
            given_up = {name for name in given_up if pins.get(name, conditions[name]) != conditions[name]}
    return pins


def _list_conditions(first: FirstPass, pins: Mapping[str, str]) -> dict[str, str]:
    """The constraints that may be conditions.

    Not those that the requirements themselves exclude, nor those that the previous lock already had to give up, nor
    those that were lost because the target cannot install that version: of these a resolver would look for releases
    that are so old that they did not need it yet.
    """
    preferences = first.preferences
    possible = {
        name: version
        for name, version in preferences.constraints.items()
        if preferences.previous.get(name, version) == version and not _is_excluded(name, version, first.requirements)
    }
    lost = {name: possible[name] for name in preferences.list_dropped(pins) if name in possible}
    installable = _select_installable(first, lost)
    return {name: version for name, version in possible.items() if name not in lost or name in installable}


def _select_installable(first: FirstPass, pins: Mapping[str, str], *options: str) -> set[str]:
    """The names in ``pins`` whose version the target can install: all are asked for at once, else each half."""
    if not pins or first.can_install(pins, *options):
        return set(pins)
    if len(pins) == 1:
        return set()
    rows = sorted(pins.items())
    halves = dict(rows[: len(rows) // 2]), dict(rows[len(rows) // 2 :])
    return {name for half in halves for name in _select_installable(first, half, *options)}


def _is_excluded(name: str, version: str, requirements: Sequence[str]) -> bool:
    return any(
        canonicalize_name(one.name) == name and not one.specifier.contains(version, prereleases=True)
        for one in map(Requirement, requirements)
    )


def _list_wheel_names(first: FirstPass, pins: Mapping[str, str], conditions: Mapping[str, str]) -> set[str]:
    """Names that are free to move and have a wheel now: only their wheels count where a condition is tried.

    Else uv goes back to their first releases and builds each source, because one of them might not need what stands
    in the way (dbt-snowflake: 180 s instead of 30 s, to find that none fits).
    """
    free = {name: version for name, version in pins.items() if name not in conditions}
    return _select_installable(first, free, "--only-binary", ":all:")


def _is_improvement(
    before: Mapping[str, str], after: Mapping[str, str], wanted: Mapping[str, str], first: FirstPass
) -> bool:
    """Whether ``after`` gives up less than ``before``, and nothing else for it.

    A resolver meets a condition in ways that no person would: by a pre-release that nobody asked for, or by a release
    of a requirement that is so old that it needs nothing of what is wanted.
    """
    preferences = first.preferences
    if not set(preferences.list_dropped(after)) < set(preferences.list_dropped(before)):
        return False
    if not _list_unwanted_prereleases(after, preferences) <= _list_unwanted_prereleases(before, preferences):
        return False
    required = {canonicalize_name(Requirement(line).name) for line in first.requirements} & before.keys() & after.keys()
    return bool(wanted.items() & after.items()) or all(
        Version(after[name]) >= Version(before[name]) for name in required
    )


def _list_unwanted_prereleases(pins: Mapping[str, str], preferences: VersionPreferences) -> set[tuple[str, str]]:
    """Pre-releases that no constraint and no previous lock names. What the requirements themselves ask for is in the
    first pass too."""
    return {
        (name, version)
        for name, version in pins.items()
        if Version(version).is_prerelease
        and version not in (preferences.constraints.get(name), preferences.previous.get(name))
    }
