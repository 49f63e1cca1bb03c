"""What a Dockerfile's target installs: system packages, servers among them, Python requirements and their files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.dockerfile.facts import InstalledServer, Pin
from builder.dockerfile.installs import PipInstall, parse_pip_install, parse_system_change, split_requirement
from builder.dockerfile.shell import split_shell_words
from builder.dockerfile.stages import parse_exec_form, parse_flags, substitute_variables
from builder.products.find import find_by_package

if TYPE_CHECKING:
    from builder.dockerfile import Instruction
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.stages import Stage

ReadFile = Callable[[str], str | None]
"""A path inside the build context → its text; None: not there, not readable, or not inside."""

_INCLUDED = re.compile(r"\s*(?:-r|--requirement)[ =]?\s*(\S+)")
_FILES_DEEP = 4


def find_server(package: str) -> str | None:
    """The server that a system package brings."""
    product = find_by_package(package)
    return None if product is None else product.name


@dataclass(frozen=True)
class InstalledPackages:
    """``pips``: every ``pip install`` with the text of its requirements files, where they could be read."""

    packages: tuple[str, ...]
    servers: tuple[InstalledServer, ...]
    pins: tuple[Pin, ...]
    unread: tuple[str, ...]


def collect_packages(chain: tuple[Stage, ...], steps: tuple[RunStep, ...], read: ReadFile) -> InstalledPackages:
    """Walk the RUN instructions of the chain."""
    packages: dict[str, None] = {}
    servers: list[InstalledServer] = []
    pins: list[Pin] = []
    unread: list[str] = []
    copied = find_copies(chain)
    for step in steps:
        for change in filter(None, map(parse_system_change, step.filled)):
            if change.action == "install":
                packages |= dict.fromkeys(change.packages)
                servers += [
                    InstalledServer(name, one, change.line) for one in change.packages if (name := find_server(one))
                ]
        for pip in filter(None, map(parse_pip_install, step.commands)):
            found, missing = collect_requirements(pip, step.stage, copied, read)
            pins += found
            unread += missing
    return InstalledPackages(tuple(packages), tuple(servers), tuple(pins), tuple(dict.fromkeys(unread)))


@dataclass(frozen=True)
class CopyInstruction:
    """One COPY or ADD from the build context: ``sources`` as written, ``target`` absolute."""

    sources: tuple[str, ...]
    target: str
    line: int
    folder: bool = False
    """The target is a folder into which the sources are put."""


def find_copies(chain: tuple[Stage, ...]) -> tuple[CopyInstruction, ...]:
    """What the context gives to the image, in order; files of other stages are not among it."""
    found = []
    folder = "/"
    for stage in chain:
        for instruction in stage.instructions:
            if instruction.name == "WORKDIR":
                folder = posixpath.join(
                    folder, substitute_variables(_strip_quotes(instruction.value), dict(stage.arguments))
                )
            if instruction.name in ("COPY", "ADD") and (one := _parse_copy(instruction, stage, folder)):
                found.append(one)
    return tuple(found)


def _parse_copy(instruction: Instruction, stage: Stage, folder: str) -> CopyInstruction | None:
    options = parse_flags(instruction)
    if instruction.heredocs or any(option.startswith("--from=") for option in options):
        return None
    bare = instruction.value
    for option in options:
        bare = bare.replace(option, "", 1)
    parts = parse_exec_form(bare) or tuple(_strip_quotes(word) for word in split_shell_words(bare))
    parts = tuple(substitute_variables(part, dict(stage.arguments)) for part in parts)
    if len(parts) < 2:
        return None
    target = parts[-1]
    into = target.endswith("/") or len(parts) > 2 or target in (".", "..")
    return CopyInstruction(parts[:-1], posixpath.normpath(posixpath.join(folder, target)), instruction.line, into)


def _strip_quotes(word: str) -> str:
    return word.strip().strip("\"'")


def collect_requirements(
    pip: PipInstall, stage: Stage, copied: tuple[CopyInstruction, ...], read: ReadFile
) -> tuple[list[Pin], list[str]]:
    """The requirements that a ``pip install`` names, on its line and in its files; and the files not readable."""
    known = dict(stage.arguments)
    pins = [
        Pin(*split, pip.line, from_argument="$" in word)
        for word in pip.requirements
        for part in (substitute_variables(word, known).split() if "$" in word else [word])
        if (split := split_requirement(part)) is not None
    ]
    unread: list[str] = []
    for file in pip.files:
        found = _read_requirements(substitute_variables(file, known), copied, read, pip.line, _FILES_DEEP)
        if found is None:
            unread.append(file)
        else:
            pins += found
    return pins, unread


def _read_requirements(
    name: str, copied: tuple[CopyInstruction, ...], read: ReadFile, line: int, deep: int
) -> list[Pin] | None:
    text = next((text for path in _iterate_context_paths(name, copied) if (text := read(path)) is not None), None)
    if text is None or not deep:
        return None
    pins: list[Pin] = []
    for entry in text.replace("\\\n", " ").splitlines():
        included = _INCLUDED.match(entry)
        if included:
            beside = posixpath.join(posixpath.dirname(name), included[1])
            pins += _read_requirements(beside, copied, read, line, deep - 1) or []
        elif (split := split_requirement(re.split(r"\s--hash", entry, maxsplit=1)[0])) is not None:
            pins.append(Pin(*split, line, name))
    return pins


def _iterate_context_paths(name: str, copied: tuple[CopyInstruction, ...]) -> Iterator[str]:
    """Where in the context a file of the image comes from, as far as COPY tells."""
    base = posixpath.basename(name)
    for copy in reversed(copied):
        for source in copy.sources:
            target = copy.target
            if posixpath.basename(source) == base and (
                not name.startswith("/") or name in (target, posixpath.join(target, base))
            ):
                yield source
            elif name.startswith("/") and name.startswith(target.rstrip("/") + "/"):
                yield posixpath.join(source, posixpath.relpath(name, target))
            elif name == target:
                yield source
            elif not name.startswith("/"):
                yield posixpath.join(source, name)
