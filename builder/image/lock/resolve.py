"""Requirements → pinned, hashed files: two passes of uv, with preferences instead of constraints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.core.errors import UnsatisfiableError
from builder.image.lock.first_pass import FirstPass, VersionPreferences, format_pins
from builder.image.lock.kept_constraints import keep_constraints
from builder.image.lock.pylock import LockedFile, parse_pylock
from builder.image.lock.uv import Uv, is_index_unreadable, make_pylock_argv, make_uv_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from builder.image.lock.target import LockTarget


def resolve_pins(
    uv: Uv,
    target: LockTarget,
    requirements: Sequence[str],
    preferences: VersionPreferences,
    folder: Path,
    *,
    present: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> dict[str, str]:
    """First pass: name → version. Preferences win wherever ``requirements`` allow it. ``say`` hears what is tried.

    ``present``: name → version of what is there whatever the requirements say: all must fit them too.

    uv drops a preference as soon as the newest version of something unpreferred excludes it, so lost constraints are
    tried again as conditions (:func:`keep_constraints`).
    When the previous lock's versions still do, the index is not asked at all (0.1 s instead of seconds). Raises
    :class:`UnsatisfiableError` with uv's own reason when nothing satisfies the requirements, :class:`ToolError` when
    uv failed for another reason, which is :class:`SourceNotBuiltError` for a source that it had to build.
    """
    first = FirstPass(uv, target, folder, (*requirements, *sorted(present or ())), preferences)
    if preferences.previous:
        _, pins = first.compile(offline=True)
        if pins is not None and pins.items() <= preferences.previous.items():
            return pins
    result, pins = first.compile()
    if pins is None:
        raise (
            make_unsatisfiable_error(result.err, requirements, present)
            if is_unsatisfiable(result.err)
            else make_uv_error(result)
        )
    return keep_constraints(first, pins, say)


def is_unsatisfiable(reason: str) -> bool:
    """Whether uv read the index and found no solution, instead of failing to read it.

    Where credentials are missing, uv calls the pages that it was refused "not found", and says so in a hint.
    """
    return "No solution found" in reason and not is_index_unreadable(reason)


def make_unsatisfiable_error(
    reason: str, requirements: Sequence[str], present: Mapping[str, str] | None = None
) -> UnsatisfiableError:
    """uv's reason, and which of the requirements it names, and of what is ``present``."""
    spoken = {canonicalize_name(word) for word in re.findall(r"[A-Za-z0-9][A-Za-z0-9._-]*", reason)}
    involved = tuple(line for line in requirements if canonicalize_name(Requirement(line).name) in spoken)
    asked = {canonicalize_name(Requirement(line).name) for line in involved}
    there = tuple(f"{name} {pin}" for name, pin in sorted((present or {}).items()) if name in spoken - asked)
    return UnsatisfiableError(extract_uv_reason(reason), involved, present=there)


def extract_uv_reason(reason: str) -> str:
    """uv's text without its layout and its hints for its own command line."""
    text = re.split(r"\n\s*\n\s*hint:", reason.strip())[0]
    lines = [
        re.sub(r"^(error:|cause:|\N{MULTIPLICATION SIGN}|╰─▶|help:)\s*", "", line.strip()) for line in text.splitlines()
    ]
    return "\n".join(line for line in lines if line and not line.startswith("No solution found"))


def resolve_files(uv: Uv, target: LockTarget, pins: Mapping[str, str], folder: Path) -> tuple[LockedFile, ...]:
    """Second pass: the one file of each pin that the target installs, sorted by name.

    The first pass has filled uv's cache with just these pages, so the index is asked only where the cache is off.
    """
    if not pins:
        return ()
    source, output = folder / "pins.txt", folder / "pylock.toml"
    source.write_text(format_pins(pins))
    output.unlink(missing_ok=True)
    argv = make_pylock_argv(target, uv.interpreter, source.name, output.name)
    if not uv.run((*argv, "--offline"), folder).ok:
        uv.check(argv, folder)
    return parse_pylock(output.read_text(), target)
