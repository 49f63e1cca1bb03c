"""What every allowlist of optbuild.toml has in common: nothing invisible, and a refusal that names the next step."""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 4096
"""Of any one value; longer ones are not names, and Docker refuses some of them much later."""


class RefusedError(ValueError):
    """A value that its type does not accept. ``hint`` is the next step."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def quote(text: str) -> str:
    """``text`` for a terminal: quoted, cut, and nothing in it that a terminal would obey."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")


def find_invisible(text: str) -> str | None:
    """The first character that must not be in any value: control and format characters, line separators."""
    return next((c for c in text if unicodedata.category(c)[0] == "C" or unicodedata.category(c) in ("Zl", "Zp")), None)


def check_visible(text: str) -> str:
    """Refuse what cannot be seen; every other check here comes after this one."""
    if len(text) > MAX_LENGTH:  # first: a look at each of millions of characters takes seconds
        raise RefusedError(f"{len(text)} characters are too many", f"write at most {MAX_LENGTH}")
    found = find_invisible(text)
    if found is not None:
        name = unicodedata.name(found, "a control character")
        where = f"U+{ord(found):04X} ({name}) at position {text.index(found) + 1}"
        raise RefusedError(f"{quote(text)} contains {where}", "write it on one line, in characters that can be seen")
    return text


def check_form(pattern: str, text: str, what: str, hint: str) -> str:
    check_visible(text)
    if not re.fullmatch(pattern, text):
        raise RefusedError(f"{quote(text)} is not {what}", hint)
    return text


def check_free_text(text: str, hint: str) -> str:
    r"""The value of a label or of an environment variable: letters and digits of any script, ASCII punctuation.

    Not ``"`` ``'`` ``$`` ``\`` and the backtick: a Dockerfile gives them a meaning, and escaping them right for every
    frontend is more than a label is worth. So JSON does not fit here; it belongs in the run-time environment.
    """
    check_visible(text)
    for character in text:
        if character in "\"'$\\`":
            raise RefusedError(f"{quote(text)} contains {character}, which has a meaning in a Dockerfile", hint)
        if not character.isascii() and unicodedata.category(character)[0] not in "LMN":
            raise RefusedError(
                f"{quote(text)} contains U+{ord(character):04X}", "use letters, digits and ASCII punctuation"
            )
    return text
