"""Is a lock still that of its spec, and does it hold together? Neither network nor constraints file is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from builder.core.errors import StaleLockError
from builder.core.naming import LOCK_FILE
from builder.image.lock.dependencies import is_applicable, list_root_requirements
from builder.image.lock.document import format_lock_command
from builder.image.lock.inputs import make_lock_inputs
from builder.image.lock.layers.groups import list_parts
from builder.image.lock.present.distributions import collect_versions
from builder.image.lock.present.packages import list_package_names
from builder.image.lock.sonames import GLIBC
from builder.image.lock.table import parse_requirement
from builder.image.lock.target import find_lock_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.image.lock.model import Lock, LockInputs
    from builder.image.lock.target import LockTarget
    from builder.image.spec.model import Spec

_KEYS = {
    "airflow": "airflow.version",
    "extras": "airflow.extras",
    "python": "python.version",
    "requirements": "python.requirements",
    "constraints": "airflow.constraints",
    "debian": "base.debian",
    "apt_runtime": "apt.runtime",
    "apt_build": "apt.build",
    "layers_max": "layers.max",
    "base_image": "base.image",
    "base_airflow": "base.airflow",
}
"""Field of :class:`LockInputs` → key of the spec."""


def check_lock(spec: Spec, requirements: Sequence[str], lock: Lock) -> None:
    """Raises :class:`StaleLockError` with every reason, unless the lock is that of the spec."""
    found = find_lock_differences(make_lock_inputs(spec, requirements), lock)
    if found:
        raise make_stale_error(spec, found)


def make_stale_error(spec: Spec, reasons: tuple[str, ...]) -> StaleLockError:
    path = spec.folder / LOCK_FILE
    return StaleLockError(str(path), reasons, format_lock_command(path))


def find_lock_differences(wanted: LockInputs, lock: Lock) -> tuple[str, ...]:
    """What makes the lock stale, a sentence each; empty when it is not."""
    return (*_iterate_changed_inputs(wanted, lock.inputs), *_iterate_contradictions(lock))


def _iterate_changed_inputs(wanted: LockInputs, locked: LockInputs) -> Iterator[str]:
    for field in fields(wanted):
        new, old = getattr(wanted, field.name), getattr(locked, field.name)
        if new == old:
            continue
        key = _KEYS[field.name]
        if isinstance(new, tuple):
            parts = [f"{one} was added" for one in new if one not in old] + [
                f"{one} was removed" for one in old if one not in new
            ]
            yield f"{key}: {', '.join(parts)}"
        else:
            yield f"{key}: the spec says {new or 'nothing'}, the lock was made for {old or 'nothing'}"


def _iterate_contradictions(lock: Lock) -> Iterator[str]:
    """Every requirement must be met inside the lock, every library by a package, every sdist by build requirements."""
    versions = collect_versions(lock)
    target = find_lock_target(lock)
    for line in list_root_requirements(lock.inputs):
        yield from _iterate_unmet("the spec", line, versions, target)
    for one in lock.python:
        for line in one.dependencies:
            yield from _iterate_unmet(f"{one.name} {one.version}", line, versions, target)
    packages = list_package_names(lock.runtime, lock.foundation)
    for soname, package in lock.shared_libraries:
        if package not in packages and soname not in GLIBC:
            yield f"{package}, which has {soname}, is not among the packages of the image"
    if not lock.build_requires and any(one.kind == "sdist" for one in lock.python):
        yield "there are source distributions, but nothing to build them with"
    yield from _iterate_misplaced(lock)
    yield from _iterate_foundation_contradictions(lock)


def _iterate_foundation_contradictions(lock: Lock) -> Iterator[str]:
    """The foundation is that of the base which the lock was made for, with its Python."""
    wanted, found = lock.inputs.base_image or lock.inputs.base_airflow, lock.foundation
    if found is None:
        if wanted:
            yield f"it was made for {wanted}, and does not say what that holds"
        return
    kind = "image" if lock.inputs.base_image else "airflow"
    if (kind, wanted) != (found.kind, found.reference):
        base = f"{kind} = {wanted}" if wanted else f"debian = {lock.inputs.debian}"
        yield f"it stands on {found.kind} = {found.reference}, and was made for {base}"
    if not found.python.startswith(f"{lock.inputs.python}."):
        yield f"{found.reference} has Python {found.python}, and the lock was made for {lock.inputs.python}"


def _iterate_misplaced(lock: Lock) -> Iterator[str]:
    """Each part in one layer, no other part in any; a lock without layers puts all in one."""
    if not lock.layers:
        return
    placed = Counter(part for layer in lock.layers for part in layer.members)
    wanted = {part for one in lock.python for part in list_parts(one.name)}
    for part in sorted({*placed, *wanted}):
        if part not in wanted:
            yield f"a layer has {part}, and the lock has no such distribution"
        elif placed[part] != 1:
            yield f"{part} is in {placed[part] or 'none'} of the layers; it belongs into one"
    if len(lock.layers) > lock.inputs.layers_max:
        yield f"it has {len(lock.layers)} layers, and layers.max is {lock.inputs.layers_max}"


def _iterate_unmet(who: str, line: str, versions: dict[str, str], target: LockTarget) -> Iterator[str]:
    requirement = parse_requirement(line)
    if not is_applicable(target, requirement):
        return
    version = versions.get(canonicalize_name(requirement.name))
    if version is None:
        yield f"{who} needs {requirement}, and the lock does not have it"
    elif not requirement.specifier.contains(version, prereleases=True):
        yield f"{who} needs {requirement}, and the lock has {version}"
