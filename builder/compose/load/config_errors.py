"""What Compose says when it refuses a project: its own words, without warnings, and without anything secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.core.redact import MASK, MIN_MASKED, find_secret_values, mask_output
from builder.core.secret_name import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOG_LINE = re.compile(r'^time="[^"]*" level=(?P<level>\w+) msg="(?P<text>(?:[^"\\]|\\.)*)"')
_QUOTED = re.compile(r"""(?P<before>[\w.\]]*\W{0,2})(?P<quote>["'`])(?P<text>(?:(?!(?P=quote)).)*)(?:(?P=quote)|$)""")
_NAMED_BEFORE = re.compile(
    r"\b(?:service|services|network|volume|secret|config|key|variable|anchor|profile|resource|property|attribute|"
    r"container|project|file|on|the|decoding|of|driver|name|by|unmarshal|flag|command|docker)\W{0,2}$",
    re.IGNORECASE,
)
"""Words before a quoted name. Behind other words Compose quotes what it read, which may be a password."""
_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
"""What is written so is a variable, which Compose quotes when it is missing."""
_TEMPLATE = re.compile(r"(escape any \$ with another \$\.?\s*).*", re.DOTALL)
"""What follows is the whole text that has a broken variable in it, an environment value for instance."""


def extract_refusal(err: str, variables: Mapping[str, str]) -> str:
    """The refusal in ``err``, what `docker compose` wrote to its error stream; ``variables`` are the project's."""
    lines = []
    for line in err.splitlines():
        found = _LOG_LINE.match(line)
        if found is None:
            lines.append(line.rstrip())
        elif found["level"] in {"error", "fatal", "panic"}:
            lines.append(found["text"].replace('\\"', '"'))
    return mask_texts("\n".join(line for line in lines if line.strip()), variables)


def mask_texts(text: str, variables: Mapping[str, str]) -> str:
    """``text`` without values: those of variables that are named like secrets, logins of addresses, quoted ones."""
    text = mask_output(text, find_secret_values(variables), variables)
    text = _TEMPLATE.sub(rf"\1{MASK}", text)
    return "\n".join(_QUOTED.sub(lambda found: _mask_quoted(found, variables), line) for line in text.splitlines())


def _mask_quoted(found: re.Match[str], variables: Mapping[str, str]) -> str:
    text = found["text"]
    if _NAMED_BEFORE.search(found["before"]) or len(text) < MIN_MASKED or _is_name(text, variables):
        return found.group()
    return f"{found['before']}{found['quote']}{MASK}{found['quote']}"


def _is_name(text: str, variables: Mapping[str, str]) -> bool:
    """Whether it is the name of a variable: the one word that helps."""
    return text in variables or _NAME.fullmatch(text) is not None or (text.isupper() and is_secret_name(text))


def find_error_file(text: str) -> str | None:
    """The compose file that a refusal names."""
    found = re.search(r"(?:validating|parsing|in file|failed to load) (/[^\n]*?\.(?:ya?ml|json))\b", text)
    return found[1] if found else None


def find_error_line(text: str) -> int | None:
    """The line that a refusal names: YAML's, not that of an env file."""
    found = re.search(r"yaml: (?:unmarshal errors:\s+)?line (\d+)", text)
    return int(found[1]) if found else None


def find_error_key(text: str) -> str | None:
    """``services.web.image``, where a refusal names the key."""
    found = re.search(r"\b((?:services|networks|volumes|secrets|configs|include)(?:\.[\w-]+|\[[\w-]+\])+)", text)
    return re.sub(r"\[([\w-]+)\]", r".\1", found[1]) if found else None
