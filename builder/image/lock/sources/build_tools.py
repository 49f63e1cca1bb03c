"""Build requirements of sdists that cannot be had: which sdist asks for them, and which version needs none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.core.errors import UnbuildableSourceError
from builder.core.phrases import join_names
from builder.image.lock.sources.other_wheels import advise_another_version, describe_wheels, list_wheels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from builder.core.errors import UnsatisfiableError
    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.target import LockTarget
    from builder.image.lock.uv import Uv


def check_build_tools(
    uv: Uv,
    target: LockTarget,
    requires: Mapping[LockedFile, Iterable[str]],
    tools: Iterable[LockedFile],
    scratch: Path,
) -> None:
    """Raises UnbuildableSourceError for a build requirement without a wheel: the builder stage installs only those.

    ``requires``: sdist → its build requirements, of which ``tools`` are the pinned union.
    """
    for tool in tools:
        if tool.kind != "sdist":
            continue
        asker = next(
            (file for file, lines in requires.items() if tool.name in _list_names(lines)), next(iter(requires))
        )
        why = describe_wheels(target, asker, list_wheels(uv, asker, scratch))
        raise UnbuildableSourceError(
            f"{why}, and its source needs {tool.name} {tool.version} to be built, which has no wheel for Python "
            f"{target.python} either",
            hint=advise_another_version(uv, target, asker, scratch),
        )


def explain_conflict(
    uv: Uv, target: LockTarget, sdists: Sequence[LockedFile], error: UnsatisfiableError, scratch: Path
) -> UnbuildableSourceError:
    """``error`` is about what the sdists need to be built, which nobody wrote into the spec."""
    reason = "".join(f"\n    {line}" for line in error.reason.splitlines())
    if len(sdists) == 1:
        text = f"{describe_wheels(target, sdists[0], list_wheels(uv, sdists[0], scratch))}, and what its source needs"
        return UnbuildableSourceError(
            f"{text} to be built cannot be had:{reason}", hint=advise_another_version(uv, target, sdists[0], scratch)
        )
    names = join_names([f"{file.name} {file.version}" for file in sdists])
    return UnbuildableSourceError(
        f"{names} have no wheel, and no set of versions meets all that their sources need to be built:{reason}",
        hint="ask for versions of them that have a wheel",
    )


def _list_names(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}
