"""The commands that a service starts: the words of each, also those inside ``bash -c "…"``."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from builder.dockerfile.shell import ASSIGNMENT, SHELLS, split_simple_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service

# Fewer than dockerfile/shell.py follows, and without their options: these words decide what a service is taken for.
_WRAPPERS = frozenset(
    {"exec", "nohup", "time", "sudo", "command", "dumb-init", "tini", "env", "--", "then", "do", "{", "("}
)
_USER_WRAPPERS = frozenset({"gosu", "su-exec"})


def parse_commands(service: Service) -> tuple[tuple[str, ...], ...]:
    """Every simple command of entrypoint and command, without ``exec``, ``gosu USER`` and variables before it.

    What the image itself starts is not among them. Shell constructs are not understood, only skipped.
    """
    words = (*(service.entrypoint or ()), *(service.command or ()))
    return _split_commands(words)


@lru_cache(maxsize=1024)  # several rules ask, and services often have one script in common
def _split_commands(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(_iterate_commands(words))


def _iterate_commands(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    words = _strip_wrappers(words)
    if not words:
        return
    script = _find_script(words)
    if script is None:
        yield words
        return
    for part in split_simple_commands(script):
        yield from _iterate_commands(part)


def _find_script(words: tuple[str, ...]) -> str | None:
    """The command that a shell runs; None when the first word is not a shell with ``-c``."""
    if words[0].rpartition("/")[2] not in SHELLS:
        return None
    for position, word in enumerate(words[1:], 1):  # -c may be combined with other letters
        if not word.startswith("-"):
            return None
        if not word.startswith("--") and word.endswith("c"):
            return words[position + 1] if position + 1 < len(words) else ""
    return None


def _strip_wrappers(words: tuple[str, ...]) -> tuple[str, ...]:
    while words:
        first = words[0].rpartition("/")[2] or words[0]
        if first in _USER_WRAPPERS:
            words = words[2:]
        elif first in _WRAPPERS or ASSIGNMENT.fullmatch(words[0]):
            words = words[1:]
        else:
            break
    return words
