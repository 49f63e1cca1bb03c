"""A Dockerfile's own instructions as two stages: wheels are made beside the compiler, and installed without it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING

from builder.core.text_edits import Position, TextEdit, cut_edited, insert_text
from builder.dockerfile.copied_paths import brings_path
from builder.dockerfile.installs import parse_pip_install, split_requirement
from builder.dockerfile.lint_pip import find_pip_advice
from builder.dockerfile.lint_subject import find_instruction_extent, insert_words, remove_instruction, remove_words
from builder.dockerfile.pip_edits import find_install_word
from builder.dockerfile.runtime_libraries import find_runtime_library
from builder.dockerfile.stages import parse_assignments, substitute_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.dockerfile import Instruction
    from builder.dockerfile.files import CopyInstruction
    from builder.dockerfile.installs import PipInstall
    from builder.dockerfile.lint_subject import LintSubject
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

_MOUNT = " --mount=type=bind,from={stage},source=/tmp/{stage},target=/{stage} {escape}\n   "
_ONLY_INSTALL = frozenset(
    {"--user", "-U", "--upgrade", "--force-reinstall", "-I", "--ignore-installed", "--compile", "--no-compile"}
    | {"--no-warn-script-location", "--no-warn-conflicts", "--break-system-packages", "--dry-run"}
    | {"--upgrade-strategy", "--root-user-action", "--report"}
)
"""Options that `pip wheel` does not have (pip's own help)."""
_WITH_VALUE = ("--upgrade-strategy", "--root-user-action", "--report")
_INSTALLERS = frozenset({"pip", "setuptools", "wheel"})
_HOUSEKEEPING = re.compile(
    r"(apt-get|apt|apk|dnf|microdnf|yum) (-\S+ )*(update|clean|autoclean|autoremove|upgrade)\b|set "
)
_CLEANS = re.compile(r"rm (-\S+ )*(/var/(lib/apt|cache|tmp)\S*|/tmp\S*|\s)+$")
_NAMES = re.compile(r"\$\{?([A-Za-z_]\w*)")


@dataclass(frozen=True)
class CompilerInstall:
    """``packages`` are to leave the image. ``command`` as it is written; None: its words are not in the file."""

    step: RunStep
    command: ShellCommand | None
    manager: str
    packages: tuple[str, ...]


@dataclass(frozen=True)
class _PipRun:
    step: RunStep
    command: ShellCommand
    pip: PipInstall


def write_two_stages(
    subject: LintSubject, installs: tuple[CompilerInstall, ...]
) -> tuple[str, tuple[TextEdit, ...]] | None:
    """The text up to the last ``pip install``, and the edits that make it; None where too little is known for it."""
    pips = tuple(_iterate_pips(subject))
    chain = subject.chain
    if len(chain) != 1 or not pips or not all(map(_is_clear, pips)):
        return None
    removed = [edit for one in installs for edit in _remove_packages(subject, one, installs)]
    first = _write_first_stage(subject, installs, pips)
    if first is None or not removed:
        return None
    stage, text = first
    begin = Position(chain[0].line, 0)
    edits = [insert_text(begin, f"{text}\n\n"), *removed, *_write_pip_edits(pips, stage)]
    edits += [edit for one in find_pip_advice(subject) for edit in one.edits]
    runs = [*(one.step.run for one in pips), *(one.step.run for one in installs)]
    end = _find_end(subject, max(runs, key=lambda run: run.line))
    if subject.contains_secret((begin, end)):
        return subject.format_edited(edits, (begin, end)), ()
    return subject.format_edited(edits, (begin, end)), tuple(edits)


def _iterate_pips(subject: LintSubject) -> Iterator[_PipRun]:
    """Without those that install nothing but installers."""
    for step in subject.steps:
        for command in step.commands:
            pip = parse_pip_install(command)
            if pip is None:
                continue
            names = {split[0] if (split := split_requirement(word)) else "" for word in pip.requirements}
            if pip.files or not names <= _INSTALLERS:
                yield _PipRun(step, command, pip)


def _is_clear(found: _PipRun) -> bool:
    """Whether `pip wheel` can do the same, and its words can be put into the text."""
    if found.pip.uv or "--require-hashes" in found.pip.options or found.command.extent is None:
        return False
    word = find_install_word(found.command)
    place = found.command.places[word] if word is not None and found.command.places else None
    return place is not None and place.start != place.end


def _write_pip_edits(pips: tuple[_PipRun, ...], stage: str) -> Iterator[TextEdit]:
    """The wheels are bound in, and found."""
    for run in dict.fromkeys(found.step.run for found in pips):
        start, _ = find_instruction_extent(run)
        behind = Position(start.line, start.column + len("RUN"))
        yield insert_text(behind, _MOUNT.format(stage=stage, escape=run.escape))
    for found in pips:
        edit = insert_words(found.command, find_install_word(found.command) or 0, f"--find-links=/{stage}")
        yield from (edit,) if edit else ()


def _remove_packages(
    subject: LintSubject, install: CompilerInstall, installs: tuple[CompilerInstall, ...]
) -> tuple[TextEdit, ...]:
    """Headers make room for their library, all else goes; a RUN in which nothing else is done goes as a whole."""
    command = install.command
    if command is None or not command.places:
        return ()
    libraries = {name: find_runtime_library(install.manager, name) or "" for name in install.packages}
    numbers = {index: re.split(r"[=<>~/:]", word)[0] for index, word in enumerate(command.words)}
    leaving = [index for index, name in numbers.items() if name in libraries]
    if {numbers[index] for index in leaving} != set(libraries):
        return ()
    wanted = {index: libraries[numbers[index]] for index in leaving}
    named = [word for word in command.words[2:] if not word.startswith("-")]
    alone = len(named) == len(leaving) and not any(wanted.values())
    others = [one for one in install.step.commands if one is not command and not _is_housekeeping(one)]
    ends_file = install.step.run.last_line > subject.text.count("\n")
    if alone and not others and not ends_file and sum(one.step is install.step for one in installs) == 1:
        return remove_instruction(subject.text, install.step.run)
    return remove_words(command, wanted)


def _is_housekeeping(command: ShellCommand) -> bool:
    text = f"{' '.join(command.words)} "
    return bool(_HOUSEKEEPING.match(text) or _CLEANS.match(text))


def _find_end(subject: LintSubject, instruction: Instruction) -> Position:
    line = instruction.last_line
    return Position(line, len(subject.text.split("\n")[line - 1].rstrip("\r")))


def _write_first_stage(
    subject: LintSubject, installs: tuple[CompilerInstall, ...], pips: tuple[_PipRun, ...]
) -> tuple[str, str] | None:
    """Name and text of the stage with the compiler; None where something that it needs is not in the Dockerfile."""
    stage = subject.chain[0]
    copies = _find_needed_copies(subject, pips)
    head = subject.text.split("\n")[stage.line - 1].strip()
    if copies is None or head.endswith("\\") or not head.upper().startswith("FROM "):
        return None
    name = _choose_name(subject.text)
    runs = {one.step.run.line for one in installs} | {one.step.run.line for one in pips}
    needed = {copy.line for copy in copies} | runs
    edits = [edit for found in pips for edit in _make_wheels(found, name)]
    pieces = {
        one.line: cut_edited(subject.text, edits, find_instruction_extent(one)[0], _find_end(subject, one))
        for one in stage.instructions
        if one.line <= max(runs)
    }
    used = set(_NAMES.findall("\n".join(pieces[line] for line in needed)))
    image = re.sub(r"(?i)\s+AS\s+\S+$", "", head)
    lines = [f"{image} AS {name}"]
    lines += _select_instructions([one for one in stage.instructions if one.line in pieces], pieces, needed, used)
    return name, "\n".join(lines).replace("\r\n", "\n")


def _choose_name(text: str) -> str:
    """Of the stage and of its folder, where the file has neither: a mount would hide a folder that is there."""
    names = chain(("wheels",), (f"wheels{number}" for number in count(2)))
    return next(one for one in names if not re.search(rf"(?i)(\bAS\s+|/){one}\b", text))


def _select_instructions(
    instructions: list[Instruction], pieces: dict[int, str], needed: set[int], used: set[str]
) -> Iterator[str]:
    """What is needed, with the user, the folder and the variables that hold for it."""
    pending: dict[str, str] = {}
    for one in instructions:
        if one.name in ("USER", "WORKDIR"):
            if one.name == "WORKDIR" and not one.value.strip().startswith("/"):
                pending["WORKDIR"] = "\n".join(filter(None, (pending.get("WORKDIR"), pieces[one.line])))
            else:
                pending[one.name] = pieces[one.line]
        elif one.name in ("ARG", "ENV"):
            names = set(parse_assignments(one))
            if names & used or any(name.startswith("PIP_") for name in names):
                yield pieces[one.line]
        elif one.name == "SHELL":
            yield pieces[one.line]
        elif one.line in needed:
            yield from pending.values()
            pending.clear()
            yield pieces[one.line]


def _make_wheels(found: _PipRun, name: str) -> Iterator[TextEdit]:
    """`pip install` becomes `pip wheel`, without the options that only the former has."""
    command, word = found.command, find_install_word(found.command)
    place = command.places[word] if word is not None else None
    if place is None:
        return
    yield TextEdit(place.start, place.end, f"wheel --wheel-dir /tmp/{name}")
    leaving = {}
    for index, one in enumerate(command.words):
        if one.partition("=")[0] in _ONLY_INSTALL:
            leaving[index] = ""
            if one in _WITH_VALUE:
                leaving[index + 1] = ""
    yield from remove_words(command, leaving)


def _find_needed_copies(subject: LintSubject, pips: tuple[_PipRun, ...]) -> tuple[CopyInstruction, ...] | None:
    """The COPYs that bring the files of these installs; None where one comes in a way that is not seen here."""
    found: dict[CopyInstruction, None] = {}
    copies = subject.copies
    for one in pips:
        for name in _list_files(one):
            path = posixpath.normpath(posixpath.join(one.step.folder, substitute_variables(name, one.step.environment)))
            bringing = [copy for copy in copies if copy.line < one.step.run.line and brings_path(copy, path)]
            mounted = any(brings_path(mount, path) for mount in one.step.mounts)
            others = [other for other in one.step.commands if other is not one.command]
            if not bringing and not mounted and not any(name in word for other in others for word in other.words):
                return None
            found |= dict.fromkeys(bringing)
    return tuple(found)


def _list_files(found: _PipRun) -> Iterator[str]:
    """Requirements, constraints, and what is installed from a folder."""
    for name in (*found.pip.files, *found.pip.constraints):
        if "://" not in name:
            yield name
    for word in found.pip.requirements:
        if word.startswith((".", "/")) and "://" not in word:
            yield word.partition("[")[0].partition("*")[0].partition("{")[0]
