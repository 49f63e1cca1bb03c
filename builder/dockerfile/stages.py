"""The stages of a Dockerfile, which of them a target needs, and what ARG and ENV make of their words."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from builder.core.variables import Policy, replace_variables
from builder.dockerfile.shell import ShellCommand, WordPlace, parse_argv, parse_shell_commands
from builder.dockerfile.shell_words import JOIN, ShellText, split_shell_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builder.dockerfile.parse import Instruction

_DOCKERFILE = Policy(unset=None, required=None, escapes=False)
_LONGEST = 4_000
"""Characters: ``ENV A=$A$A`` doubles, line after line."""
_LONGEST_RUN = 100_000
"""Characters."""
_PLAIN_WORD = re.compile(r"(?:[^\s\"'\\]|\\.|\"(?:[^\"\\]|\\.)*\"|'[^']*')+")
_QUOTED = re.compile(r"\\(.)|\"((?:[^\"\\]|\\.)*)\"|'([^']*)'")
_FROM_FLAG = re.compile(r"^--from=(\S+)|^--mount=(?:\S*,)?from=([^,\s]+)")
_FLAGS = re.compile(r"\s*(--\S+\s+)*")
_JSON_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SHELL_HEREDOC = re.compile(r"<<-?[\"']?[\w.-]+[\"']?|(/bin/|/usr/bin/)?(ba|da|a)?sh|-[a-z]+|[<>|]")


@dataclass(frozen=True)
class Stage:
    """``base``: an image, ``scratch``, or the name of another stage, with variables replaced where they are known."""

    index: int
    name: str | None
    base: str
    line: int
    instructions: tuple[Instruction, ...]
    """Those behind FROM; first what an ONBUILD of the base runs here."""
    arguments: tuple[tuple[str, str], ...] = ()
    """ARG and ENV as they are known at the end of the stage; may hold secrets: never shown."""

    def __repr__(self) -> str:
        return f"Stage({self.index}, {self.name!r}, line {self.line})"


class StageBelow(Protocol):
    """The image of another Dockerfile, as far as it acts on a stage that begins with it."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Its ENV."""

    @property
    def triggers(self) -> tuple[Instruction, ...]:
        """The instructions of its ONBUILD, which run where a stage begins with it."""


def list_triggers(instructions: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
    """What ONBUILD has noted down, as the instructions that run later, each on the line of its ONBUILD."""
    found = []
    for one in instructions:
        name, _, value = one.value.strip().partition(" ")
        if one.name == "ONBUILD" and name.upper() not in ("ONBUILD", "FROM", "MAINTAINER"):
            source = tuple(re.sub(r"(?i)^\s*ONBUILD\s+", "", line) for line in one.source)
            found.append(replace(one, name=name.upper(), value=value.strip(), source=source, inherited=True))
    return tuple(found)


def substitute_variables(text: str, variables: Mapping[str, str]) -> str:
    """``$X``, ``${X}``, ``${X:-y}`` and ``${X:+y}`` replaced; what is not known stays as it is written."""
    found = replace_variables(text, variables, _DOCKERFILE)
    return found if len(found) <= _LONGEST else text[:_LONGEST]


def parse_assignments(instruction: Instruction) -> dict[str, str | None]:
    """The names and values of an ARG, ENV or LABEL; None: an ARG without default."""
    parts = [_QUOTED.sub(_unquote_match, word) for word in _PLAIN_WORD.findall(instruction.value)]
    if instruction.name != "ARG" and parts and "=" not in parts[0]:
        return {parts[0]: " ".join(parts[1:])}
    return {name: value if equals else None for name, equals, value in (part.partition("=") for part in parts)}


def _unquote_match(match: re.Match[str]) -> str:
    if match[2] is not None:
        return re.sub(r"\\([\"\\$])", r"\1", match[2])
    return match[1] or match[3] or ""


def parse_stages(
    instructions: tuple[Instruction, ...],
    build_args: Mapping[str, str],
    find_below: Callable[[str], StageBelow | None] = lambda _name: None,
) -> tuple[Stage, ...]:
    """All stages in order. ``build_args`` win over the defaults of ARG, as in a build; ``find_below`` says what is
    known of an image that another Dockerfile makes.
    """
    outside: dict[str, str] = {}
    blocks: list[list[Instruction]] = []
    for instruction in instructions:
        if instruction.name == "FROM":
            blocks.append([instruction])
        elif blocks:
            blocks[-1].append(instruction)
        elif instruction.name == "ARG":
            outside |= {
                name: build_args.get(name, value) for name, value in _resolve_assignments(instruction, outside).items()
            }
            outside |= {name: build_args[name] for name in parse_assignments(instruction) if name in build_args}
    found: list[Stage] = []
    for block in blocks:
        found.append(_make_stage(tuple(found), block, outside, build_args, find_below))
    return tuple(found)


def _resolve_assignments(instruction: Instruction, variables: Mapping[str, str]) -> dict[str, str]:
    given = parse_assignments(instruction)
    return {name: substitute_variables(value, variables) for name, value in given.items() if value is not None}


def _make_stage(
    before: tuple[Stage, ...],
    block: list[Instruction],
    outside: Mapping[str, str],
    build_args: Mapping[str, str],
    find_below: Callable[[str], StageBelow | None],
) -> Stage:
    head, *body = block
    parts = [word for word in head.value.split() if not word.startswith("--")]
    base = substitute_variables(parts[0], outside).strip("\"'") if parts else ""
    name = parts[2] if len(parts) > 2 and parts[1].upper() == "AS" else None
    parent = find_stage(before, base)
    below = None if parent else find_below(base)
    known = dict(parent.arguments) if parent else dict(below.environment) if below else {}
    triggers = list_triggers(parent.instructions) if parent else below.triggers if below else ()
    body = [*triggers, *body]
    for instruction in body:
        if instruction.name == "ENV":
            known |= _resolve_assignments(instruction, known)
        elif instruction.name == "ARG":
            known = {**_resolve_arguments(instruction, known, outside, build_args), **known}
    return Stage(len(before), name, base, head.line, tuple(body), tuple(known.items()))


def _resolve_arguments(
    instruction: Instruction, known: Mapping[str, str], outside: Mapping[str, str], build_args: Mapping[str, str]
) -> dict[str, str]:
    """What an ARG of a stage gets: the build's argument, else its default, else that of the ARG before FROM."""
    found = {}
    for name, default in parse_assignments(instruction).items():
        fallback = outside.get(name) if default is None else substitute_variables(default, known)
        value = build_args.get(name, fallback)
        if value is not None:
            found[name] = value
    return found


def find_stage(stages: tuple[Stage, ...], name: str) -> Stage | None:
    """A stage by its name (letter case does not matter) or its number."""
    if name.isdigit() and int(name) < len(stages):
        return stages[int(name)]
    return next((stage for stage in reversed(stages) if stage.name and stage.name.lower() == name.lower()), None)


def find_stage_chain(stages: tuple[Stage, ...], target: str | None) -> tuple[Stage, ...]:
    """The stages whose layers the target has, base first. Empty when there is no such target.

    A stage that only hands over files (``COPY --from``) is not among them.
    """
    stage = find_stage(stages, target) if target else (stages[-1] if stages else None)
    found: list[Stage] = []
    while stage is not None and stage not in found:
        found.insert(0, stage)
        stage = find_stage(stages[: stage.index], stage.base)
    return tuple(found)


def find_source_stages(stages: tuple[Stage, ...], stage: Stage, instruction: Instruction) -> tuple[Stage, ...]:
    """The stages whose files an instruction of ``stage`` takes: by ``COPY --from``, or a mount of a RUN. What is not a
    stage (an image, a named context) is left out."""
    names = (
        (match[1] or match[2]).strip("\"'") for flag in parse_flags(instruction) if (match := _FROM_FLAG.search(flag))
    )
    known = dict(stage.arguments)
    found = (find_stage(stages[: stage.index], substitute_variables(name, known)) for name in names)
    return tuple(one for one in found if one is not None)


def list_feeding_stages(stages: tuple[Stage, ...], chain: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The stages outside of the chain whose files reach it, directly or through others, in the order of the file."""
    found: dict[int, Stage] = {}
    waiting = list(chain)
    seen = {stage.index for stage in chain}
    while waiting:
        stage = waiting.pop()
        below = find_stage(stages[: stage.index], stage.base)
        sources = [one for each in stage.instructions for one in find_source_stages(stages, stage, each)]
        for one in (*sources, *([below] if below is not None else [])):
            if one.index not in seen:
                seen.add(one.index)
                found[one.index] = one
                waiting.append(one)
    return tuple(found[index] for index in sorted(found))


def parse_exec_form(value: str) -> tuple[str, ...] | None:
    """The words of ``["a", "b"]``; None when it is shell form."""
    if not value.lstrip().startswith("["):
        return None
    try:
        parsed = json.loads(value)
    except ValueError:
        return None
    return tuple(parsed) if isinstance(parsed, list) and all(isinstance(word, str) for word in parsed) else None


def parse_flags(instruction: Instruction) -> tuple[str, ...]:
    """The ``--mount=…``, ``--chown=…`` words before the instruction's own."""
    return tuple(_FLAGS.match(instruction.value)[0].split())  # type: ignore[index] # it matches nothing as well


def parse_run_commands(run: Instruction, variables: Mapping[str, str] | None = None) -> tuple[ShellCommand, ...]:
    """The commands of a RUN, each with its line; a heredoc counts when a shell reads it.

    Empty for more text than a person writes.
    """
    if len(run.value) + sum(len(heredoc.body) for heredoc in run.heredocs) > _LONGEST_RUN:
        return ()
    bare = run.value
    for flag in parse_flags(run):
        bare = bare.replace(flag, "", 1)
    text, column = _join_run_text(run)
    argv = parse_exec_form(bare)
    if argv is not None:
        return parse_argv(argv, run.line, _place_exec_words(ShellText(text, run.line, column), argv))
    found = [_remove_flags(one) for one in parse_shell_commands(text, run.line, variables, column=column)]
    if run.heredocs and all(_SHELL_HEREDOC.fullmatch(word) for word in split_shell_words(bare)):
        for heredoc in run.heredocs:
            if not heredoc.body.startswith("#!") or re.match(r"#!.*\b(ba|da|a)?sh\b", heredoc.body):
                found += parse_shell_commands(heredoc.body, heredoc.line, variables)
    return tuple(one for one in found if one.words)


def _place_exec_words(source: ShellText, argv: tuple[str, ...]) -> tuple[WordPlace | None, ...]:
    """Where the words of ``["a", "b"]`` stand; nothing where the text cannot be matched with them."""
    found = list(_JSON_TEXT.finditer(source.text, source.text.find("[")))
    if len(found) != len(argv):
        return ()
    return tuple(
        WordPlace(
            source.locate(match.start()),
            source.locate_behind(match.end()),
            ShellText(word, outer=source, places=range(match.start(1), match.end(1))) if match[1] == word else None,
        )
        for word, match in zip(argv, found, strict=True)
    )


def _remove_flags(command: ShellCommand) -> ShellCommand:
    kept = command.words
    while kept and kept[0].startswith("--"):
        kept = kept[1:]
    if len(kept) == len(command.words):
        return command
    found = command.keep_last(kept)
    begin = found.places[0].start if found.places and found.places[0] else None
    return replace(found, extent=(begin, command.extent[1]) if begin and command.extent else None)


def _join_run_text(run: Instruction) -> tuple[str, int]:
    """The text behind RUN, its line ends marked, so that each command keeps its line; and the column it begins at."""
    lines = [line.rstrip("\r") for line in run.source] or [f"RUN {run.value}"]
    cut = [line.rstrip().removesuffix(run.escape) for line in lines[:-1]]
    text = JOIN.join((*cut, lines[-1]))
    column = re.match(r"\s*\w*", text).end()  # type: ignore[union-attr] # it matches nothing as well
    return text[column:], column
