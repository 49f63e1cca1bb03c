"""What the advice about a Dockerfile looks at, and how a changed piece of it is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from builder.core.redact import mask_text
from builder.core.text_edits import Position, TextEdit, cut_edited, insert_text
from builder.dockerfile.files import find_all_copies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.dockerfile import Instruction
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.dockerfile.files import CopyInstruction
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand
    from builder.dockerfile.stages import Stage

_AND = re.compile(r"[\s\\`]*&&[\s\\`]*")
"""Between two commands, over continued lines."""
Extent = tuple[Position, Position]


@dataclass(frozen=True)
class LintSubject:
    """One Dockerfile: its facts, each RUN of the chain with its commands, its text."""

    facts: DockerfileAnalysis
    steps: tuple[RunStep, ...]
    text: str = field(repr=False)

    @cached_property
    def chain(self) -> tuple[Stage, ...]:
        """The stages with what stands in them; what an ONBUILD of their base runs has no line here."""
        return tuple(
            replace(stage, instructions=tuple(one for one in stage.instructions if not one.inherited))
            for stage in self.facts.chain
        )

    @cached_property
    def copies(self) -> tuple[CopyInstruction, ...]:
        """Every COPY and ADD of the chain."""
        return find_all_copies(self.chain)

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All of the chain, in order, without FROM."""
        return tuple(instruction for stage in self.chain for instruction in stage.instructions)

    def format_edited(self, edits: Iterable[TextEdit], extent: Extent) -> str:
        """A piece of the file with the changes in it, as it can be shown: passwords masked, LF as line end."""
        return mask_text(cut_edited(self.text, edits, *extent).replace("\r\n", "\n"))

    def contains_secret(self, extent: Extent) -> bool:
        """Whether something in this piece of the file is masked when it is shown."""
        text = cut_edited(self.text, (), *extent)
        return mask_text(text) != text


def find_instruction_extent(instruction: Instruction) -> Extent:
    """From the instruction's first character to its last, without the bodies of heredocs."""
    first, last = instruction.source[0], instruction.source[-1]
    begin = Position(instruction.line, len(first) - len(first.lstrip()))
    return begin, Position(instruction.line + len(instruction.source) - 1, len(last.rstrip()))


def find_command_extent(command: ShellCommand, step: RunStep) -> Extent:
    """Of a command in shell text that text; of an argument vector the whole instruction."""
    return command.extent or find_instruction_extent(step.run)


def insert_words(command: ShellCommand, behind: int, *words: str) -> TextEdit | None:
    """``words`` behind the word with this number, written as the command is; None: it is not known where that stands.

    A word with a variable is quoted where a quote can stand.
    """
    place = command.places[behind] if command.places else None
    if place is None:
        return None
    if command.extent is None:
        text = "".join(f', "{word}"' for word in words)
    else:
        text = "".join(f' "{word}"' if "$" in word and not command.nested else f" {word}" for word in words)
    return insert_text(place.end, text)


def remove_command(text: str, step: RunStep, command: ShellCommand) -> tuple[TextEdit, ...]:
    """The edits that take one command out of a RUN: with its ``&&``, or with the whole instruction where it is alone.

    Empty where it stands in another way.
    """
    if command.extent is None or command.nested or step.run.heredocs:
        return ()
    start, end = command.extent
    own, stop = find_instruction_extent(step.run)
    if re.fullmatch(r"(?i)run(\s|\\)+", cut_edited(text, (), own, start)) and end == stop:
        return remove_instruction(text, step.run)
    index = next(number for number, one in enumerate(step.commands) if one is command)
    for before in step.commands[max(index - 1, 0) : index]:
        if before.extent and _AND.fullmatch(cut_edited(text, (), before.extent[1], start)):
            return (TextEdit(before.extent[1], end, ""),)
    for after in step.commands[index + 1 : index + 2]:
        if after.extent and _AND.fullmatch(cut_edited(text, (), end, after.extent[0])):
            return (TextEdit(start, after.extent[0], ""),)
    return ()


def remove_instruction(text: str, instruction: Instruction) -> tuple[TextEdit, ...]:
    """Its lines go; of the last one of a file that does not end with a line end, the text."""
    last, lines = instruction.last_line, text.split("\n")
    end = Position(last + 1, 0) if last < len(lines) else Position(last, len(lines[-1]))
    return (TextEdit(Position(instruction.line, 0), end, ""),)


def remove_words(command: ShellCommand, replaced: Mapping[int, str]) -> tuple[TextEdit, ...]:
    """The words with these numbers give way to others, or go with the gap before them. Empty where the place of one
    is not known.
    """
    edits = []
    for number, text in replaced.items():
        place, before = command.places[number], command.places[number - 1]
        if place is None or before is None or place.start == place.end:
            return ()
        edits.append(TextEdit(place.start if text else before.end, place.end, text))
    return tuple(edits)
