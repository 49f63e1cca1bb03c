"""What a new lock moved against the one before, and a lock in a few figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.image.lock.present.distributions import list_present_versions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.image.lock.model import DebianPackage, Distribution, Lock


@dataclass(frozen=True)
class VersionChange:
    """One name whose version changed; ``old`` or ``new`` is None where it came or went."""

    name: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        if self.old is None:
            return f"{self.name} {self.new} (new)"
        return f"{self.name} {self.old} -> {self.new or '(gone)'}"


@dataclass(frozen=True)
class LockChanges:
    """``python`` includes build requirements and uv; both sorted by name. Empty without a lock before."""

    python: tuple[VersionChange, ...]
    debian: tuple[VersionChange, ...]
    base: VersionChange | None = None
    """The image that it stands on, by its digest; None: the same one, or a base that is made here in both."""


def compare_locks(previous: Lock | None, lock: Lock) -> LockChanges:
    if previous is None:
        return LockChanges((), ())
    return LockChanges(
        python=compare_versions((*previous.python, *previous.build_requires), (*lock.python, *lock.build_requires)),
        debian=compare_versions((*previous.runtime, *previous.build), (*lock.runtime, *lock.build)),
        base=compare_bases(previous, lock),
    )


def compare_bases(previous: Lock, lock: Lock) -> VersionChange | None:
    """What the image stands on; None: the same in both."""
    old, new = (_name_base(one) for one in (previous, lock))
    return None if old == new else VersionChange("base", old, new)


def _name_base(lock: Lock) -> str:
    return f"debian {lock.inputs.debian}" if lock.foundation is None else lock.foundation.pinned_reference


def compare_versions(
    old: Iterable[Distribution] | Iterable[DebianPackage], new: Iterable[Distribution] | Iterable[DebianPackage]
) -> tuple[VersionChange, ...]:
    before, after = ({one.name: one.version for one in part} for part in (old, new))
    return tuple(
        VersionChange(name, before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


@dataclass(frozen=True)
class Replacement:
    """A distribution of the foundation that another version takes the place of."""

    name: str
    old: str
    new: str
    hidden_bytes: int
    """Of the old one's files: they stay in the layers below, where no container sees them."""

    def __str__(self) -> str:
        return f"{self.name} {self.old} -> {self.new}"


def list_replacements(lock: Lock) -> tuple[Replacement, ...]:
    """Largest first; none without a foundation whose distributions ours join."""
    present = list_present_versions(lock.foundation)
    rows = () if lock.foundation is None else lock.foundation.present
    found = [
        Replacement(one.name, present[one.name], one.version, sum(row.bytes for row in rows if row.name == one.name))
        for one in lock.python
        if one.name in present
    ]
    return tuple(sorted(found, key=lambda one: (-one.hidden_bytes, one.name)))


@dataclass(frozen=True)
class LockTotals:
    """Counts and bytes of files to download; a distribution whose size the index does not give counts as None."""

    distributions: int
    sdists: int
    distribution_bytes: int | None
    runtime_packages: int
    runtime_bytes: int
    build_packages: int
    build_bytes: int
    layers: int
    """Of Python packages in the image."""


def count_lock_totals(lock: Lock) -> LockTotals:
    sizes = [one.size for one in lock.python]
    known = [size for size in sizes if size is not None]
    return LockTotals(
        distributions=len(lock.python),
        sdists=sum(one.kind == "sdist" for one in lock.python),
        distribution_bytes=sum(known) if len(known) == len(sizes) else None,
        runtime_packages=len(lock.runtime),
        runtime_bytes=sum(one.size for one in lock.runtime),
        build_packages=len(lock.build),
        build_bytes=sum(one.size for one in lock.build),
        layers=len(lock.layers) or (1 if lock.python else 0),
    )
