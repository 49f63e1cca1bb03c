"""What a ``.env`` file says, by the rules of compose-go (``dotenv/parser.go``): no other reader has quite the same."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from builder.core.files import read_regular_file

NO_ENV_FILE = Path(os.devnull)
"""As people name it to have no ``.env`` read."""
_SPACE = r"\t\v\f\r \x85\xa0"
_BETWEEN = re.compile(r"(?:\s|#[^\n]*)*")
"""Empty lines and comments."""
_ENTRY = re.compile(
    rf"""(?:export[{_SPACE}]+)? (?P<name>[\w.\-\[\]{_SPACE}]*)
    (?:
        \n | [=:][{_SPACE}]*+
        (?: "(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>(?:[^'\\]|\\.)*)' | (?P<plain>(?!["'])[^\n]*) )
    )
    """,
    re.DOTALL | re.VERBOSE,
)
"""A name alone gets its value from the environment, which wins anyway."""
_ESCAPED = re.compile(r"\\(?:([abfnrtv$\\])|0(\d{0,3}))")
_OCTAL = re.compile("[0-3][0-7]{2}")
_MEANT = dict(zip("abfnrtv$\\", ("\a", "\b", "\f", "\n", "\r", "\t", "\v", "$$", "\\"), strict=True))


@dataclass(frozen=True)
class EnvFile:
    """``entries``: name and value in their order, the value with its variables, ``$$`` for a dollar sign."""

    entries: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    problem: str = ""
    """Why not all of it is known."""


def read_env_file(path: Path) -> EnvFile:
    """Lines that Compose refuses are left out: what it makes of the others may still be asked for."""
    if path == NO_ENV_FILE:
        return EnvFile()
    try:
        text = read_regular_file(path).decode("utf-8", "surrogateescape")  # Compose takes any bytes, but in names
    except OSError as error:
        return EnvFile(problem=f"{path} cannot be read: {error.strerror}")
    return parse_env_text(text.removeprefix("\ufeff") + "\n", path)


def parse_env_text(text: str, path: Path) -> EnvFile:
    entries, problem = [], ""
    position = _skip_blank(text, 0)
    while position < len(text):
        entry = _ENTRY.match(text, position)
        name = entry["name"].rstrip() if entry else ""
        if entry is None or " " in name:
            line = text.count("\n", 0, position) + 1
            problem = problem or f"{path}, line {line}: Compose refuses this line"
            position = text.index("\n", position)
        else:
            position = entry.end()
            value = _parse_value(entry)
            entries += [(name, value)] if value is not None else []
        position = _skip_blank(text, position)
    return EnvFile(tuple(entries), problem)


def _skip_blank(text: str, position: int) -> int:
    found = _BETWEEN.match(text, position)
    return found.end() if found else position


def _parse_value(entry: re.Match[str]) -> str | None:
    if entry["double"] is not None:
        return _ESCAPED.sub(_expand_escape, _unescape_quotes(entry["double"], '"'))
    if entry["single"] is not None:
        return _unescape_quotes(entry["single"], "'").replace("$", "$$")
    return entry["plain"].partition(" #")[0].rstrip() if entry["plain"] is not None else None


def _unescape_quotes(text: str, quote: str) -> str:
    return re.sub(r"\\(.)", lambda one: quote if one[1] == quote else one[0], text, flags=re.DOTALL)


def _expand_escape(found: re.Match[str]) -> str:
    """Compose drops the first zero of what is not an octal number."""
    if found[1]:
        return _MEANT[found[1]]
    return chr(int(found[2], 8)) if _OCTAL.fullmatch(found[2]) else f"\\{found[2]}"
