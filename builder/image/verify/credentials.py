"""Secrets in what an image says of itself: environment, labels, commands, history. Nothing of a value is ever told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from builder.core.file_secrets import find_file_secrets
from builder.core.redact import mask_text
from builder.core.secret_name import is_secret_name
from builder.core.written_secret import list_written_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CONFIG_HINT = (
    "give it to the container when it starts (env_file:, a secret, NAME_CMD or a secrets backend), to a build by RUN "
    "--mount=type=secret; replace what was in an image that others have"
)
_COMMANDS = {"Cmd": "the command", "Entrypoint": "the entrypoint", "Shell": "the shell", "OnBuild": "an ONBUILD step"}
_SIGNS = re.compile(r"^-+|[:=]")
_SHOWN = 100
"""Characters of a step of the history."""


def find_config_secrets(
    attrs: Mapping[str, Any], history: Sequence[str], forbidden: tuple[bytes, ...] = ()
) -> tuple[str, ...]:
    """A sentence for each place that holds a secret. ``attrs``: the engine's description; ``history``: oldest first."""
    places = (*_list_places(attrs.get("Config") or {}, attrs), *_list_steps(history, forbidden))
    return tuple(
        dict.fromkeys(f"{place} holds {what}" for place, text in places for what in _find(text, forbidden)[:1])
    )


def _list_places(config: Mapping[str, Any], attrs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(where, text) of the configuration."""
    for text in config.get("Env") or ():
        yield f"the environment variable {text.partition('=')[0]}", text
    for name, value in (config.get("Labels") or {}).items():
        yield f"the label {name}", f"{name}={value}" if is_secret_name(name) else _keep_addresses(value)
    for key, place in _COMMANDS.items():
        yield place, " ".join(map(str, config.get(key) or ()))
    yield "the health check", " ".join(map(str, (config.get("Healthcheck") or {}).get("Test") or ()))
    for key in ("Author", "Comment"):
        yield f"the image's {key.lower()}", str(attrs.get(key) or "")


def _keep_addresses(prose: str) -> str:
    """A label describes: "the password: see the wiki" is not one. Tokens show by themselves, passwords in addresses."""
    return " ".join(word if "://" in word else _SIGNS.sub(" ", word) for word in prose.split())


def _list_steps(history: Sequence[str], forbidden: tuple[bytes, ...]) -> Iterator[tuple[str, str]]:
    """With its beginning, where that can be shown without what is secret in it."""
    for number, text in enumerate(history, 1):
        words = " ".join(mask_text(text).split())
        shown = f" ({words[:_SHOWN]}{'...' if len(words) > _SHOWN else ''})" if not _find(words, forbidden) else ""
        yield f"step {number} of the history{shown}", text


def _find(text: str, forbidden: tuple[bytes, ...]) -> list[str]:
    """What secrets the text holds, in words."""
    found = list(find_file_secrets("", text.encode("utf-8", "surrogateescape"), forbidden))
    written = list_written_secrets(text)
    return found + [f"the value of {name}" if name else "a password" for name, _ in written]
