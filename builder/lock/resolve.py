"""Requirements → pinned, hashed files: two passes of uv, with preferences instead of constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from builder.errors import LockError
from builder.lock.pylock import LockedFile, parse_pylock
from builder.lock.uvtool import Uv, compile_argv, pylock_argv

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from builder.lock.target import Target


def resolve_pins(
    uv: Uv, target: Target, requirements: Iterable[str], preferences: Mapping[str, str], folder: Path
) -> dict[str, str]:
    """First pass: name → version. ``preferences`` (name → version) win wherever ``requirements`` allow it.

    Raises :class:`LockError` with uv's own reason when nothing satisfies the requirements.
    """
    source, output = folder / "requirements.in", folder / "requirements.txt"
    source.write_text("".join(f"{line}\n" for line in requirements))
    output.write_text("".join(f"{name}=={version}\n" for name, version in sorted(preferences.items())))
    result = uv.run(compile_argv(target, uv.interpreter, source.name, output.name), folder)
    if not result.ok:
        raise LockError(f"the requirements cannot all be met:\n{indented(result.err)}")
    return parse_pins(output.read_text())


def resolve_files(uv: Uv, target: Target, pins: Mapping[str, str], folder: Path) -> tuple[LockedFile, ...]:
    """Second pass: the one file of each pin that the target installs, sorted by name."""
    if not pins:
        return ()
    source, output = folder / "pins.txt", folder / "pylock.toml"
    source.write_text("".join(f"{name}=={version}\n" for name, version in sorted(pins.items())))
    output.unlink(missing_ok=True)
    uv.check(pylock_argv(target, uv.interpreter, source.name, output.name), folder)
    return parse_pylock(output.read_text(), target)


def parse_pins(text: str) -> dict[str, str]:
    """``name==version`` per line, as uv writes them; extras are dropped, comments and options skipped."""
    pins: dict[str, str] = {}
    for line in text.splitlines():
        content = line.split("#", 1)[0].split(";", 1)[0].strip()
        if not content or content.startswith("-"):
            continue
        name, separator, version = content.partition("==")
        if not separator:
            raise LockError(f"uv resolved {content!r}, which is no pinned release", hint="ask for a released version")
        pins[canonicalize_name(name.split("[", 1)[0].strip())] = version.strip()
    return pins


def indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())
