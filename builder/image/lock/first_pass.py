"""uv's first pass: requirements → pins, with versions to prefer and versions that are conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from builder.core.errors import LockError
from builder.image.lock.uv import Uv, make_compile_argv

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from builder.core.process import ProcessResult
    from builder.image.lock.target import LockTarget

_OFFLINE = ("--offline",)
_CACHE_LACKS = re.compile(
    r"\bnetwork (?:was|is|connectivity)\b|\bin the cache\b|\bthere (?:is|are) no versions? of\b", re.IGNORECASE
)
"""uv 0.13 without the network, where it has not seen all that it asked for. (networkx and cachetools are names.)"""


@dataclass(frozen=True)
class VersionPreferences:
    """Versions to prefer, as name → version. ``previous`` (the lock before) counts more than ``constraints``.

    To have it the other way round, ``previous`` is given without the names that are constrained.
    """

    constraints: Mapping[str, str] = field(default_factory=dict)
    previous: Mapping[str, str] = field(default_factory=dict)

    def format_lines(self) -> str:
        return format_pins({**self.constraints, **self.previous})

    def list_dropped(self, pins: Mapping[str, str]) -> list[str]:
        """Constrained names that ``pins`` has at another version, without those that the previous lock had there."""
        return sorted(
            name
            for name, version in pins.items()
            if self.constraints.get(name, version) != version and self.previous.get(name) != version
        )


@dataclass(frozen=True)
class FirstPass:
    """One set of requirements, for uv to compile under different conditions. Scratch files lie in ``folder``."""

    uv: Uv
    target: LockTarget
    folder: Path
    requirements: Sequence[str]
    preferences: VersionPreferences

    def compile(self, *, offline: bool = False) -> tuple[ProcessResult, dict[str, str] | None]:
        """uv's answer and, if there is a solution, its pins."""
        return self._run(self.requirements, self.preferences, {}, _OFFLINE if offline else ())

    def compile_under(self, conditions: Mapping[str, str], wheels: Iterable[str]) -> dict[str, str] | None:
        """The solution under ``conditions``, with wheels alone of the names in ``wheels``.

        A contradiction is often seen with what uv's cache has (0.1 s). A solution counts only when the index was
        asked: without it uv leaves out every version that the cache lacks, and the lock would depend on the machine.
        """
        options = tuple(word for name in sorted(wheels) for word in ("--only-binary", name))
        result, pins = self._run(self.requirements, self.preferences, conditions, (*options, *_OFFLINE))
        if pins is None and not _CACHE_LACKS.search(result.err):
            return None
        return self._run(self.requirements, self.preferences, conditions, options)[1]

    def can_install(self, pins: Mapping[str, str], *options: str) -> bool:
        """Whether the target can install each of ``pins``, whatever they depend on."""
        lines = format_pins(pins).splitlines()
        return self._run(lines, VersionPreferences(), {}, ("--no-deps", *options))[1] is not None

    def _run(
        self,
        lines: Iterable[str],
        preferences: VersionPreferences,
        conditions: Mapping[str, str],
        options: tuple[str, ...],
    ) -> tuple[ProcessResult, dict[str, str] | None]:
        output = self.folder / "requirements.txt"
        output.write_text(preferences.format_lines())
        (self.folder / "requirements.in").write_text("".join(f"{line}\n" for line in lines))
        (self.folder / "conditions.txt").write_text(format_pins(conditions))
        argv = make_compile_argv(self.target, self.uv.interpreter, "requirements.in", "conditions.txt", output.name)
        result = self.uv.run((*argv, *options), self.folder)
        return result, parse_pins(output.read_text()) if result.ok else None


def parse_pins(text: str) -> dict[str, str]:
    """``name==version`` per line, as uv writes them; extras are dropped, comments and options skipped."""
    pins: dict[str, str] = {}
    for line in text.splitlines():
        content = line.split("#", 1)[0].split(";", 1)[0].strip()
        if not content or content.startswith("-"):
            continue
        name, separator, version = content.partition("==")
        if not separator:
            raise LockError(
                f"uv resolved {content!r}, which is not a pinned release", hint="ask for a released version"
            )
        pins[canonicalize_name(name.split("[", 1)[0].strip())] = version.strip()
    return pins


def format_pins(pins: Mapping[str, str]) -> str:
    return "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))
