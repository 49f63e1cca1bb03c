"""What a project's own template may say: the second net under it.

A template adds, and takes nothing away. Every instruction of the shipped template must be there word for word, in its
order and in its stage. Beside them there may be stages of its own, which begin with a stage of the same Dockerfile or
with what that begins with itself (the pinned image, or ``base.tar`` and ``added.tar``), and in the last stage COPY from
a stage, ENV, LABEL and EXPOSE. So nothing of its own runs where secrets are mounted, as root in the finished image, or
from another image.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from builder.core.errors import OwnTemplateError
from builder.core.secret_name import is_secret_name
from builder.core.written_secret import list_written_secrets
from builder.dockerfile import read_instructions
from builder.dockerfile.stages import parse_assignments
from builder.image.render.templates import MOST_CHARACTERS
from builder.image.spec.allow import find_invisible
from builder.image.spec.types import EnvironmentKey, EnvironmentValue, LabelKey, LabelValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.dockerfile import Instruction
    from builder.image.render.templates import OwnTemplate

IN_OWN_STAGES = ("RUN", "COPY", "ENV", "WORKDIR", "SHELL", "USER")
BASE_FILES = (("ADD", "base.tar /"), ("ADD", "added.tar /"))
"""As the shipped template has them: where that has one stage, there is no other way to begin with its Debian."""
IN_LAST_STAGE = ("COPY", "ENV", "LABEL", "EXPOSE")
_OWN_STAGE = re.compile(r"(?P<base>\S+) [Aa][Ss] (?P<name>[a-z][a-z0-9-]*)")
_STAGE_NAME = re.compile(r".* [Aa][Ss] (\S+)")
_DIRECTIVE = re.compile(r"\s*#\s*(syntax|escape|check)\s*=", re.IGNORECASE)
_FLAG = re.compile(r"\s*(--[^\s]+)")
_COPY_FLAGS = ("--from", "--link", "--chmod", "--chown")
_RUN_FLAGS = ("--mount", "--network")
_MOUNT_TYPES = ("bind", "cache", "tmpfs")
_ADAPTERS: dict[str, tuple[TypeAdapter[str], TypeAdapter[str]]] = {
    "ENV": (TypeAdapter(EnvironmentKey), TypeAdapter(EnvironmentValue)),
    "LABEL": (TypeAdapter(LabelKey), TypeAdapter(LabelValue)),
}


@dataclass
class _Reading:
    """How far the text was read. ``own``: in a stage of the template's own, ``empty``: which began with nothing."""

    images: frozenset[str]
    """What the shipped template takes from a registry, by digest."""
    stages: set[str] = field(default_factory=set)
    own: bool = False
    empty: bool = False
    last: bool = False


class _RefusedInstructionError(Exception):
    def __init__(self, line: int, message: str, hint: str) -> None:
        super().__init__(message)
        self.line = line
        self.hint = hint


def check_own_dockerfile(text: str, shipped: str, template: OwnTemplate) -> None:
    """Raise :class:`OwnTemplateError`, with the template's file and line, unless ``text`` only adds to ``shipped``."""
    try:
        _check_characters(text)
        _check_instructions(read_instructions(text), read_instructions(shipped))
    except _RefusedInstructionError as error:
        raise OwnTemplateError(str(error), where=template.find_line(error.line), hint=error.hint) from error


def _check_characters(text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise _RefusedInstructionError(1, f"it makes {len(text):,} characters", f"{MOST_CHARACTERS:,} are the most")
    for number, line in enumerate(text.split("\n"), 1):
        if find_invisible(line.replace("\t", " ")) is not None:
            hint = "write visible characters, and lines that end with a newline alone"
            raise _RefusedInstructionError(number, f"{line[:60]!a} has a character that cannot be seen", hint)
        if _DIRECTIVE.match(line):
            hint = "remove the line: it would choose another parser for the whole file"
            raise _RefusedInstructionError(number, f"{line[:60]!a} is a directive", hint)


def _check_instructions(found: tuple[Instruction, ...], planned: tuple[Instruction, ...]) -> None:
    last_stage = max((index for index, one in enumerate(planned) if one.name == "FROM"), default=0)
    planned_values = _collect_values(planned[last_stage:])
    reading, position = _Reading(_list_images(planned)), 0
    for one in found:
        expected = planned[position] if position < len(planned) else None
        if expected is not None and one == _move_line(expected, one.line):
            if reading.own and one.name != "FROM":
                raise _make_missing_error(expected, one.line)  # it would run in another stage than planned
            stages = reading.stages | _list_stage_names(one)
            reading = _Reading(reading.images, stages, last=position >= last_stage)
            position += 1
            continue
        is_later = any(one == _move_line(other, one.line) for other in planned[position + 1 :])
        if expected is not None and is_later and (one.name == "FROM" or not reading.own):
            raise _make_missing_error(expected, one.line)
        _check_added(one, reading, planned_values)
    if position < len(planned):
        raise _make_missing_error(planned[position], found[-1].line if found else 1)


def _make_missing_error(missing: Instruction, line: int) -> _RefusedInstructionError:
    text = _shorten(f"{missing.name} {missing.value}")
    return _RefusedInstructionError(
        line,
        f"what the shipped template says before this is missing: {text}",
        "a template only adds: write {{ super() }} in the block that you override",
    )


def _move_line(one: Instruction, line: int) -> Instruction:
    shift = line - one.line
    heredocs = tuple(replace(heredoc, line=heredoc.line + shift) for heredoc in one.heredocs)
    return replace(one, line=line, heredocs=heredocs)


def _check_added(one: Instruction, reading: _Reading, planned: dict[str, set[str]]) -> None:
    if one.name == "FROM":
        _check_own_stage(one, reading)
        return
    if reading.empty and (one.name, one.value) in BASE_FILES:
        return
    allowed = IN_OWN_STAGES if reading.own else IN_LAST_STAGE if reading.last else ()
    if one.name not in allowed:
        place = "in a stage of its own" if reading.own else "in the last stage" if reading.last else "in this stage"
        hint = f"{place} a template adds {', '.join(allowed)}" if allowed else "add it to a stage of its own (FROM)"
        raise _RefusedInstructionError(one.line, f"{one.name} may not be added {place}", hint)
    if one.name in ("COPY", "RUN"):
        _check_flags(one, reading)
    if reading.last and one.name == "EXPOSE" and not re.fullmatch(r"[0-9]{1,5}(/tcp|/udp)?", one.value):
        raise _RefusedInstructionError(one.line, f"EXPOSE {_shorten(one.value)} is not a port", "write one number")
    if reading.last and one.name in _ADAPTERS:
        _check_pairs(one, planned)


def _check_own_stage(one: Instruction, reading: _Reading) -> None:
    match = _OWN_STAGE.fullmatch(one.value)
    known = {"scratch", *reading.images, *reading.stages}
    if match is None or match["base"] not in known or match["name"] in reading.stages:
        hint = f"write FROM STAGE AS NAME, with a new name; STAGE may be {', '.join(sorted(known))}"
        raise _RefusedInstructionError(one.line, f"FROM {_shorten(one.value)} begins with no stage of this file", hint)
    reading.own, reading.last, reading.empty = True, False, match["base"] == "scratch"
    reading.stages.add(match["name"])


def _check_flags(one: Instruction, reading: _Reading) -> None:
    known = _COPY_FLAGS if one.name == "COPY" else _RUN_FLAGS
    for flag in _iterate_flags(one.value):
        name, _, value = flag.partition("=")
        if name not in known or re.search(r"[$\"'\\`]", flag) or not _is_harmless_flag(name, value, reading):
            hint = f"of its flags {', '.join(known)}, from a stage of this file, without secrets, variables and quotes"
            raise _RefusedInstructionError(one.line, f"{one.name} {_shorten(flag)} may not be added", hint)
    if (
        one.name == "COPY"
        and reading.last
        and not any(flag.startswith("--from=") for flag in _iterate_flags(one.value))
    ):
        hint = "write COPY --link --from=STAGE; a stage of its own can make the file"
        raise _RefusedInstructionError(one.line, "COPY in the last stage names no stage to copy from", hint)


def _is_harmless_flag(name: str, value: str, reading: _Reading) -> bool:
    match name:
        case "--from":
            return value in reading.stages
        case "--network":
            return value in ("none", "default")
        case "--mount":
            pairs = [(key.lower(), text) for key, _, text in (part.partition("=") for part in value.split(","))]
            types = {text for key, text in pairs if key == "type"}
            origins = {text for key, text in pairs if key == "from"}
            caches = {text for key, text in pairs if key == "id"}
            return types <= set(_MOUNT_TYPES) and origins <= reading.stages and not _is_ours(caches)
        case _:
            return True


def _is_ours(caches: set[str]) -> bool:
    return any(name.startswith("optbuild") for name in caches)


def _iterate_flags(value: str) -> Iterator[str]:
    position = 0
    while match := _FLAG.match(value, position):
        yield match[1]
        position = match.end()


def _check_pairs(one: Instruction, planned: dict[str, set[str]]) -> None:
    """A key and a value as the spec would take them, none that is set already, and no secret."""
    keys, values = _ADAPTERS[one.name]
    for key, value in parse_assignments(one).items():
        try:
            keys.validate_python(key)
            values.validate_python(value or "")
        except ValidationError as error:
            message = f"{one.name} {_shorten(key)}: {error.errors()[0].get('ctx', {}).get('error')}"
            hint = "what image.labels and image.env of the spec take, a template may add"
            raise _RefusedInstructionError(one.line, message, hint) from error
        if key in planned[one.name]:
            raise _RefusedInstructionError(one.line, f"{one.name} {key} is set already", "choose another key")
        if is_secret_name(key) or list_written_secrets(f"{key}={value}"):
            hint = "give it to the container when it starts: everybody who has the image can read it"
            raise _RefusedInstructionError(one.line, f"{one.name} {key} looks like a secret", hint)


def _collect_values(planned: tuple[Instruction, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {name: set() for name in _ADAPTERS}
    for one in planned:
        if one.name in found:
            found[one.name] |= set(parse_assignments(one))
    return found


def _list_images(planned: tuple[Instruction, ...]) -> frozenset[str]:
    begun = (one.value.partition(" ")[0] for one in planned if one.name == "FROM")
    return frozenset(image for image in begun if "@" in image)


def _list_stage_names(one: Instruction) -> set[str]:
    match = _STAGE_NAME.fullmatch(one.value) if one.name == "FROM" else None
    return {match[1]} if match else set()


def _shorten(text: str) -> str:
    return text if len(text) <= 100 else text[:97] + "..."
