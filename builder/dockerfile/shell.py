"""Shell text cut into simple commands, each with its line: enough to see what a RUN or a start command calls.

It is not a shell: conditions, loops and substitutions are walked over, so a command in a branch counts as called.
Own code, because the one parser of Bash in Python (bashlex) is under the GPL, and ``shlex`` knows neither comments
behind words nor lines, ``$(…)`` or what a Dockerfile continues. All shell text is read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builder.dockerfile.shell_words import ShellText, Token, iterate_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.core.text_edits import Position

ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_KEYWORDS = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "time", "exec", "command", "nohup"})
SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})
_DEPTH = 4
"""How deep ``sh -c "sh -c …"`` is followed."""


@dataclass(frozen=True)
class WordPlace:
    """Where a word stands in the file, quotes included; equal positions: only its end is known."""

    start: Position
    end: Position
    content: ShellText | None = None
    """Its text with the place of each character; None: it is not in the file (the value of a variable)."""


@dataclass(frozen=True)
class ShellCommand:
    """One simple command: ``split_shell_words`` without quotes, keywords and wrappers like ``sudo``."""

    words: tuple[str, ...]
    line: int
    assignments: tuple[str, ...] = ()
    """Names that are set for this command alone (``NAME=value command``)."""
    places: tuple[WordPlace | None, ...] = field(default=(), compare=False, repr=False)
    """Of each word; None: it cannot be told. Empty: of none."""
    extent: tuple[Position, Position] | None = field(default=None, compare=False, repr=False)
    """All of it, with its assignments and wrappers; None for an argument vector."""
    nested: bool = field(default=False, compare=False, repr=False)
    """It stands in the word of another command (``sh -c "…"``), so nothing with quotes can be put into it."""

    def keep_last(self, words: tuple[str, ...]) -> ShellCommand:
        """The same command without what stands before ``words``, which are its last ones."""
        return replace(self, words=words, places=self.places[len(self.places) - len(words) :] if self.places else ())

    @property
    def program(self) -> str:
        """The first word without its folder; empty where there is none."""
        return self.words[0].rpartition("/")[2] if self.words else ""


def split_simple_commands(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of each simple command of ``text``, without quotes; keywords, variables and wrappers stay."""
    return tuple(tuple(token.text for token in group) for group in _iterate_groups(ShellText(text), 1))


def parse_shell_commands(
    text: str, line: int = 1, variables: Mapping[str, str] | None = None, *, column: int = 0
) -> tuple[ShellCommand, ...]:
    """The simple commands of ``text``, in order; what ``sh -c`` and the like start is among them.

    ``line`` and ``column`` are where its first character stands in the file.
    """
    source = ShellText(text, line, column)
    return tuple(_iterate_script_commands(source, line, dict(variables or {}), 0))


def parse_argv(
    argv: tuple[str, ...], line: int = 1, places: tuple[WordPlace | None, ...] = ()
) -> tuple[ShellCommand, ...]:
    """The commands that an argument vector starts: itself, or those of the script behind ``sh -c``."""
    return tuple(_iterate_unwrapped(ShellCommand(argv, line, places=places), {}, 0))


def _iterate_script_commands(
    source: ShellText, line: int, variables: dict[str, str], depth: int
) -> Iterator[ShellCommand]:
    for group in _iterate_groups(source, line):
        yield from _expand_group(group, variables, depth)


def _iterate_groups(source: ShellText, line: int) -> Iterator[list[Token]]:
    """What is between separators: at least one word each."""
    group: list[Token] = []
    for token in iterate_tokens(source, line):
        if not token.separator:
            group.append(token)
        elif group:
            yield group
            group = []
    if group:
        yield group


def _expand_group(group: list[Token], variables: dict[str, str], depth: int) -> Iterator[ShellCommand]:
    """One command; a bare assignment is remembered instead."""
    words: list[str] = []
    places: list[WordPlace | None] = []
    first = group[0]
    assigned: dict[str, str] = {}
    for token in group:
        if not words and (match := ASSIGNMENT.fullmatch(token.text)):
            assigned[match[1]] = match[2]
            continue
        if not words and token.text in _KEYWORDS:
            continue
        first = first if words else token
        found = _expand_token(token, variables)
        words += found
        places += _place_words(token, found)
    if not words:
        variables.update(assigned)
        return
    if words[0] == "export":
        variables.update((match[1], match[2]) for word in words[1:] if (match := ASSIGNMENT.fullmatch(word)))
    begin = next(token for token in group if token is first or ASSIGNMENT.fullmatch(token.text))
    command = ShellCommand(
        tuple(words), first.line, tuple(assigned), tuple(places), (begin.start, group[-1].end), depth > 0
    )
    yield from _iterate_unwrapped(command, variables, depth)


def _expand_token(token: Token, variables: Mapping[str, str]) -> list[str]:
    """A word that is one known variable becomes its words; all else stays."""
    match = _VARIABLE.fullmatch(token.text)
    value = variables.get(match[1] or match[2]) if match else None
    if value is None:
        return [token.text]
    return [value] if token.quoted else value.split()


def _place_words(token: Token, words: list[str]) -> list[WordPlace | None]:
    """Of a variable's words the last one ends where the variable does; the others stand nowhere."""
    if words == [token.text]:
        return [WordPlace(token.start, token.end, token.content)]
    return [*[None] * (len(words) - 1), WordPlace(token.end, token.end)] if words else []


def _iterate_unwrapped(command: ShellCommand, variables: dict[str, str], depth: int) -> Iterator[ShellCommand]:
    """Follow ``sh -c``, ``su -c``, ``sudo``, ``env``, ``gosu``, ``dumb-init`` and the like to what they start."""
    program, rest = command.program, command.words[1:]
    script = _find_shell_script(program, rest)
    if script is not None and depth < _DEPTH:
        place = command.places[script] if command.places else None
        found = _iterate_script_commands(
            (place and place.content) or ShellText(command.words[script]), command.line, dict(variables), depth + 1
        )
        known = place is not None and place.content is not None
        yield from found if known else (replace(one, places=(), extent=None) for one in found)
        return
    inner = _strip_wrapper(program, rest)
    if inner and depth < _DEPTH:
        yield from _iterate_unwrapped(command.keep_last(inner), variables, depth + 1)
        return
    if command.words:
        yield command


def _find_shell_script(program: str, rest: tuple[str, ...]) -> int | None:
    """The number of the word behind ``-c`` (or ``-lc``, ``-ec``), the program itself being 0."""
    if program not in (*SHELLS, "su", "runuser"):
        return None
    for index, word in enumerate(rest[:-1]):
        if re.fullmatch(r"-[a-zA-Z]*c", word):
            return index + 2
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


_WITH_VALUE = {
    "sudo": ("-u", "-g", "--user"),
    "env": ("-u",),
    "timeout": ("-k", "-s"),
    "nice": ("-n",),
    "xargs": ("-a", "--arg-file", "-n", "-P", "-I", "-L", "-d", "-s", "-E"),
}


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
