"""Dockerfiles read back: what a text really says, instruction by instruction.

By dockerfile-parse, which knows no heredocs: they are masked before it reads, and put back afterwards.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.dockerfile.shell_words import split_shell_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ESCAPE = re.compile(r"\s*#\s*escape\s*=\s*([\\`])\s*$", re.IGNORECASE)
_DIRECTIVE = re.compile(r"\s*#\s*[A-Za-z]+\s*=")
_COMMENT = re.compile(r"\s*#")
_HEREDOC = re.compile(r"\d*<<(-?)([\"']?)([A-Za-z0-9_.-]+)\2$")
_WITH_HEREDOC = ("RUN", "COPY", "ADD")
"""The instructions that may have one (Dockerfile reference, "Here-documents")."""


@dataclass(frozen=True)
class Heredoc:
    """The text between ``<<NAME`` and ``NAME``; ``line`` is that of its first line."""

    name: str
    body: str
    line: int
    last_line: int = field(default=0, compare=False)
    """That of its second ``NAME``."""


@dataclass(frozen=True)
class Instruction:
    """One instruction; ``value`` with line continuations resolved, ``line`` counts from 1."""

    name: str
    value: str
    line: int
    heredocs: tuple[Heredoc, ...] = ()
    source: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """The lines it takes in the file, without heredocs; comments and blank lines in it are empty."""
    escape: str = field(default="\\", repr=False, compare=False)
    inherited: bool = field(default=False, compare=False)
    """An ONBUILD elsewhere has it; ``line`` is that of the ONBUILD, maybe in another file."""

    @property
    def last_line(self) -> int:
        """With its heredocs."""
        return max(self.line + max(len(self.source), 1) - 1, *(heredoc.last_line for heredoc in self.heredocs), 0)


@dataclass(frozen=True)
class Dockerfile:
    """A parsed Dockerfile; ``labels`` and ``environment`` are the last stage's, unquoted and unescaped."""

    instructions: tuple[Instruction, ...]
    labels: dict[str, str]
    environment: dict[str, str]


def parse_dockerfile(text: str) -> Dockerfile:
    """Read ``text``; comments are dropped, and no line of a heredoc is taken for an instruction.

    Raises ValueError for an ENV, ARG or LABEL that dockerfile-parse does not understand (``ARG X=1 Y``).
    """
    instructions = read_instructions(text)
    values = _collect_values(instructions)
    return Dockerfile(instructions, values["LABEL"], values["ENV"])


def read_instructions(text: str) -> tuple[Instruction, ...]:
    """The instructions alone, of any text: for files that somebody else wrote."""
    from dockerfile_parse import DockerfileParser  # plans of projects without a Dockerfile skip it

    masked = _mask_heredocs(text)
    parser = DockerfileParser(fileobj=io.BytesIO(masked.text.encode()), env_replace=False)
    return tuple(_make_instruction(entry, masked) for entry in parser.structure if entry["instruction"] != "COMMENT")


def _collect_values(instructions: Iterable[Instruction]) -> dict[str, dict[str, str]]:
    """What LABEL, ENV and ARG set in the last stage. dockerfile-parse has a property of each, which reads all three and
    the whole file anew."""
    from dockerfile_parse.util import extract_key_values

    values: dict[str, dict[str, str]] = {"LABEL": {}, "ENV": {}, "ARG": {}}
    for one in instructions:
        if one.name == "FROM":
            values = {name: {} for name in values}
        elif one.name in values:
            values[one.name].update(extract_key_values(False, {}, {}, one.value))
    return values


@dataclass(frozen=True)
class _MaskedText:
    """The text with the same number of lines, in which heredocs and blank lines of an instruction are comments."""

    text: str
    escape: str
    heredocs: Mapping[int, tuple[Heredoc, ...]]
    """By the number of the line on which their instruction begins."""
    sources: Mapping[int, tuple[str, ...]]


def _make_instruction(entry: Mapping[str, object], masked: _MaskedText) -> Instruction:
    line = int(str(entry["startline"])) + 1
    return Instruction(
        str(entry["instruction"]).upper(),
        str(entry["value"]),
        line,
        masked.heredocs.get(line, ()),
        masked.sources.get(line, ()),
        masked.escape,
    )


def _find_escape(lines: list[str]) -> str:
    for line in lines:
        if match := _ESCAPE.match(line):
            return match[1]
        if not _DIRECTIVE.match(line):
            break
    return "\\"


def _mask_heredocs(text: str) -> _MaskedText:
    lines = text.split("\n")
    escape = _find_escape(lines)
    heredocs: dict[int, tuple[Heredoc, ...]] = {}
    sources: dict[int, tuple[str, ...]] = {}
    index = 0
    while index < len(lines):
        if not lines[index].strip() or _COMMENT.match(lines[index]):
            index += 1
            continue
        start, index = index, _find_last_line(lines, index, escape) + 1
        sources[start + 1] = tuple(_drop_comment(line) for line in lines[start:index])
        for number in range(start + 1, index):
            if not lines[number].strip():
                lines[number] = "#"
        found = []
        for heredoc, end in _iterate_heredocs(lines, index, sources[start + 1], escape):
            lines[index:end] = ["#"] * (end - index)
            index = end
            found.append(heredoc)
        heredocs[start + 1] = tuple(found)
    return _MaskedText("\n".join(lines), escape, heredocs, sources)


def _drop_comment(line: str) -> str:
    return "" if _COMMENT.match(line) else line


def _find_last_line(lines: list[str], first: int, escape: str) -> int:
    """The index of the last line of the instruction that begins at ``first``."""
    index = first
    for index in range(first, len(lines)):
        line = lines[index]
        skipped = index > first and (not line.strip() or _COMMENT.match(line))
        if not skipped and not line.rstrip().endswith(escape):
            break
    return index


def _iterate_heredocs(
    lines: list[str], index: int, source: tuple[str, ...], escape: str
) -> Iterator[tuple[Heredoc, int]]:
    """Each heredoc of an instruction with the index behind its end; the first body begins at ``index``."""
    text = " ".join(line.rstrip().removesuffix(escape) for line in source).strip()
    if "<<" not in text or text.replace("\t", " ").partition(" ")[0].upper() not in _WITH_HEREDOC:
        return
    for word in split_shell_words(text):
        match = _HEREDOC.match(word)
        if match is None:
            continue
        name, tabs = match[3], "\t" if match[1] else ""
        end = index
        while end < len(lines) and lines[end].rstrip("\r").lstrip(tabs or "\0") != name:
            end += 1
        body = "\n".join(lines[index:end])
        line, index = index + 1, min(end + 1, len(lines))
        yield Heredoc(name, body, line, index), index
