"""Shell text cut into words and separators, each with its place in the file: the lexer below ``shell.py``."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from builder.core.text_edits import Position

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

JOIN = "\x01"
"""A line ended here, but the command goes on: where a Dockerfile continues an instruction."""
_SEPARATORS = ";&|\n()"
_BRACES = ("{", "}")
"""Words of their own; in other words they mean a choice (``{a,b}.whl``) or themselves."""
_CLOSING = {"(": ")", "{": "}", '"': '"'}
_BEHIND = {"$": ("(", "{"), "<": ("(",), ">": ("(",)}
"""What begins a substitution: ``$(…)``, ``${…}``, and bash's ``<(…)`` and ``>(…)``."""
_PLAIN = re.compile(r"(?:[^\s;&|()'\"`\\$\x01<>]++|[<>](?!\())++")
"""What means nothing but itself, and redirections."""


@dataclass(frozen=True)
class ShellText:
    """Text that a shell reads, and where each of its characters stands in the file.

    The text of a word (``sh -c "…"``) is one as well: without quotes and backslashes, its characters have gaps.
    """

    text: str
    line: int = 1
    column: int = 0
    """Of the first character."""
    outer: ShellText | None = field(default=None, repr=False)
    places: Sequence[int] = field(default=(), repr=False)
    """Of each character the offset in ``outer``."""

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer(rf"[\n{JOIN}]", self.text))]

    def locate(self, offset: int) -> Position:
        """Where the character at ``offset`` stands in the file."""
        if self.outer is not None:
            return self.outer.locate(self.places[offset])
        index = bisect_right(self._starts, offset) - 1
        return Position(self.line + index, offset - self._starts[index] + (0 if index else self.column))

    def locate_behind(self, offset: int) -> Position:
        """The place right behind the character before ``offset``."""
        if not offset:
            return self.locate(0)
        before = self.locate(offset - 1)
        return Position(before.line, before.column + 1)


@dataclass(frozen=True)
class Token:
    """A word, or a separator; ``text`` without quotes unless they are to be kept."""

    text: str
    line: int
    start: Position
    end: Position
    separator: bool = False
    quoted: bool = False
    content: ShellText | None = field(default=None, repr=False)
    """``text`` with the place of each character; None where quotes are kept."""


def split_shell_words(text: str) -> tuple[str, ...]:
    """The words of ``text`` as they are written, quotes included."""
    return tuple(token.text for token in iterate_tokens(ShellText(text), 1, keep_quotes=True) if not token.separator)


@dataclass
class _Scanner:
    """How far ``source`` was read."""

    source: ShellText
    line: int
    at: int = 0
    unclosed: bool = False
    """A bracket was never closed: looking for the end of each further one would read the rest again and again."""

    @cached_property
    def text(self) -> str:
        return self.source.text

    def find_closing(self) -> int:
        end = 0 if self.unclosed else _find_closing(self.text, self.at)
        self.unclosed = not end
        return end

    def take(self) -> str:
        character = self.text[self.at]
        self.at += 1
        self.line += character in ("\n", JOIN)
        return character

    @property
    def next(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""


@dataclass
class _Word:
    """The characters of a word as they are collected, with their offsets."""

    text: str = ""
    places: list[int] = field(default_factory=list)

    def add(self, text: str, start: int) -> None:
        self.text += text
        self.places.extend(range(start, start + len(text)))

    def extend(self, other: _Word) -> None:
        self.text += other.text
        self.places += other.places


def iterate_tokens(source: ShellText, line: int, *, keep_quotes: bool = False) -> Iterator[Token]:
    """Words and separators in order; ``line`` is that of the first character. Comments are left out."""
    scanner = _Scanner(source, line)
    while character := scanner.next:
        if character == "#":
            while scanner.next not in ("", "\n"):
                scanner.take()
        elif character in _SEPARATORS and not scanner.text.startswith("&>", scanner.at):
            at, start = scanner.line, scanner.at
            yield _make_token(scanner, scanner.take(), at, start, separator=True)
        elif character.isspace() or character == JOIN or scanner.text.startswith("\\\n", scanner.at):
            scanner.at += character == "\\"
            scanner.take()
        else:
            yield _read_word(scanner, keep_quotes=keep_quotes)


def _make_token(scanner: _Scanner, text: str, line: int, start: int, *, separator: bool) -> Token:
    source = scanner.source
    return Token(text, line, source.locate(start), source.locate_behind(scanner.at), separator)


def _read_word(scanner: _Scanner, *, keep_quotes: bool) -> Token:
    line, start, found, quoted = scanner.line, scanner.at, _Word(), False
    while (character := scanner.next) and not character.isspace() and not _ends_word(scanner, start):
        if plain := _PLAIN.match(scanner.text, scanner.at):
            found.add(plain[0], scanner.at)
            scanner.at = plain.end()
            continue
        at = scanner.at
        scanner.take()
        if character in "'\"`" and (inside := _read_quoted(scanner, character, to_end=keep_quotes)) is not None:
            quoted = True
            kept = character if keep_quotes or character == "`" else ""
            found.add(kept, at)
            found.extend(inside)
            found.add(kept, scanner.at - 1)
        elif character == "\\" and scanner.next:
            following = scanner.take()
            found.add("" if following == "\n" else following, scanner.at - 1)
        elif scanner.next in _BEHIND.get(character, ()):
            found.add(character, at)
            _take_until(scanner, found, _find_closing(scanner.text, scanner.at) or len(scanner.text))
        elif character != JOIN:
            found.add(character, at)
    if found.text in _BRACES and scanner.at == start + 1:
        return _make_token(scanner, found.text, line, start, separator=True)
    source = scanner.source
    content = None if keep_quotes else ShellText(found.text, outer=source, places=tuple(found.places))
    return Token(
        found.text, line, source.locate(start), source.locate_behind(scanner.at), quoted=quoted, content=content
    )


def _ends_word(scanner: _Scanner, start: int) -> bool:
    """Whether a separator stands here; in ``2>&1``, ``&>file`` and ``>|file`` it is a part of the redirection."""
    if scanner.next not in _SEPARATORS:
        return False
    before = scanner.text[start : scanner.at][-1:]
    redirects = (scanner.next == "&" and before in ("<", ">")) or (scanner.next == "|" and before == ">")
    return not redirects and not (scanner.at == start and scanner.text.startswith("&>", start))


def _read_quoted(scanner: _Scanner, quote: str, *, to_end: bool) -> _Word | None:
    """The text up to the closing quote. Where there is none: the rest, or None and nothing is taken: no shell runs such
    a text, and what follows a forgotten quote is still to be seen.
    """
    found, start, line = _Word(), scanner.at, scanner.line
    while scanner.next and scanner.next != quote:
        at, character = scanner.at, scanner.take()
        if character == "\\" and quote == '"' and scanner.next:
            following = scanner.take()
            if following not in '\n"\\`$':
                found.add(character, at)
            found.add("" if following == "\n" else following, at + 1)
        elif quote == '"' and character == "$" and scanner.next == "(" and (end := scanner.find_closing()):
            found.add(character, at)
            _take_until(scanner, found, end)
        elif character != JOIN:
            found.add(character, at)
    if scanner.next:
        scanner.take()
    elif not to_end:
        scanner.at, scanner.line = start, line
        return None
    return found


def _take_until(scanner: _Scanner, found: _Word, end: int) -> None:
    """The text as it stands, quotes included."""
    while scanner.at < end:
        at, character = scanner.at, scanner.take()
        found.add("" if character == JOIN else character, at)


def _find_closing(text: str, start: int) -> int:
    """The offset behind what closes the bracket at ``start``; 0: nothing does. What is in quotes closes nothing."""
    open_ones, at = [_CLOSING[text[start]]], start + 1
    while at < len(text) and open_ones:
        character, last = text[at], open_ones[-1]
        if character == last:
            open_ones.pop()
        elif character == "\\":
            at += 1
        elif character == "$" and text[at + 1 : at + 2] in _BEHIND["$"]:
            at += 1
            open_ones.append(_CLOSING[text[at]])
        elif character == '"' or (last != '"' and _CLOSING.get(character) == last):
            open_ones.append(_CLOSING[character])
        elif character == "'" and (last == ")" or '"' not in open_ones):
            at = max(at, text.find(character, at + 1))
        at += 1
    return 0 if open_ones else at
