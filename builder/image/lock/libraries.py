"""Which Debian packages the locked wheels need for their shared libraries (DT_NEEDED of every ELF file in them)."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import LockError
from builder.image.lock.sonames import GLIBC, candidates, known_package

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.image.lock.facts import ElfFact, Facts
    from builder.image.lock.target import Target


@dataclass(frozen=True)
class Missing:
    """A library that no table knows: ``file`` of ``distribution`` needs ``soname``."""

    soname: str
    file: str
    distribution: str


@dataclass(frozen=True)
class Needs:
    """``known``: (soname, Debian package), sorted. ``unknown``: what only a package of ``[apt] runtime`` can give."""

    known: tuple[tuple[str, str], ...]
    unknown: tuple[Missing, ...]


def find_needs(target: Target, installed: Iterable[Facts]) -> Needs:
    """Walk all ELF files of the target's machine; what a wheel brings along, or glibc has, is no need."""
    everything = list(installed)
    paths = {elf.path for facts in everything for elf in facts.elf}
    known: dict[str, str] = {}
    unknown: dict[str, Missing] = {}
    for facts in everything:
        bundled = {posixpath.basename(elf.path) for elf in facts.elf}
        for elf in facts.elf:
            if elf.machine != target.machine:
                continue
            for soname in elf.needed:
                if soname in GLIBC or soname in bundled or _found_by_search(elf, soname, paths):
                    continue
                package = known_package(soname, target.release, target.python)
                if package is not None:
                    known[soname] = package
                else:
                    unknown.setdefault(soname, Missing(soname, elf.path, facts.name))
    return Needs(tuple(sorted(known.items())), tuple(unknown[soname] for soname in sorted(unknown)))


def _found_by_search(elf: ElfFact, soname: str, paths: set[str]) -> bool:
    origin = posixpath.dirname(elf.path)
    for folder in elf.search:
        expanded = folder.replace("${ORIGIN}", "$ORIGIN")
        if expanded.startswith("$ORIGIN"):
            inside = posixpath.normpath(posixpath.join(origin, "." + expanded.removeprefix("$ORIGIN"), soname))
            if inside in paths:
                return True
    return False


def provided(needs: Needs, closure: Iterable[str], release: str) -> tuple[tuple[str, str], ...]:
    """All (soname, package) pairs once the closure is known, sorted.

    Raises :class:`LockError` for a library that neither the table nor a package of the closure provides.
    """
    names = set(closure)
    found = dict(needs.known)
    for missing in needs.unknown:
        package = next((name for name in candidates(missing.soname, release) if name in names), None)
        if package is None:
            raise LockError(_sentence(missing, release), hint=_hint(missing, release))
        found[missing.soname] = package
    return tuple(sorted(found.items()))


def _sentence(missing: Missing, release: str) -> str:
    return (
        f"{missing.file} of {missing.distribution} needs the shared library {missing.soname}, which the wheel does not "
        f"bring along and which no package of the {release} base provides"
    )


def _hint(missing: Missing, release: str) -> str:
    names = candidates(missing.soname, release)
    likely = f" (by Debian's naming rule {names[0]})" if names else ""
    return f"add the Debian package that has {missing.soname} to runtime of [apt]{likely}"
