"""What lock knows about the sdists that the builder stage will build, said before a build of minutes finds it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.build_packages import C_COMPILER, find_binary_twin, list_needed_packages, select_absent_packages
from builder.core.phrases import join_names
from builder.dockerfile.runtime_libraries import find_runtime_library
from builder.image.lock.present.packages import list_given_packages

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from builder.image.lock.debian import ResolvedPackages
    from builder.image.lock.facts import DistributionFacts
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import LockInputs
    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.sources.unbuilt import UnbuiltSource


def format_apt_lines(key: str, given: Iterable[str], more: Iterable[str]) -> str:
    """``[apt] build = ["gcc", "libpq-dev"]``: what a person has there, and ``more``."""
    names = ", ".join(f'"{name}"' for name in dict.fromkeys((*given, *more)))
    return f"[apt] {key} = [{names}]"


def list_source_advice(
    inputs: LockInputs,
    files: Iterable[LockedFile],
    facts: Mapping[str, DistributionFacts],
    unbuilt: Sequence[UnbuiltSource],
    packages: ResolvedPackages,
    *,
    foundation: Foundation | None = None,
) -> Iterator[str]:
    """Whole sentences, the ones about single sdists first, then one line to copy for each key of ``[apt]``.

    ``packages``: what the image and the builder stage will have, beside what ``foundation`` has.
    """
    open_cases = {one.file.name: one for one in unbuilt if not one.proven}
    release = inputs.debian if foundation is None else foundation.debian
    runtime = {*(package.name for package in packages.runtime), *list_given_packages(foundation)}
    installed = runtime | {package.name for package in packages.build}
    build: list[str] = []
    libraries: list[str] = []
    for file in files:
        if file.kind != "sdist":
            continue
        case = open_cases.get(file.name)
        absent = select_absent_packages(_list_build_needs(file.name, facts[file.name], case), installed)
        missing = tuple(_iterate_absent_libraries(file.name, release, runtime))
        build += absent
        libraries += missing
        yield from _describe_source(file, case, absent, missing)
    if build:
        yield f"  in optbuild.toml: {format_apt_lines('build', inputs.apt_build, build)}"
    if libraries:
        yield f"  in optbuild.toml: {format_apt_lines('runtime', inputs.apt_runtime, libraries)}"


def _list_build_needs(name: str, facts: DistributionFacts, case: UnbuiltSource | None) -> tuple[str, ...]:
    """By the tables, by what its build did not find here, and by what its build here made: machine code."""
    known = (*list_needed_packages(name), *(case.missing.packages if case else ()))
    return known or (C_COMPILER if facts.elf else ())


def _iterate_absent_libraries(name: str, release: str, installed: Collection[str]) -> Iterator[str]:
    """What it will load in the image, whose headers it is built with."""
    for headers in list_needed_packages(name):
        for library in (find_runtime_library("apt", headers, release) or "").split():
            if library not in installed:
                yield library


def _describe_source(
    file: LockedFile, case: UnbuiltSource | None, absent: tuple[str, ...], libraries: tuple[str, ...]
) -> Iterator[str]:
    name = f"{file.name} {file.version}"
    twin = find_binary_twin(file.name)
    other = f"; {twin} has the same modules as a wheel" if twin else ""
    if case is not None:
        yield from _describe_unbuilt(case)
    if absent:
        yield f"warning: {name} is built from source, and nothing in [apt] build gives it {join_names(absent)}{other}"
    if libraries:
        yield f"warning: {name} loads {join_names(libraries)} when it runs, and nothing in [apt] runtime gives it"


def _describe_unbuilt(case: UnbuiltSource) -> Iterator[str]:
    """A build that lacked something here may succeed there; one that failed for another reason rather not."""
    unknown = f"; find the Debian package with {join_names(case.missing.unknown)}" if case.missing.unknown else ""
    if case.missing:
        yield (
            f"{case.report}\n  its metadata is that of {case.origin}; `optbuild build` builds it in the builder stage"
            f"{unknown}"
        )
    else:
        yield (
            f"warning: {case.report}\n  its metadata is that of {case.origin}; `optbuild build` may fail at it\n"
            f"  next: {case.advice}"
        )
