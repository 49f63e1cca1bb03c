"""``$X`` and ``${X:-default}`` in a text: one grammar for compose files, ``.env`` files and Dockerfiles.

The grammar is compose-go's (``template/template.go``), which takes all that a Dockerfile may write ("Environment
replacement" in its reference). What becomes of a variable without a value differs: that is the policy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NESTED = 20
"""How deep ``${X:-${Y:-z}}`` is followed; what is deeper stays as it is written."""
MOST_CHARACTERS = 1_000_000
"""Of a text with its variables replaced; what would be longer stays as it is written. Forty lines, each of which names
the one before it twice, would be a terabyte."""
_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|(?P<named>[A-Za-z_][A-Za-z0-9_]*)|\{)")
_BRACED = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:?[-?+])(?P<word>.*))?", re.DOTALL)
_BRACES = re.compile(r"\$\{|\}")


@dataclass(frozen=True)
class Policy:
    """``unset``: what stands for a variable that has neither value nor default; ``required``: for ``${X:?}`` without
    a value. None: it stays as it is written."""

    unset: str | None
    required: str | None
    escapes: bool
    """``$$`` is a dollar sign."""


def replace_variables(text: str, variables: Mapping[str, str], policy: Policy) -> str:
    """The text with ``$X``, ``${X}``, ``${X:-y}``, ``${X:+y}``, ``${X:?y}`` and the like replaced, nested ones too.

    What is not of this grammar (``${``, ``${1}``) stays as it is written.
    """
    return _Replacer(text, variables, policy).replace(0, len(text), 0)


def _match_braces(text: str) -> dict[int, int]:
    """Index behind each ``${`` → index of the brace that closes it."""
    found: dict[int, int] = {}
    waiting: list[int] = []
    for brace in _BRACES.finditer(text):
        if brace[0] != "}":
            waiting.append(brace.end())
        elif waiting:
            found[waiting.pop()] = brace.start()
    return found


class _Replacer:
    def __init__(self, text: str, variables: Mapping[str, str], policy: Policy) -> None:
        self._text, self._variables, self._policy = text, variables, policy
        self._closing = _match_braces(text)

    def replace(self, start: int, end: int, depth: int) -> str:
        """The part of the text from ``start`` to ``end``."""
        if depth > _NESTED:
            return self._text[start:end]
        done, position, length = [], start, 0
        while found := _VARIABLE.search(self._text, position, end):
            if found["escaped"] and not self._policy.escapes:
                done.append(self._text[position : found.start() + 1])
                position = found.start() + 1
                continue
            done.append(self._text[position : found.start()])
            value, position = self._replace_one(found, depth)
            done.append(value)
            length += len(value)
            if length > MOST_CHARACTERS:
                return self._text[start:end]
        return "".join((*done, self._text[position:end]))

    def _replace_one(self, found: re.Match[str], depth: int) -> tuple[str, int]:
        """What stands for the variable that begins at ``found``, and where the text goes on."""
        if found["escaped"]:
            return "$", found.end()
        if found["named"]:
            value, stop = self._variables.get(found["named"], self._policy.unset), found.end()
        else:
            end = self._closing.get(found.end())
            inside = None if end is None else _BRACED.fullmatch(self._text, found.end(), end)
            if end is None or inside is None:
                return found[0], found.end()
            value, stop = self._choose(inside, depth), end + 1
        return (self._text[found.start() : stop] if value is None else value), stop

    def _choose(self, inside: re.Match[str], depth: int) -> str | None:
        """None: it stays as it is written."""
        value, operator = self._variables.get(inside["name"]), inside["operator"] or ""
        there = bool(value) if operator.startswith(":") else value is not None
        match operator[-1:]:
            case "-":
                return value if there else self.replace(*inside.span("word"), depth + 1)
            case "+":
                return self.replace(*inside.span("word"), depth + 1) if there else ""
            case "?":
                return value if there else self._policy.required
            case _:
                return value if there else self._policy.unset
