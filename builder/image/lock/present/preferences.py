"""Which versions a new lock prefers: those of the lock before, of the foundation, of the constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from builder.image.lock.dependencies import list_root_requirements
from builder.image.lock.first_pass import VersionPreferences
from builder.image.lock.present.distributions import list_needless_replacements, list_present_versions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.image.lock.constraints import ConstraintsFile
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock, LockInputs


def make_preferences(
    inputs: LockInputs,
    constraints: ConstraintsFile | None,
    previous: Lock | None,
    *,
    foundation: Foundation | None = None,
    upgrade_packages: Iterable[str] = (),
) -> tuple[VersionPreferences, VersionPreferences]:
    """For the distributions, and for the build requirements of sdists. ``previous`` None: every version may move.

    The lock before counts most, unless it was made for another Airflow, another Python or from other constraints: what
    is constrained then follows the constraints of now, which that Airflow was tested with. What a foundation has
    outranks the constraints, whose result it is: the same version needs no byte.
    """
    present = list_present_versions(foundation)
    pins = {**({} if constraints is None else constraints.pins), **present}
    if previous is None:
        return VersionPreferences(pins), VersionPreferences()
    moving = {canonicalize_name(name) for name in upgrade_packages}
    kept, tools = (
        {one.name: one.version for one in part if one.name not in moving}
        for part in (previous.python, previous.build_requires)
    )
    for name in list_needless_replacements(present, list_root_requirements(inputs), previous):
        kept.pop(name, None)
    kept = {**{name: version for name, version in present.items() if name not in moving}, **kept}
    if _is_rebased(inputs, constraints, previous) or _find_digest(foundation) != _find_digest(previous.foundation):
        kept = {name: version for name, version in kept.items() if name not in pins}
    return VersionPreferences(pins, kept), VersionPreferences(previous=tools)


def _find_digest(foundation: Foundation | None) -> str:
    return "" if foundation is None else foundation.digest


def _is_rebased(inputs: LockInputs, constraints: ConstraintsFile | None, previous: Lock) -> bool:
    before = previous.inputs
    used = previous.constraints and (previous.constraints.version, previous.constraints.sha256)
    wanted = constraints and (constraints.version, constraints.sha256)
    return (inputs.airflow, inputs.python, wanted) != (before.airflow, before.python, used)
