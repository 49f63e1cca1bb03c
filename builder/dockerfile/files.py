"""The files that the RUNs of a Dockerfile have at hand, as far as its build context shows them: copied, mounted, or
written by a heredoc."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.dockerfile.shell_words import split_shell_words
from builder.dockerfile.stages import find_stage_chain, parse_exec_form, parse_flags, substitute_variables

if TYPE_CHECKING:
    from builder.dockerfile import Instruction
    from builder.dockerfile.stages import Stage

ReadFile = Callable[[str], str | None]
"""A path inside the build context → its text; None: not there, not readable, or not inside."""

_WRITTEN = re.compile(r"(?:>|\btee\s+)\s*([^\s<>|;&]+)")
"""The file into which a shell writes what it reads from a heredoc."""


@dataclass(frozen=True)
class CopyInstruction:
    """One COPY or ADD: ``sources`` as written, ``target`` absolute."""

    sources: tuple[str, ...]
    target: str
    line: int
    folder: bool = False
    """The target is a folder into which the sources are put."""
    stage: str | None = None
    """Of ``--from``: another stage, context or image, whose files these are."""
    heredoc: bool = False
    """Some of the sources are texts in the Dockerfile itself."""


def iterate_with_folder(chain: tuple[Stage, ...]) -> Iterator[tuple[Stage, Instruction, str]]:
    """Every instruction with the folder that WORKDIR has made the current one; ``/`` where only the base says it."""
    folder = "/"
    for stage in chain:
        for instruction in stage.instructions:
            if instruction.name == "WORKDIR":
                named = substitute_variables(_strip_quotes(instruction.value), dict(stage.arguments))
                folder = posixpath.join(folder, named)
            yield stage, instruction, folder


def find_all_copies(chain: tuple[Stage, ...]) -> tuple[CopyInstruction, ...]:
    """Those from other stages too; not what stands in the Dockerfile itself."""
    found = (_parse_copy(*each) for each in iterate_with_folder(chain) if each[1].name in ("COPY", "ADD"))
    return tuple(one for one in found if one is not None and not one.heredoc)


def _parse_copy(stage: Stage, instruction: Instruction, folder: str) -> CopyInstruction | None:
    """None where it has no source and target."""
    options = parse_flags(instruction)
    bare = instruction.value
    for option in options:
        bare = bare.replace(option, "", 1)
    parts = parse_exec_form(bare) or tuple(_strip_quotes(word) for word in split_shell_words(bare))
    parts = tuple(substitute_variables(part, dict(stage.arguments)) for part in parts)
    if len(parts) < 2:
        return None
    target = parts[-1]
    into = target.endswith("/") or len(parts) > 2 or target in (".", "..")
    origin = next((option.partition("=")[2] for option in options if option.startswith("--from=")), None)
    return CopyInstruction(
        parts[:-1],
        posixpath.normpath(posixpath.join(folder, target)),
        instruction.line,
        into,
        origin,
        bool(instruction.heredocs),
    )


def _strip_quotes(word: str) -> str:
    return word.strip().strip("\"'")


@dataclass(frozen=True)
class BuildFiles:
    """The files of the image that a RUN can read. ``read`` gives those of the build context."""

    copied: tuple[CopyInstruction, ...]
    written: tuple[tuple[str, str], ...] = field(repr=False)
    """Absolute path → the text that a heredoc writes there."""
    read: ReadFile
    below: BuildFiles | None = None
    """Of the image that this one builds on, where a Dockerfile of the same project makes it."""
    origins: Mapping[str, BuildFiles] = field(default_factory=dict)
    """What ``--from`` may name: other stages, by name and number, and named contexts; in small letters."""

    def read_file(self, name: str, folder: str, mounts: tuple[CopyInstruction, ...] = ()) -> str | None:
        """The text of ``name`` in ``folder``; None: it is not known what the file holds."""
        path = posixpath.normpath(posixpath.join(folder, name))
        own = dict(self.written).get(path)
        if own is not None:
            return own
        names = dict.fromkeys((path, name))
        candidates = (one for each in names for one in _iterate_origins(each, (*self.copied, *mounts)))
        found = next((text for one in candidates if (text := self._read_origin(*one)) is not None), None)
        return found if found is not None or self.below is None else self.below.read_file(name, folder)

    def find_origin(self, name: str, folder: str, mounts: tuple[CopyInstruction, ...] = ()) -> str | None:
        """The path in the build context of a file that :meth:`read_file` reads; None: it does not come from there."""
        path = posixpath.normpath(posixpath.join(folder, name))
        candidates = (
            one for each in dict.fromkeys((path, name)) for one in _iterate_origins(each, (*self.copied, *mounts))
        )
        return next((origin for origin, stage in candidates if stage is None and self.read(origin) is not None), None)

    def list_stage_origins(
        self, name: str, folder: str, mounts: tuple[CopyInstruction, ...] = ()
    ) -> tuple[tuple[str, str], ...]:
        """Stage, in small letters, and path there of what the file ``name`` in ``folder`` may be a copy of."""
        path = posixpath.normpath(posixpath.join(folder, name))
        found = _iterate_origins(path, (*self.copied, *mounts))
        return tuple((stage.lower(), posixpath.join("/", origin)) for origin, stage in found if stage is not None)

    def _read_origin(self, path: str, stage: str | None) -> str | None:
        if stage is None:
            return self.read(path)
        origin = self.origins.get(stage.lower())
        return None if origin is None else origin.read_file(path, "/")

    def find_named(self, base: str) -> tuple[str, ...]:
        """Absolute paths of the files with this last component that contexts give to the image."""
        copied = (
            posixpath.join(copy.target, base) if copy.folder else copy.target
            for copy in self.copied
            if any(posixpath.basename(source) == base for source in copy.sources)
        )
        written = (path for path, _ in self.written if posixpath.basename(path) == base)
        below = () if self.below is None else self.below.find_named(base)
        return tuple(dict.fromkeys((*copied, *written, *below)))


NO_FILES = BuildFiles((), (), lambda _name: None)
"""Of a build whose context is not at hand."""


def collect_build_files(
    stages: tuple[Stage, ...],
    chain: tuple[Stage, ...],
    read: ReadFile,
    contexts: Mapping[str, ReadFile],
    below: BuildFiles | None = None,
) -> BuildFiles:
    """Of a chain among the stages of its Dockerfile; ``contexts`` are the named ones that are folders. Pure but for
    the readers, which are called later."""
    whole = (CopyInstruction((".",), "/", 0, folder=True),)
    origins = {name.lower(): BuildFiles(whole, (), folder) for name, folder in contexts.items()}
    for stage in stages if len(stages) > len(chain) else ():
        own = find_stage_chain(stages, str(stage.index))
        files = BuildFiles(find_all_copies(own), tuple(_iterate_written(own)), read, None, dict(origins))
        origins |= {name.lower(): files for name in (str(stage.index), stage.name) if name and name not in contexts}
    return BuildFiles(find_all_copies(chain), tuple(_iterate_written(chain)), read, below, origins)


def _iterate_written(chain: tuple[Stage, ...]) -> Iterator[tuple[str, str]]:
    for stage, instruction, folder in iterate_with_folder(chain):
        if not instruction.heredocs:
            continue
        if instruction.name == "RUN":
            named = _WRITTEN.search(instruction.value)
            if named and len(instruction.heredocs) == 1:
                path = substitute_variables(_strip_quotes(named[1]), dict(stage.arguments))
                yield posixpath.normpath(posixpath.join(folder, path)), instruction.heredocs[0].body
            continue
        copy = _parse_copy(stage, instruction, folder)
        for heredoc in instruction.heredocs:
            if copy is None:
                break
            yield posixpath.join(copy.target, heredoc.name) if copy.folder else copy.target, heredoc.body


def find_mounts(stage: Stage, run: Instruction, folder: str) -> Iterator[CopyInstruction]:
    """What ``RUN --mount=type=bind`` shows of the build context or another stage."""
    for flag in parse_flags(run):
        pairs = (part.partition("=") for part in flag.removeprefix("--mount=").split(","))
        given = {name.lower(): _strip_quotes(value) for name, _, value in pairs}
        target = given.get("target") or given.get("dst") or given.get("destination")
        if not flag.startswith("--mount=") or given.get("type", "bind") != "bind" or not target:
            continue
        known = dict(stage.arguments)
        source, target = (
            substitute_variables(word, known) for word in (given.get("source") or given.get("src") or ".", target)
        )
        yield CopyInstruction(
            (source,), posixpath.normpath(posixpath.join(folder, target)), run.line, stage=given.get("from")
        )


def _iterate_origins(name: str, copied: tuple[CopyInstruction, ...]) -> Iterator[tuple[str, str | None]]:
    """Where a file of the image comes from, as far as COPY tells: its path in the context or in a stage."""
    for copy in reversed(copied):
        for source in copy.sources:
            if (path := _match_source(name, source, copy.target)) is not None:
                yield path, copy.stage


def _match_source(name: str, source: str, target: str) -> str | None:
    base, absolute = posixpath.basename(name), name.startswith("/")
    if posixpath.basename(source) == base and (not absolute or name in (target, posixpath.join(target, base))):
        return source
    if absolute and name.startswith(target.rstrip("/") + "/"):
        return posixpath.join(source, posixpath.relpath(name, target))
    if name == target:
        return source
    return None if absolute else posixpath.join(source, name)
