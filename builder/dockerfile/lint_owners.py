"""Advice about a change of owner or mode of a whole folder, which copies its files into one more layer (OB305)."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.airflow.images import OFFICIAL_IMAGE
from builder.core.text_edits import Position, TextEdit, insert_text
from builder.dockerfile.copied_paths import brings_path, is_within, overlaps_any
from builder.dockerfile.facts import Advice
from builder.dockerfile.lint_subject import find_instruction_extent, remove_command
from builder.dockerfile.lint_users import find_made_users
from builder.dockerfile.stages import parse_flags, substitute_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.dockerfile import Instruction
    from builder.dockerfile.files import CopyInstruction
    from builder.dockerfile.lint_subject import LintSubject
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

_CHANGES = ("chown", "chmod", "chgrp")
_LOOKS = (*_CHANGES, "cd", "ls", "rm", "echo")
"""Commands that name a folder and put nothing into it."""
_OCTAL = re.compile(r"[0-7]{3,4}")
_VARIABLE = re.compile(r"\$\{?(\w*)")


@dataclass(frozen=True)
class _Change:
    """One ``chown -R``, ``chmod -R`` or ``chgrp -R``; ``paths`` are absolute, without those that its own RUN makes."""

    step: RunStep
    command: ShellCommand
    who: str
    paths: tuple[str, ...]
    made_here: tuple[str, ...]
    """What its RUN makes inside of ``paths``, as written."""
    earlier: tuple[int, ...]
    """The lines of the RUNs before it that put something there."""

    @property
    def option(self) -> str:
        return "--chmod" if self.command.program == "chmod" else "--chown"


def find_recursive_changes(subject: LintSubject) -> Iterator[Advice]:
    """``chown -R`` and ``chmod -R`` of files that an earlier layer holds."""
    written: list[tuple[int, str]] = []
    for step in subject.steps:
        for index, command in enumerate(step.commands):
            if command.program in _CHANGES and _is_recursive(command):
                change = _read_change(step, command, step.commands[:index], written)
                if change is not None:
                    yield _make_advice(subject, change)
        written += [(step.run.line, path) for path in _list_written(step)]


def _is_recursive(command: ShellCommand) -> bool:
    return any(re.match(r"-[a-zA-Z]*R|--recursive$", word) for word in command.words[1:])


def _read_change(
    step: RunStep, command: ShellCommand, before: tuple[ShellCommand, ...], written: list[tuple[int, str]]
) -> _Change | None:
    """None where nothing of it is in an earlier layer."""
    words = [word for word in command.words[1:] if not word.startswith("-")]
    named = [
        word
        for one in before
        if one.program not in _LOOKS
        for word in one.words[1:]
        if word.startswith(("/", "$", "~", "."))
    ]
    old = [path for path in words[1:] if not any(is_within(path, word) for word in named)]
    if not old:
        return None
    paths = tuple(_resolve(path, step) for path in old)
    made = tuple(word for word in named if any(is_within(_resolve(word, step), path) for path in paths))
    earlier = tuple(dict.fromkeys(line for line, path in written if overlaps_any(path, paths)))
    return _Change(step, command, words[0], paths, made, earlier)


def _resolve(path: str, step: RunStep) -> str:
    return posixpath.join(step.folder, substitute_variables(path, step.environment)).removesuffix("/*")


def _make_advice(subject: LintSubject, change: _Change) -> Advice:
    line = change.command.line
    shown = f"`{change.command.program} -R {' '.join(_list_written_paths(change))}`"
    copies = [one for one in subject.copies if one.line < line and any(brings_path(one, path) for path in change.paths)]
    fix, details, edits = _write_fix(subject, change, copies)
    return Advice("OB305", line, f"{shown} copies every file into one more layer", fix, details, edits)


def _list_written_paths(change: _Change) -> list[str]:
    words = [word for word in change.command.words[1:] if not word.startswith("-")][1:]
    return [word for word in words if _resolve(word, change.step) in change.paths]


_Fix = tuple[str | None, tuple[str, ...], tuple[TextEdit, ...]]


def _write_fix(subject: LintSubject, change: _Change, copies: list[CopyInstruction]) -> _Fix:
    """The COPYs with the option in them; and what is then left of the command."""
    what = change.command.program
    instructions = {one.line: one for one in subject.instructions if one.name in ("COPY", "ADD")}
    lacking = [instructions[one.line] for one in copies if not _has_option(instructions[one.line], change.option)]
    value = _choose_value(subject, change)
    left, removal = _list_left(change, copies), remove_command(subject.text, change.step, change.command)
    if not copies:
        return _write_fix_without_copy(subject, change)
    if value is None and lacking:
        lines = _join_lines([one.line for one in lacking])
        return None, (f"the files come by {lines}: bring them with the right {_name_aspect(change)} there",), ()
    edits = tuple(_insert_option(one, f"{change.option}={value}") for one in lacking)
    fix = "\n".join(subject.format_edited(edits, find_instruction_extent(one)) for one in lacking) or None
    details = [f"in place of {_join_lines([one.line for one in lacking])}"] if lacking else []
    settled = sorted({one.line for one in copies} - {one.line for one in lacking})
    if settled:
        details.append(f"{_join_lines(settled)} says {change.option} already")
    made = find_made_users(subject).get((value or "").partition(":")[0], 0)
    if late := [one.line for one in lacking if one.line < made]:
        details.append(f"behind line {made}, which makes the user: {_join_lines(late)} stands before it")
    if left:
        details.append(f"then this {what} need not name more than {', '.join(left)}")
        return fix, tuple(details), ()
    details.append(f"then delete this {what}")
    return fix, tuple(details), (*edits, *removal) if removal and not late else ()


def _write_fix_without_copy(subject: LintSubject, change: _Change) -> _Fix:
    """The files come from a RUN or from the base."""
    if change.earlier:
        text = subject.format_edited((), change.command.extent) if change.command.extent else None
        return (f"&& {text}" if text else None), (f"at the end of the RUN in line {change.earlier[-1]}, not here",), ()
    return None, ("files of the base image need no other owner to be read: change only what is written to",), ()


def _list_written(step: RunStep) -> list[str]:
    """The paths that a RUN names, other than to look at them."""
    words = [word for one in step.commands if one.program not in _LOOKS for word in one.words[1:]]
    named = [word.partition("=")[2] or word for word in words]
    return [_resolve(word, step) for word in named if word.startswith(("/", "$", "~", "."))]


def _has_option(instruction: Instruction, option: str) -> bool:
    return any(flag.startswith(f"{option}=") for flag in parse_flags(instruction))


def _insert_option(instruction: Instruction, option: str) -> TextEdit:
    start, _ = find_instruction_extent(instruction)
    return insert_text(Position(start.line, start.column + len(instruction.name)), f" {option}")


def _choose_value(subject: LintSubject, change: _Change) -> str | None:
    """As the option of a COPY takes it; None: it takes no such value, or only the shell of that RUN knows it."""
    program, who, base = change.command.program, change.who, subject.facts.published_base
    if "`" in who or not set(change.step.environment).issuperset(_VARIABLE.findall(who)):
        return None
    if program == "chmod":
        return who if _OCTAL.fullmatch(who) else None
    if program == "chgrp":
        return f"0:{who}"
    if base is not None and base.name == OFFICIAL_IMAGE and who in ("airflow", "airflow:airflow", "airflow:"):
        return "airflow:0"  # the official image has the user in group 0, and no group of its name
    return who.removesuffix(":")


def _name_aspect(change: _Change) -> str:
    return "mode" if change.command.program == "chmod" else "owner"


def _list_left(change: _Change, copies: list[CopyInstruction]) -> list[str]:
    """What is in the folders beside the copied files, as far as the Dockerfile tells; a folder
    that is not the target of a COPY is left itself."""
    filled = {path for path in change.paths for one in copies if brings_path(one, path) and is_within(path, one.target)}
    left = [*change.made_here, *(f"{path} itself without -R" for path in change.paths if path not in filled)]
    left += [f"what line {line} puts there" for line in change.earlier]
    return list(dict.fromkeys(left))


def _join_lines(lines: list[int]) -> str:
    return f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}"
