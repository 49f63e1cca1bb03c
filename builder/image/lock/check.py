"""Is a lock still that of its spec, and does it hold together? Neither network nor constraints file is asked."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.core.errors import StaleLockError
from builder.image.lock.dependencies import holds, root_requirements
from builder.image.lock.document import LOCK_FILE, how_to_lock
from builder.image.lock.inputs import inputs_of
from builder.image.lock.sonames import GLIBC
from builder.image.lock.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.image.lock.model import Inputs, Lock
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
}
"""Field of :class:`Inputs` → key of the spec."""


def check_lock(spec: Spec, requirements: Sequence[str], lock: Lock) -> None:
    """Raises :class:`StaleLockError` with every reason, unless the lock is that of the spec."""
    found = differences(inputs_of(spec, requirements), lock)
    if found:
        raise stale(spec, found)


def stale(spec: Spec, reasons: tuple[str, ...]) -> StaleLockError:
    path = spec.folder / LOCK_FILE
    return StaleLockError(str(path), reasons, how_to_lock(path))


def differences(wanted: Inputs, lock: Lock) -> tuple[str, ...]:
    """What makes the lock stale, a sentence each; empty when it is not."""
    return (*_changed_inputs(wanted, lock.inputs), *_contradictions(lock))


def _changed_inputs(wanted: Inputs, locked: Inputs) -> Iterator[str]:
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
            yield f"{key}: the spec says {new}, the lock was made for {old}"


def _contradictions(lock: Lock) -> Iterator[str]:
    """Every requirement must be met inside the lock, every library by a package, every sdist by build requirements."""
    versions = {one.name: one.version for one in lock.python}
    target = Target(lock.inputs.python, lock.inputs.debian, lock.platform)
    for line in root_requirements(lock.inputs):
        yield from _unmet("the spec", line, versions, target)
    for one in lock.python:
        for line in one.dependencies:
            yield from _unmet(f"{one.name} {one.version}", line, versions, target)
    packages = {package.name for package in lock.runtime}
    for soname, package in lock.shared_libraries:
        if package not in packages and soname not in GLIBC:
            yield f"{package}, which has {soname}, is not among the packages of the image"
    if not lock.build_requires and any(one.kind == "sdist" for one in lock.python):
        yield "there are source distributions, but nothing to build them with"


def _unmet(who: str, line: str, versions: dict[str, str], target: Target) -> Iterator[str]:
    requirement = Requirement(line)
    if not holds(target, requirement):
        return
    version = versions.get(canonicalize_name(requirement.name))
    if version is None:
        yield f"{who} needs {requirement}, and the lock does not have it"
    elif not requirement.specifier.contains(version, prereleases=True):
        yield f"{who} needs {requirement}, and the lock has {version}"
