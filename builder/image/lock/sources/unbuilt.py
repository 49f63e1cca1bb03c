"""Sdists that this machine cannot build: where their metadata comes from then, and what is said about each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from builder.core.build_packages import MissingPackages, find_missing_packages
from builder.core.errors import BuilderUnavailableError, BuildFailedError, UnbuildableSourceError
from builder.core.redact import mask_output
from builder.engine.secrets import find_secrets
from builder.image.lock.facts import read_facts, write_cached_facts
from builder.image.lock.sources.metadata import ask_backend, read_static_facts
from builder.image.lock.sources.other_wheels import (
    advise_another_version,
    describe_wheels,
    list_wheels,
    read_other_wheel,
)
from builder.image.lock.sources.sdists import BUILD_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from builder.image.lock.facts import DistributionFacts
    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.target import LockTarget
    from builder.image.lock.uv import Uv

_LAST_LINES = 5
_LINE_LENGTH = 160
_NOISE = re.compile(
    r"\d+ \||(cause|note|hint|warning|Traceback \(.*\)):|[\u00d7╰│]|\[.*\]$|error: (metadata-gen|Failed to build)"
)
"""Underlined source text, uv's and pip's own words around what the build said."""
_SAYS_WHY = re.compile(r"[Ee]rror\b|Exception\b|not found|No such file|cannot |can't |Could not ")
_NOT_THERE_EITHER = re.compile(r"No module named '")
"""A Python module that the pinned build requirements do not have: the builder stage has the same ones."""


class BuilderStage(Protocol):
    """Builds one sdist as ``optbuild build`` will: Debian's packages and ``[apt] build``, on the engine."""

    def build(
        self, file: LockedFile, tools: tuple[LockedFile, ...], needed: tuple[str, ...], folder: Path, *, why: str
    ) -> None:
        """Unpack the wheel into ``folder``. ``needed``: Debian packages that the build cannot do without; ``why``: what
        is said before it begins.

        Raises UnbuildableSourceError where ``[apt] build`` lacks one of them, BuilderUnavailableError where there is no
        engine, BuildFailedError.
        """
        ...


@dataclass(frozen=True)
class SourceReader:
    """What reading an sdist needs. ``tools``: the pinned build requirements, which ``scratch`` has installed.

    ``stage`` None: nothing is built on an engine.
    """

    uv: Uv
    target: LockTarget
    tools: tuple[LockedFile, ...]
    cache_folder: Path
    scratch: Path
    say: Callable[[str], None]
    stage: BuilderStage | None = None

    @property
    def has_same_python(self) -> bool:
        """Whether sources are built here with the Python version of the image."""
        settings = self.scratch / BUILD_ENVIRONMENT / "pyvenv.cfg"
        said = settings.read_text(encoding="utf-8") if settings.is_file() else ""
        return re.search(rf"^version\w* = {re.escape(self.target.python)}\b", said, re.MULTILINE) is not None


@dataclass(frozen=True)
class UnbuiltSource:
    """An sdist that this machine could not build. ``origin``: where its metadata was read, for a sentence."""

    file: LockedFile
    facts: DistributionFacts
    origin: str
    missing: MissingPackages
    """What the build did not find here."""
    report: str
    """What is known of its wheels, and the end of the failed build."""
    advice: str = ""
    """What to do, where nothing was missing here and it may fail in the builder stage too."""
    proven: bool = False
    """The builder stage did build it."""


def read_unbuilt_source(reader: SourceReader, file: LockedFile, log: str) -> UnbuiltSource:
    """The metadata of ``file``, whose build here said ``log``.

    In this order: what is written in it and must be true, another wheel of the version, its own backend, which compiles
    nothing for that, and a build in the builder stage. That one is also asked where nothing was missing here, and the
    build failed anyway: what failed for another reason fails there too, only later.
    """
    reader.say(f"reading the metadata of {file.name} {file.version}")
    missing = find_missing_packages(log)
    wheels = list_wheels(reader.uv, file, reader.scratch)
    report = f"{describe_wheels(reader.target, file, wheels)}{_quote_log(reader.uv, log)}"
    if _NOT_THERE_EITHER.search(log) and reader.has_same_python:
        raise UnbuildableSourceError(
            f"{report}\n  the builder stage has the same pinned build requirements: it fails there too",
            hint=_advise(reader, file, missing),
        )
    known = _find_metadata(reader, file, wheels)
    if known is not None and (missing or reader.stage is None):
        return _make_unbuilt(reader, file, known, missing, report)
    try:
        facts = _build_in_stage(reader, file, missing, report)
    except BuilderUnavailableError as error:
        if known is not None:
            return _make_unbuilt(reader, file, known, missing, report)
        ways = "; or ".join(filter(None, (error.hint, _advise(reader, file, missing))))
        raise BuilderUnavailableError(f"{report}\n  {error.message}", hint=ways) from error
    return UnbuiltSource(file, facts, "the builder stage", missing, report, proven=True)


def _make_unbuilt(
    reader: SourceReader,
    file: LockedFile,
    known: tuple[str, DistributionFacts],
    missing: MissingPackages,
    report: str,
) -> UnbuiltSource:
    advice = "" if missing else _advise(reader, file, missing)
    return UnbuiltSource(file, known[1], known[0], missing, report, advice)


def _find_metadata(
    reader: SourceReader, file: LockedFile, wheels: tuple[str, ...]
) -> tuple[str, DistributionFacts] | None:
    """(where it was read, what it says), without building anything."""
    if facts := read_static_facts(reader.uv, file, reader.scratch):
        return "its own source", facts
    if found := read_other_wheel(reader.uv, reader.target, file, wheels, reader.scratch):
        return f"its wheel {found[0]}", found[1]
    if facts := ask_backend(reader.uv, file, reader.scratch):
        return "its own build backend", facts
    return None


def _build_in_stage(reader: SourceReader, file: LockedFile, missing: MissingPackages, report: str) -> DistributionFacts:
    """Build it there; its facts are kept, for a build takes minutes.

    Raises what the stage raises, with the report of the build that failed here.
    """
    if reader.stage is None:
        raise BuilderUnavailableError("it must be built in the builder stage, and no engine is asked here", hint=None)
    folder = reader.scratch / f"stage-{file.name}"
    try:
        reader.stage.build(file, reader.tools, missing.packages, folder, why=report)
    except UnbuildableSourceError as error:
        raise UnbuildableSourceError(f"{report}\n  {error.message}", hint=error.hint) from error
    except BuildFailedError as error:
        raise UnbuildableSourceError(
            f"{report}\n  nor in the builder stage, with the packages of [apt] build:{_format_lines(error.log)}",
            hint=error.hint or _advise(reader, file, missing),
        ) from error
    facts = read_facts(folder)[file.name]
    write_cached_facts(reader.cache_folder, file.sha256, facts)
    return facts


def _quote_log(uv: Uv, log: str) -> str:
    masked = mask_output(log, find_secrets(uv.env).list_masked_texts())
    return f", and its source cannot be built on this machine:{_format_lines(masked.splitlines())}"


def _format_lines(log: Iterable[str]) -> str:
    return "".join(f"\n    {line}" for line in list_last_lines("\n".join(log)))


def list_last_lines(log: str) -> tuple[str, ...]:
    """The last lines of a failed build that say something: no source text, no warnings, no advice of uv and pip."""
    spoken: list[str] = []
    frame: int | None = None
    for line in re.split(r"\n\s*hint:", log.strip())[0].splitlines():
        text, indent = line.strip(), len(line) - len(line.lstrip())
        if text.startswith('File "'):
            frame = indent
        elif frame is None or indent <= frame:
            frame = None
            spoken += [] if not re.search(r"[A-Za-z]", text) or _NOISE.match(text) else [text]
    last = spoken[-_LAST_LINES:]
    first = next((index for index, line in enumerate(last) if _SAYS_WHY.search(line)), 0)
    return tuple(line if len(line) <= _LINE_LENGTH else f"{line[: _LINE_LENGTH - 1]}…" for line in last[first:])


def _advise(reader: SourceReader, file: LockedFile, missing: MissingPackages) -> str:
    """What to do about a source that cannot be built: what its build did not find, or another version."""
    other = advise_another_version(reader.uv, reader.target, file, reader.scratch)
    if not missing.packages:
        return other
    packages = " ".join(missing.packages)
    return f"install what its build needs on this machine (Debian, Ubuntu: apt-get install {packages}); or {other}"
