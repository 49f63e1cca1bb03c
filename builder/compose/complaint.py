"""What Compose says when it refuses a project: its own words, without warnings, and without anything secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "***"
MIN_MASKED = 4
"""Characters. A shorter value would turn every other word into stars."""
_LOG_LINE = re.compile(r'^time="[^"]*" level=(?P<level>\w+) msg="(?P<text>(?:[^"\\]|\\.)*)"')
_QUOTED = re.compile(r"""(?P<before>[\w.\]]*\W{0,2})(?P<quote>["'`])(?P<text>(?:(?!(?P=quote)).)*)(?:(?P=quote)|$)""")
_NAMED_BEFORE = re.compile(
    r"\b(?:service|services|network|volume|secret|config|key|variable|anchor|profile|resource|property|attribute|"
    r"container|project|file|on|the|decoding|of|driver|name|by|unmarshal|flag|command|docker)\W{0,2}$",
    re.IGNORECASE,
)
"""Words before a quoted name. Behind other words Compose quotes what it read, which may be a password."""
_SECRET_NAME = re.compile(r"PASS|_PWD$|SECRET|TOKEN|KEY|CRED|AUTH|CONN|DSN|URL|URI|PRIVATE", re.IGNORECASE)
_TEMPLATE = re.compile(r"(escape any \$ with another \$\.?\s*).*", re.DOTALL)
"""What follows is the whole text that has a broken variable in it, an environment value for instance."""
_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def words(err: str, variables: Mapping[str, str]) -> str:
    """The refusal in ``err``, what `docker compose` wrote to its error stream; ``variables`` are the project's."""
    lines = []
    for line in err.splitlines():
        found = _LOG_LINE.match(line)
        if found is None:
            lines.append(line.rstrip())
        elif found["level"] in {"error", "fatal", "panic"}:
            lines.append(found["text"].replace('\\"', '"'))
    return mask("\n".join(line for line in lines if line.strip()), variables)


def mask(text: str, variables: Mapping[str, str]) -> str:
    """``text`` without values: those of variables that are named like secrets, logins of addresses, quoted ones."""
    values = {value for name, value in variables.items() if _is_secret(name) and len(value) >= MIN_MASKED}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, MASK)
    text = _TEMPLATE.sub(rf"\1{MASK}", _LOGIN.sub(MASK, text))
    return "\n".join(_QUOTED.sub(_unquoted, line) for line in text.splitlines())


def _is_secret(name: str) -> bool:
    """PWD is the current folder, which most refusals name."""
    return name not in {"PWD", "OLDPWD"} and _SECRET_NAME.search(name) is not None


def _unquoted(found: re.Match[str]) -> str:
    if _NAMED_BEFORE.search(found["before"]) or len(found["text"]) < MIN_MASKED:
        return found.group()
    return f"{found['before']}{found['quote']}{MASK}{found['quote']}"


def file_in(text: str) -> str | None:
    """The compose file that a refusal names."""
    found = re.search(r"(?:validating|parsing|in file|failed to load) (/[^\n]*?\.(?:ya?ml|json))\b", text)
    return found[1] if found else None


def line_in(text: str) -> int | None:
    """The line that a refusal names: YAML's, not that of an env file."""
    found = re.search(r"yaml: (?:unmarshal errors:\s+)?line (\d+)", text)
    return int(found[1]) if found else None


def key_in(text: str) -> str | None:
    """``services.web.image``, where a refusal names the key."""
    found = re.search(r"\b((?:services|networks|volumes|secrets|configs|include)(?:\.[\w-]+|\[[\w-]+\])+)", text)
    return re.sub(r"\[([\w-]+)\]", r".\1", found[1]) if found else None
