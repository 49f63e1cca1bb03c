"""What made each layer, in one line that can be shown: the values of build arguments and other secrets are masked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK = "***"
LONGEST = 4000
"""Characters that are kept of an instruction."""
_NOP = re.compile(r"^/bin/sh -c #\(nop\)\s+")
"""What the classic builder writes before an instruction that ran nothing."""
_ARGUMENTS = re.compile(r"^(?:RUN )?\|(?P<count>\d+) ")
"""Then so many ``NAME=value``, unquoted, then the shell (moby, ``builder/dockerfile``; BuildKit writes the same)."""
_NAME = re.compile(r"(?:^| )([A-Za-z_]\w*)=")
_DEFAULT_SHELL = ("/bin/sh", "-c")
_BUILDKIT = re.compile(r"\s*# buildkit$")
_SECRET_WORD = r"(?:PASS|PWD|SECRET|TOKEN|KEY|CRED|AUTH|CONN|DSN|PRIVATE)"  # noqa: S105 - words of names
_ASSIGNED = re.compile(
    rf"""(?P<before>(?<![\w-])(?:--?)?[\w.-]*{_SECRET_WORD}[\w.-]*(?:=|:\s+|\s*=\s*))(?P<value>"[^"]*"?|'[^']*'?|\S+)""",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"""(?P<before>(?<!\S)--?[\w-]*{_SECRET_WORD}[\w-]*\s+)(?P<value>"[^"]*"?|'[^']*'?|[^\s-]\S*)""", re.IGNORECASE
)
_BEARER = re.compile(r"(?P<before>\b(?:Bearer|Basic)\s+)(?P<value>[\w.~+/=-]+)", re.IGNORECASE)
_LOGIN = re.compile(r"(?P<before>://)(?P<value>[^/@\s]+)(?=@)")
_ENV = re.compile(r"^(?:ENV|ARG) ")
_PAIR = re.compile(r"""([A-Za-z_][\w.]*)=(?:"[^"]*"|'[^']*'|\S*)""")


def shown(created_by: str, shell: Sequence[str] = ()) -> str:
    """One line of what the image's history says. ``shell`` is the one that the image's configuration names, if any."""
    text = _NOP.sub("", created_by)
    text = _BUILDKIT.sub("", text.strip())
    text = _run(text, tuple(shell) or _DEFAULT_SHELL)
    return _masked(" ".join(text.split()))[:LONGEST]


def _run(text: str, shell: tuple[str, ...]) -> str:
    """``RUN`` and the command, without the shell; of build arguments only the names."""
    before = " ".join(shell) + " "
    arguments = _ARGUMENTS.match(text)
    if arguments is None:
        plain = text.removeprefix("RUN ")
        command = plain.removeprefix(before)
        return text if command == plain else f"RUN {command}"
    rest = text[arguments.end() :]
    values, found, command = rest.rpartition(before)  # the last: a value may hold the shell's words too
    names = _NAME.findall(values if found else rest)
    told = " ".join(f"{name}={MASK}" for name in names) if len(names) == int(arguments["count"]) else MASK
    return f"RUN {told} {command if found else MASK}"


def _masked(text: str) -> str:
    if _ENV.match(text):
        return _PAIR.sub(rf"\1={MASK}", text)
    for expression in (_LOGIN, _BEARER, _ASSIGNED, _OPTION):
        text = expression.sub(rf"\g<before>{MASK}", text)
    return text
