"""The Python half of a lock: pins, files, build requirements, uv itself, and what is known of each file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from builder.core.errors import SourceNotBuiltError, UnsatisfiableError
from builder.image.lock.installed import collect_facts
from builder.image.lock.present.distributions import PresentDistributions
from builder.image.lock.resolve import resolve_files, resolve_pins
from builder.image.lock.scratch import open_scratch_folder
from builder.image.lock.sources.build_tools import check_build_tools, explain_conflict
from builder.image.lock.sources.sdists import collect_build_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from builder.image.lock.facts import DistributionFacts
    from builder.image.lock.first_pass import VersionPreferences
    from builder.image.lock.installed import CollectedFacts
    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.sources.unbuilt import BuilderStage, UnbuiltSource
    from builder.image.lock.target import LockTarget
    from builder.image.lock.uv import Uv


@dataclass(frozen=True)
class ResolvedPython:
    """``files`` go into the image, ``tools`` and ``uv`` into the builder stage; ``facts`` by name of a file, or of
    what the foundation has.

    ``unbuilt``: the sdists among ``files`` that this machine could not build.
    """

    files: tuple[LockedFile, ...]
    tools: tuple[LockedFile, ...]
    uv: LockedFile
    facts: Mapping[str, DistributionFacts]
    unbuilt: tuple[UnbuiltSource, ...] = ()


@dataclass(frozen=True)
class PythonResolver:
    """What resolving needs besides the requirements. ``say`` hears what is done now.

    Scratch files lie in the cache folder, where uv can make hard links. ``stage`` None: nothing is built on an engine.
    """

    uv: Uv
    target: LockTarget
    preferences: VersionPreferences
    """Of the distributions."""
    tool_preferences: VersionPreferences
    """Of the build requirements of sdists."""
    cache_folder: Path
    say: Callable[[str], None]
    stage: BuilderStage | None = None
    present: PresentDistributions = field(default_factory=PresentDistributions)
    """What the foundation has: it takes part, and only what differs from it is installed."""

    def resolve(self, requirements: Sequence[str]) -> ResolvedPython:
        """Both passes of uv, then the facts of every file."""
        with open_scratch_folder(self.cache_folder, "resolve-") as scratch:
            self.say("asking the index for versions")
            resolver, pins = self._resolve_pins(requirements, scratch)
            pins = self.present.select_added(pins)
            self.say(f"{len(pins)} distributions, reading their hashes")
            files = resolve_files(resolver.uv, self.target, pins, scratch)
            tools = self._resolve_build_tools(files, scratch)
            (own,) = resolve_files(self.uv, self.target, {"uv": self.uv.version}, scratch)
        self.say(f"{len(files)} distributions, reading their metadata and libraries")
        found = self._collect_facts(files, tools)
        self.say(f"{len(files)} distributions")
        return ResolvedPython(files, tools, own, {**self.present.facts, **found.facts}, found.unbuilt)

    def _resolve_pins(self, requirements: Sequence[str], scratch: Path) -> tuple[PythonResolver, dict[str, str]]:
        """The pins, and a resolver that knows the metadata of each source that uv could not build to resolve.

        uv gives up at the first such source; it is told what that one depends on and asked again.
        """
        known: dict[tuple[str, str], DistributionFacts] = {}
        resolver = replace(self, uv=self.present.configure(self.uv, (), scratch)) if self.present.facts else self
        while True:
            try:
                return resolver, resolve_pins(
                    resolver.uv,
                    self.target,
                    requirements,
                    self.preferences,
                    scratch,
                    present=self.present.versions,
                    say=self.say,
                )
            except SourceNotBuiltError as error:
                key = canonicalize_name(error.name), error.version
                if key in known:
                    raise
                known[key] = self._read_source(*key, scratch)
                metadata = [(version, facts) for (_, version), facts in known.items()]
                resolver = replace(self, uv=self.present.configure(self.uv, metadata, scratch))

    def _read_source(self, name: str, version: str, scratch: Path) -> DistributionFacts:
        self.say(f"reading what {name} {version} depends on")
        files = resolve_files(self.uv, self.target, {name: version}, scratch)
        return self._collect_facts(files, self._resolve_build_tools(files, scratch)).facts[name]

    def _collect_facts(self, files: Iterable[LockedFile], tools: tuple[LockedFile, ...]) -> CollectedFacts:
        return collect_facts(self.uv, self.target, files, tools, self.cache_folder, say=self.say, stage=self.stage)

    def _resolve_build_tools(self, files: Iterable[LockedFile], scratch: Path) -> tuple[LockedFile, ...]:
        """What the sdists need to become wheels, as one pinned set; nothing when there is no sdist."""
        sdists = [file for file in files if file.kind == "sdist"]
        requires = collect_build_requirements(self.uv, sdists, self.cache_folder, scratch)
        wanted = sorted({line for lines in requires.values() for line in lines})
        if not wanted:
            return ()
        try:
            pins = resolve_pins(self.uv, self.target, wanted, self.tool_preferences, scratch, say=self.say)
        except UnsatisfiableError as error:
            raise explain_conflict(self.uv, self.target, sdists, error, scratch) from error
        tools = resolve_files(self.uv, self.target, pins, scratch)
        check_build_tools(self.uv, self.target, requires, tools, scratch)
        return tools
