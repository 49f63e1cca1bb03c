"""The commands that a service starts: the words of each, also those inside ``bash -c "…"``."""

from __future__ import annotations

import re
import shlex
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh"})
_WRAPPERS = frozenset(
    {"exec", "nohup", "time", "sudo", "command", "dumb-init", "tini", "env", "--", "then", "do", "{", "("}
)
_USER_WRAPPERS = frozenset({"gosu", "su-exec"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SEPARATORS = ";&|\n"
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_SEPARATOR = re.compile(r"&&|\|\||[;&|\n]")
_CONTINUED = re.compile(r"\\\n")


def started(service: Service) -> tuple[tuple[str, ...], ...]:
    """Every simple command of entrypoint and command, without ``exec``, ``gosu USER`` and variables before it.

    What the image itself starts is not among them. Shell constructs are not understood, only skipped.
    """
    words = (*(service.entrypoint or ()), *(service.command or ()))
    return _commands(words)


@lru_cache(maxsize=1024)  # several rules ask, and services often have one script in common
def _commands(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(_simple(words))


def _simple(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    words = _unwrapped(words)
    if not words:
        return
    script = _script(words)
    if script is None:
        yield words
        return
    for part in _parts(_COMMENT.sub("", _CONTINUED.sub(" ", script))):
        yield from _simple(part)


def _script(words: tuple[str, ...]) -> str | None:
    """What a shell is told to run; None when the first word is no shell with ``-c``."""
    if words[0].rpartition("/")[2] not in _SHELLS:
        return None
    for position, word in enumerate(words[1:], 1):  # -c may stand together with other letters
        if not word.startswith("-"):
            return None
        if not word.startswith("--") and word.endswith("c"):
            return words[position + 1] if position + 1 < len(words) else ""
    return None


def _parts(script: str) -> tuple[tuple[str, ...], ...]:
    """The words of each simple command; a separator inside quotes is none."""
    lexer = shlex.shlex(script, posix=True, punctuation_chars=_SEPARATORS)
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t\r", "", True
    try:
        tokens = list(lexer)
    except ValueError:  # a quote that is not closed, or an apostrophe in a comment
        return tuple(tuple(part.split()) for part in _SEPARATOR.split(script))
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token and not token.strip(_SEPARATORS):
            parts.append([])
        else:
            parts[-1].append(token)
    return tuple(tuple(part) for part in parts)


def _unwrapped(words: tuple[str, ...]) -> tuple[str, ...]:
    while words:
        first = words[0].rpartition("/")[2] or words[0]
        if first in _USER_WRAPPERS:
            words = words[2:]
        elif first in _WRAPPERS or _ASSIGNMENT.match(words[0]):
            words = words[1:]
        else:
            break
    return words
