"""The Python distributions that a foundation has already: what they need, and what to resolve instead of them.

A resolver must see them all, also those that the spec never names: what is installed beside them must fit them, or
``pip check`` complains. It must not mend them either: what the foundation does not meet itself is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.core.files import make_private_folder
from builder.image.lock.dependencies import is_applicable
from builder.image.lock.uv import Uv, add_known_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from builder.image.lock.facts import DistributionFacts
    from builder.image.lock.foundation import Foundation, ReadFoundation
    from builder.image.lock.model import Lock
    from builder.image.lock.target import LockTarget

_FOLDER = "present"


@dataclass(frozen=True)
class PresentDistributions:
    """By name; nothing without a foundation whose distributions ours join."""

    versions: Mapping[str, str] = field(default_factory=dict)
    """Those that a resolver can speak of: a version that PEP 440 does not know is left out."""
    facts: Mapping[str, DistributionFacts] = field(default_factory=dict)
    """Without the requirements in ``unmet``."""
    unmet: tuple[str, ...] = ()
    """What the foundation itself does not meet, a sentence each: ``a 1.0 needs b<2, and there is b 2.1``."""

    def select_added(self, pins: Mapping[str, str]) -> dict[str, str]:
        """Those of ``pins`` that are not there at that version: what must be installed."""
        return {name: version for name, version in pins.items() if not is_same(self.versions.get(name), version)}

    def configure(self, uv: Uv, others: Iterable[tuple[str, DistributionFacts]], folder: Path) -> Uv:
        """``uv`` that resolves in ``folder`` and knows each of them and ``others`` as (version, facts).

        A file with a wheel's name is enough for uv to count a version as there, also one that no index has: what it
        would read of it comes from its settings (docs.astral.sh/uv, "Dependency metadata").
        """
        known = [(self.versions[name], facts) for name, facts in self.facts.items()]
        told = add_known_metadata(uv, (*known, *others), folder)
        if not known:
            return told
        place = folder / _FOLDER
        make_private_folder(place)
        for version, facts in known:
            (place / f"{facts.name.replace('-', '_')}-{version}-py3-none-any.whl").touch()
        own = told.env.get("UV_FIND_LINKS")
        return replace(told, env={**told.env, "UV_FIND_LINKS": f"{own},{place}" if own else str(place)})


def is_same(one: str | None, other: str) -> bool:
    """Whether both are one version by PEP 440: ``2024.1`` and ``2024.01``."""
    try:
        return one is not None and Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def list_present_versions(foundation: Foundation | None) -> dict[str, str]:
    """Name → version of what ours joins, as the foundation has it; of two of one name that of the environment."""
    if foundation is None:
        return {}
    ordered = sorted(foundation.present, key=foundation.is_in_environment)
    return {one.name: one.version for one in ordered}


def collect_versions(lock: Lock) -> dict[str, str]:
    """Name → version of all that an interpreter of the image will see."""
    return list_present_versions(lock.foundation) | {one.name: one.version for one in lock.python}


def read_present(read: ReadFoundation | None, target: LockTarget) -> PresentDistributions:
    """What of the foundation takes part in resolving."""
    if read is None:
        return PresentDistributions()
    found = list_present_versions(read.foundation)
    versions = {name: str(Version(version)) for name, version in sorted(found.items()) if _is_valid(version)}
    known = {one.name: one for one in read.metadata if one.name in versions}
    facts, unmet = {}, []
    for name, one in known.items():
        lines = []
        for line in _iterate_requirements(one.requires):
            missed = _find_unmet(line, versions, target)
            if missed is None:
                lines.append(str(_drop_unmet_extras(line, known, versions, target)))
            else:
                unmet.append(f"{name} {found[name]} {missed}")
        facts[name] = replace(one, requires=tuple(lines), elf=())
    return PresentDistributions(versions, facts, tuple(unmet))


def list_needless_replacements(
    versions: Mapping[str, str], roots: Sequence[str], previous: Lock | None
) -> frozenset[str]:
    """Names that the lock before had to replace and that nothing excludes now: the foundation's own do again."""
    if previous is None:
        return frozenset()
    lines = [*map(Requirement, roots), *(Requirement(line) for one in previous.python for line in one.dependencies)]
    wanted: dict[str, list[Requirement]] = {}
    for line in lines:
        wanted.setdefault(canonicalize_name(line.name), []).append(line)
    return frozenset(
        one.name
        for one in previous.python
        if one.name in versions
        and all(line.specifier.contains(versions[one.name], prereleases=True) for line in wanted.get(one.name, []))
    )


def _is_valid(version: str) -> bool:
    try:
        Version(version)
    except InvalidVersion:
        return False
    return True


def _iterate_requirements(lines: Iterable[str]) -> Iterator[Requirement]:
    """Those that PEP 508 knows; one that names a URL asks for any version: it is there."""
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        requirement.url = None
        yield requirement


def _find_unmet(requirement: Requirement, versions: Mapping[str, str], target: LockTarget) -> str | None:
    """``needs b<2, and there is b 2.1``; None where it is met or does not apply, as ``pip check`` sees it."""
    if not is_applicable(target, requirement):
        return None
    name = canonicalize_name(requirement.name)
    version = versions.get(name)
    if version is not None and requirement.specifier.contains(version, prereleases=True):
        return None
    there = "none is there" if version is None else f"there is {name} {version}"
    return f"needs {requirement.name}{requirement.specifier}, and {there}"


def _drop_unmet_extras(
    requirement: Requirement,
    known: Mapping[str, DistributionFacts],
    versions: Mapping[str, str],
    target: LockTarget,
) -> Requirement:
    """Without the extras whose requirements are not there: ``pip check`` asks for none of them."""
    facts = known.get(canonicalize_name(requirement.name))
    if facts is not None and is_applicable(target, requirement):
        requirement.extras = {
            extra
            for extra in requirement.extras
            if all(
                _find_unmet(line, versions, target) is None
                for line in _iterate_requirements(facts.requires)
                if is_applicable(target, line, extra) and not _drop_marker_of(line, target)
            )
        }
    return requirement


def _drop_marker_of(requirement: Requirement, target: LockTarget) -> bool:
    """Whether the line holds without an extra; if not, it loses its marker, which was true for one."""
    if is_applicable(target, requirement):
        return True
    requirement.marker = None
    return False
