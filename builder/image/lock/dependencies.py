"""Metadata → the dependencies that hold on the target, with the extras that the lock's own requirements ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.core.phrases import choose_verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.image.lock.model import LockInputs
    from builder.image.lock.target import LockTarget


def list_root_requirements(inputs: LockInputs) -> tuple[str, ...]:
    """What is resolved: Airflow itself, always pinned, and the user's lines."""
    extras = f"[{','.join(inputs.extras)}]" if inputs.extras else ""
    return (f"apache-airflow{extras}=={inputs.airflow}", *inputs.requirements)


def resolve_dependencies(
    target: LockTarget, requirements: Iterable[str], requires: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Name → PEP 508 lines without markers, sorted.

    ``requirements`` are the roots, ``requires`` each distribution's Requires-Dist. Extras spread until nothing new is
    asked for: ``apache-airflow[postgres]`` needs its provider, which needs ``common-sql``, and so on.
    """
    extras: dict[str, set[str]] = {name: set() for name in requires}
    pending = [Requirement(line) for line in requirements]
    found: dict[str, dict[str, Requirement]] = {name: {} for name in requires}
    visited: set[tuple[str, str]] = set()
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *sorted(requirement.extras)):
            if name not in requires or (name, extra) in visited:
                continue
            visited.add((name, extra))
            extras[name].add(extra)
            for line in _select_applicable(target, requires[name], extra):
                found[name][str(line)] = line
                pending.append(line)
    return {name: tuple(sorted(lines)) for name, lines in found.items()}


def is_applicable(target: LockTarget, requirement: Requirement, extra: str = "") -> bool:
    """Whether the requirement's marker is true on the target."""
    return requirement.marker is None or requirement.marker.evaluate({**target.markers, "extra": extra})


def describe_excluded(target: LockTarget, requirements: Iterable[str]) -> str:
    """Those that are for other targets by their own markers, as a sentence; empty: none is."""
    found = [line for line in requirements if not is_applicable(target, Requirement(line))]
    verb = choose_verb(found, "its marker excludes", "their markers exclude")
    names = "; ".join(found)
    return f"not in the lock, as {verb} Python {target.python} on {target.platform}: {names}" if found else ""


def _select_applicable(target: LockTarget, lines: Iterable[str], extra: str) -> list[Requirement]:
    kept = []
    for line in lines:
        requirement = Requirement(line)
        if is_applicable(target, requirement, extra):
            requirement.marker = None
            requirement.name = canonicalize_name(requirement.name)
            kept.append(requirement)
    return kept
