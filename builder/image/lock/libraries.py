"""Which Debian packages the locked wheels need for their shared libraries (DT_NEEDED of every ELF file in them)."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import LockError
from builder.image.lock.sonames import GLIBC, find_library_package, list_package_candidates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.image.lock.facts import DistributionFacts, ElfRecord
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.target import LockTarget


@dataclass(frozen=True)
class UnknownLibrary:
    """A library that no table knows: ``file`` of ``distribution`` needs ``soname``."""

    soname: str
    file: str
    distribution: str


@dataclass(frozen=True)
class RequiredLibraries:
    """``known``: (soname, Debian package), sorted. ``unknown``: what only a package of ``[apt] runtime`` can give."""

    known: tuple[tuple[str, str], ...]
    unknown: tuple[UnknownLibrary, ...]


def find_provided_libraries(foundation: Foundation | None) -> frozenset[str]:
    """Sonames that are there without a Debian package: an interpreter of the image's own brings its library along."""
    if foundation is None or foundation.has_debian_python:
        return frozenset()
    return frozenset({f"libpython{'.'.join(foundation.python.split('.')[:2])}.so.1.0"})


def find_required_libraries(
    target: LockTarget, installed: Iterable[DistributionFacts], provided: frozenset[str] = frozenset()
) -> RequiredLibraries:
    """Walk all ELF files of the target's machine; what a wheel brings along, or glibc has, or is ``provided``, is not
    needed."""
    there = GLIBC | provided
    everything = list(installed)
    paths = {elf.path for facts in everything for elf in facts.elf}
    known: dict[str, str] = {}
    unknown: dict[str, UnknownLibrary] = {}
    for facts in everything:
        bundled = {posixpath.basename(elf.path) for elf in facts.elf}
        for elf in facts.elf:
            if elf.machine != target.machine:
                continue
            for soname in elf.needed:
                if soname in there or soname in bundled or _is_in_search_path(elf, soname, paths):
                    continue
                package = find_library_package(soname, target.release, target.python)
                if package is not None:
                    known[soname] = package
                else:
                    unknown.setdefault(soname, UnknownLibrary(soname, elf.path, facts.name))
    return RequiredLibraries(tuple(sorted(known.items())), tuple(unknown[soname] for soname in sorted(unknown)))


def _is_in_search_path(elf: ElfRecord, soname: str, paths: set[str]) -> bool:
    origin = posixpath.dirname(elf.path)
    for folder in elf.search:
        expanded = folder.replace("${ORIGIN}", "$ORIGIN")
        if expanded.startswith("$ORIGIN"):
            inside = posixpath.normpath(posixpath.join(origin, "." + expanded.removeprefix("$ORIGIN"), soname))
            if inside in paths:
                return True
    return False


def resolve_library_packages(
    needs: RequiredLibraries, closure: Iterable[str], release: str
) -> tuple[tuple[str, str], ...]:
    """All (soname, package) pairs once the closure is known, sorted.

    Raises :class:`LockError` for a library that neither the table nor a package of the closure provides.
    """
    names = set(closure)
    found = dict(needs.known)
    for missing in needs.unknown:
        package = next((name for name in list_package_candidates(missing.soname, release) if name in names), None)
        if package is None:
            raise LockError(_describe_unknown_library(missing, release), hint=_suggest_package(missing, release))
        found[missing.soname] = package
    return tuple(sorted(found.items()))


def _describe_unknown_library(missing: UnknownLibrary, release: str) -> str:
    return (
        f"{missing.file} of {missing.distribution} needs the shared library {missing.soname}, which the wheel does not "
        f"bring along and which no package of the {release} base provides"
    )


def _suggest_package(missing: UnknownLibrary, release: str) -> str:
    names = list_package_candidates(missing.soname, release)
    likely = f" (by Debian's naming rule {names[0]})" if names else ""
    return f"add the Debian package that has {missing.soname} to runtime of [apt]{likely}"
