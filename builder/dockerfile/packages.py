"""What a Dockerfile's target installs: system packages, servers among them, Python requirements and their files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.dockerfile.facts import Installed, Pin
from builder.dockerfile.installs import PipInstall, pip_install, split_requirement, system_change
from builder.dockerfile.shell import words
from builder.dockerfile.stages import exec_form, flags, substitute
from builder.products.find import find_by_package

if TYPE_CHECKING:
    from builder.dockerfile import Instruction
    from builder.dockerfile.run_steps import Step
    from builder.dockerfile.stages import Stage

ReadFile = Callable[[str], str | None]
"""A path inside the build context → its text; None: not there, not readable, or not inside."""

_INCLUDED = re.compile(r"\s*(?:-r|--requirement)[ =]?\s*(\S+)")
_FILES_DEEP = 4


def server_of(package: str) -> str | None:
    """The server that a system package brings."""
    product = find_by_package(package)
    return None if product is None else product.name


@dataclass(frozen=True)
class Content:
    """``pips``: every ``pip install`` with the text of its requirements files, where they could be read."""

    packages: tuple[str, ...]
    servers: tuple[Installed, ...]
    pins: tuple[Pin, ...]
    unread: tuple[str, ...]


def content_of(chain: tuple[Stage, ...], steps: tuple[Step, ...], read: ReadFile) -> Content:
    """Walk the RUN instructions of the chain."""
    packages: dict[str, None] = {}
    servers: list[Installed] = []
    pins: list[Pin] = []
    unread: list[str] = []
    copied = copies(chain)
    for step in steps:
        for change in filter(None, map(system_change, step.filled)):
            if change.action == "install":
                packages |= dict.fromkeys(change.packages)
                servers += [Installed(name, one, change.line) for one in change.packages if (name := server_of(one))]
        for pip in filter(None, map(pip_install, step.commands)):
            found, missing = requirements_of(pip, step.stage, copied, read)
            pins += found
            unread += missing
    return Content(tuple(packages), tuple(servers), tuple(pins), tuple(dict.fromkeys(unread)))


@dataclass(frozen=True)
class Copy:
    """One COPY or ADD from the build context: ``sources`` as written, ``target`` absolute."""

    sources: tuple[str, ...]
    target: str
    line: int
    flags: tuple[str, ...] = ()
    folder: bool = False
    """The target is a folder into which the sources are put."""


def copies(chain: tuple[Stage, ...]) -> tuple[Copy, ...]:
    """What the context gives to the image, in order; files of other stages are not among it."""
    found = []
    folder = "/"
    for stage in chain:
        for instruction in stage.instructions:
            if instruction.name == "WORKDIR":
                folder = posixpath.join(folder, substitute(_bare(instruction.value), dict(stage.arguments)))
            if instruction.name in ("COPY", "ADD") and (one := _copy(instruction, stage, folder)):
                found.append(one)
    return tuple(found)


def _copy(instruction: Instruction, stage: Stage, folder: str) -> Copy | None:
    options = flags(instruction)
    if instruction.heredocs or any(option.startswith("--from=") for option in options):
        return None
    bare = instruction.value
    for option in options:
        bare = bare.replace(option, "", 1)
    parts = exec_form(bare) or tuple(_bare(word) for word in words(bare))
    parts = tuple(substitute(part, dict(stage.arguments)) for part in parts)
    if len(parts) < 2:
        return None
    target = parts[-1]
    into = target.endswith("/") or len(parts) > 2 or target in (".", "..")
    return Copy(parts[:-1], posixpath.normpath(posixpath.join(folder, target)), instruction.line, options, into)


def _bare(word: str) -> str:
    return word.strip().strip("\"'")


def requirements_of(
    pip: PipInstall, stage: Stage, copied: tuple[Copy, ...], read: ReadFile
) -> tuple[list[Pin], list[str]]:
    """The requirements that a ``pip install`` names, on its line and in its files; and the files not readable."""
    known = dict(stage.arguments)
    pins = [
        Pin(*split, pip.line, from_argument="$" in word)
        for word in pip.requirements
        for part in (substitute(word, known).split() if "$" in word else [word])
        if (split := split_requirement(part)) is not None
    ]
    unread: list[str] = []
    for file in pip.files:
        found = _from_file(substitute(file, known), copied, read, pip.line, _FILES_DEEP)
        if found is None:
            unread.append(file)
        else:
            pins += found
    return pins, unread


def _from_file(name: str, copied: tuple[Copy, ...], read: ReadFile, line: int, deep: int) -> list[Pin] | None:
    text = next((text for path in _candidates(name, copied) if (text := read(path)) is not None), None)
    if text is None or not deep:
        return None
    pins: list[Pin] = []
    for entry in text.replace("\\\n", " ").splitlines():
        included = _INCLUDED.match(entry)
        if included:
            beside = posixpath.join(posixpath.dirname(name), included[1])
            pins += _from_file(beside, copied, read, line, deep - 1) or []
        elif (split := split_requirement(re.split(r"\s--hash", entry, maxsplit=1)[0])) is not None:
            pins.append(Pin(*split, line, name))
    return pins


def _candidates(name: str, copied: tuple[Copy, ...]) -> Iterator[str]:
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
