"""Constraints that could not be kept, each with the requirement that excludes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.image.lock.model import Distribution, DroppedConstraint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.image.lock.constraints import ConstraintsFile
    from builder.image.lock.model import Lock


def find_dropped_constraints(
    constraints: ConstraintsFile | None,
    roots: Iterable[str],
    distributions: Iterable[Distribution],
    previous: Lock | None,
    *,
    others: Iterable[tuple[str, Iterable[str]]] = (),
) -> tuple[DroppedConstraint, ...]:
    """One entry per locked distribution whose version is not the constrained one, sorted by name.

    ``others``: what a foundation has (``pandas 2.1.4``), and what each needs; that it differs from the constraints was
    decided where it was made.

    ``previous`` is the lock before, whose versions were preferred; what it said of the same case is said again, so that
    locking twice gives the same text.
    """
    if constraints is None:
        return ()
    locked = sorted(distributions, key=lambda one: one.name)
    against = [*_iterate_requirements(roots, locked), *_iterate_other_requirements(others)]
    found = []
    for one in locked:
        wanted = constraints.pins.get(one.name)
        if wanted is not None and wanted != one.version:
            found.append(
                DroppedConstraint(one.name, wanted, one.version, _explain_drop(one, wanted, against, previous))
            )
    return tuple(found)


def _iterate_requirements(roots: Iterable[str], locked: Iterable[Distribution]) -> Iterator[tuple[str, Requirement]]:
    """(who, what): the spec's own lines first, they weigh most."""
    for line in roots:
        yield "the spec asks for", Requirement(line)
    for one in locked:
        for line in one.dependencies:
            yield f"{one.name} {one.version} needs", Requirement(line)


def _iterate_other_requirements(others: Iterable[tuple[str, Iterable[str]]]) -> Iterator[tuple[str, Requirement]]:
    for name, lines in others:
        for line in lines:
            yield f"{name} of the base needs", Requirement(line)


def _explain_drop(
    one: Distribution, wanted: str, against: Iterable[tuple[str, Requirement]], previous: Lock | None
) -> str:
    for who, requirement in against:
        if canonicalize_name(requirement.name) == one.name and not requirement.specifier.contains(
            wanted, prereleases=True
        ):
            return f"{who} {requirement.name}{requirement.specifier}"
    if previous is not None:
        for old in previous.given_up:
            if (old.name, old.constrained, old.locked) == (one.name, wanted, one.version):
                return old.forced_by
        if (one.name, one.version) in {(old.name, old.version) for old in previous.python}:
            return "the version of the previous lock was kept"
    return f"what else is locked leaves no room for {wanted}"
