"""Shell text cut into simple commands, each with its line: enough to see what a RUN or a start command calls.

It is not a shell: conditions, loops and substitutions are walked over, so a command in a branch counts as called.
Own code, because the one parser of Bash in Python (bashlex) is under the GPL, and ``shlex`` knows neither comments
behind words nor lines, ``$(…)`` or what a Dockerfile continues. All shell text is read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

JOIN = "\x01"
"""A line ended here, but the command goes on: where a Dockerfile continues an instruction."""
_SEPARATORS = ";&|\n(){}"
ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_PLAIN = re.compile(r"[^\s;&|(){}'\"`\\$\x01]+")
"""What means nothing but itself."""
_KEYWORDS = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "time", "exec", "command", "nohup"})
SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})
_DEPTH = 4
"""How deep ``sh -c "sh -c …"`` is followed."""


@dataclass(frozen=True)
class ShellCommand:
    """One simple command: ``split_shell_words`` without quotes, keywords and wrappers like ``sudo``."""

    words: tuple[str, ...]
    line: int
    assignments: tuple[str, ...] = ()
    """Names that are set for this command alone (``NAME=value command``)."""

    @property
    def program(self) -> str:
        """The first word without its folder; empty where there is none."""
        return self.words[0].rpartition("/")[2] if self.words else ""


@dataclass(frozen=True)
class _Token:
    text: str
    line: int
    separator: bool = False
    quoted: bool = False


def split_shell_words(text: str) -> tuple[str, ...]:
    """The words of ``text`` as they are written, quotes included."""
    return tuple(token.text for token in _iterate_tokens(text, 1, keep_quotes=True) if not token.separator)


def split_simple_commands(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of each simple command of ``text``, without quotes; keywords, variables and wrappers stay."""
    return tuple(tuple(token.text for token in group) for group in _iterate_groups(text, 1))


def parse_shell_commands(
    text: str, line: int = 1, variables: Mapping[str, str] | None = None
) -> tuple[ShellCommand, ...]:
    """The simple commands of ``text``, in order; what ``sh -c`` and the like start is among them."""
    return tuple(_iterate_script_commands(text, line, dict(variables or {}), 0))


def parse_argv(argv: tuple[str, ...], line: int = 1) -> tuple[ShellCommand, ...]:
    """The commands that an argument vector starts: itself, or those of the script behind ``sh -c``."""
    return tuple(_iterate_unwrapped(ShellCommand(argv, line), {}, 0))


def _iterate_script_commands(text: str, line: int, variables: dict[str, str], depth: int) -> Iterator[ShellCommand]:
    for group in _iterate_groups(text, line):
        yield from _expand_group(group, variables, depth)


def _iterate_groups(text: str, line: int) -> Iterator[list[_Token]]:
    """What is between separators: at least one word each."""
    group: list[_Token] = []
    for token in (*_iterate_tokens(text, line), _Token("\n", line, separator=True)):
        if not token.separator:
            group.append(token)
        elif group:
            yield group
            group = []


def _expand_group(group: list[_Token], variables: dict[str, str], depth: int) -> Iterator[ShellCommand]:
    """One command; a bare assignment is remembered instead."""
    found: list[str] = []
    line = group[0].line
    assigned: dict[str, str] = {}
    for token in group:
        if not found and (match := ASSIGNMENT.fullmatch(token.text)):
            assigned[match[1]] = match[2]
        elif not found and token.text in _KEYWORDS:
            continue
        else:
            line = line if found else token.line
            found += _expand_token(token, variables)
    if not found:
        variables.update(assigned)
        return
    if found[0] == "export":
        variables.update((match[1], match[2]) for word in found[1:] if (match := ASSIGNMENT.fullmatch(word)))
    yield from _iterate_unwrapped(ShellCommand(tuple(found), line, tuple(assigned)), variables, depth)


def _expand_token(token: _Token, variables: Mapping[str, str]) -> list[str]:
    """A word that is one known variable becomes its words; all else stays."""
    match = _VARIABLE.fullmatch(token.text)
    value = variables.get(match[1] or match[2]) if match else None
    if value is None:
        return [token.text]
    return [value] if token.quoted else value.split()


def _iterate_unwrapped(command: ShellCommand, variables: dict[str, str], depth: int) -> Iterator[ShellCommand]:
    """Follow ``sh -c``, ``su -c``, ``sudo``, ``env``, ``gosu``, ``dumb-init`` and the like to what they start."""
    program, rest = command.program, command.words[1:]
    script = _find_shell_script(program, rest)
    if script is not None and depth < _DEPTH:
        yield from _iterate_script_commands(script, command.line, dict(variables), depth + 1)
        return
    inner = _strip_wrapper(program, rest)
    if inner and depth < _DEPTH:
        yield from _iterate_unwrapped(ShellCommand(inner, command.line, command.assignments), variables, depth + 1)
        return
    if command.words:
        yield command


def _find_shell_script(program: str, rest: tuple[str, ...]) -> str | None:
    """What follows ``-c`` (or ``-lc``, ``-ec``)."""
    if program not in (*SHELLS, "su", "runuser"):
        return None
    for index, word in enumerate(rest[:-1]):
        if re.fullmatch(r"-[a-zA-Z]*c", word):
            return rest[index + 1]
        if program in SHELLS and not word.startswith("-") and rest[index - 1] not in ("-o", "+o"):
            return None
    return None


def _strip_wrapper(program: str, rest: tuple[str, ...]) -> tuple[str, ...]:
    """The words of the command that a wrapper starts; empty when ``program`` is not a wrapper."""
    if program in ("exec", "nohup", "command", "time"):
        return rest
    if program in ("gosu", "su-exec"):
        return rest[1:]
    if program in ("sudo", "env", "dumb-init", "tini", "timeout", "nice", "xargs"):
        return _strip_options(program, rest)
    return ()


_WITH_VALUE = {"sudo": ("-u", "-g", "--user"), "env": ("-u",), "timeout": ("-k", "-s"), "nice": ("-n",)}


def _strip_options(program: str, rest: tuple[str, ...]) -> tuple[str, ...]:
    index = 0
    while index < len(rest):
        word = rest[index]
        if word == "--":
            index += 1
            break
        if word.startswith("-"):
            index += 2 if word in _WITH_VALUE.get(program, ()) else 1
        elif program in ("env", "sudo") and ASSIGNMENT.fullmatch(word):
            index += 1
        else:
            break
    return rest[index + 1 :] if program == "timeout" else rest[index:]


@dataclass
class _Scanner:
    """How far ``text`` was read."""

    text: str
    line: int
    at: int = 0

    def take(self) -> str:
        character = self.text[self.at]
        self.at += 1
        self.line += character in ("\n", JOIN)
        return character

    @property
    def next(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""


def _iterate_tokens(text: str, line: int, *, keep_quotes: bool = False) -> Iterator[_Token]:
    scanner = _Scanner(text, line)
    while character := scanner.next:
        if character == "#":
            while scanner.next not in ("", "\n"):
                scanner.take()
        elif character in _SEPARATORS:
            at = scanner.line
            yield _Token(scanner.take(), at, separator=True)
        elif character.isspace() or character == JOIN or scanner.text.startswith("\\\n", scanner.at):
            scanner.at += character == "\\"
            scanner.take()
        else:
            yield _read_word(scanner, keep_quotes=keep_quotes)


def _read_word(scanner: _Scanner, *, keep_quotes: bool) -> _Token:
    line, found, quoted = scanner.line, "", False
    while (character := scanner.next) and not character.isspace() and character not in _SEPARATORS:
        if plain := _PLAIN.match(scanner.text, scanner.at):
            found += plain[0]
            scanner.at = plain.end()
            continue
        scanner.take()
        if character in "'\"`" and (inside := _read_quoted(scanner, character, to_end=keep_quotes)) is not None:
            quoted = True
            found += f"{character}{inside}{character}" if keep_quotes or character == "`" else inside
        elif character == "\\" and scanner.next:
            following = scanner.take()
            found += "" if following == "\n" else following
        elif character == "$" and scanner.next in ("(", "{"):
            found += character + _read_bracketed(scanner)
        elif character != JOIN:
            found += character
    return _Token(found, line, quoted=quoted)


def _read_quoted(scanner: _Scanner, quote: str, *, to_end: bool) -> str | None:
    """The text up to the closing quote. Where there is none: the rest, or None and nothing is taken: no shell runs such
    a text, and what follows a forgotten quote is still to be seen.
    """
    found, start, line = "", scanner.at, scanner.line
    while scanner.next and scanner.next != quote:
        character = scanner.take()
        if character == "\\" and quote == '"' and scanner.next:
            following = scanner.take()
            found += "" if following == "\n" else following if following in '"\\`$' else character + following
        elif character != JOIN:
            found += character
    if scanner.next:
        scanner.take()
    elif not to_end:
        scanner.at, scanner.line = start, line
        return None
    return found


def _read_bracketed(scanner: _Scanner) -> str:
    """``(…)`` or ``{…}`` behind a dollar, brackets in it balanced."""
    opening = scanner.take()
    closing = {"(": ")", "{": "}"}[opening]
    found, depth = opening, 1
    while scanner.next and depth:
        character = scanner.take()
        depth += (character == opening) - (character == closing)
        found += "" if character == JOIN else character
    return found
