"""Whether a text holds a secret itself: not a reference to one, and not what everybody knows anyway."""

from __future__ import annotations

import re

from builder.core.redact import MASK, mask_value, replace_written
from builder.core.secret_name import split_name
from builder.core.secret_value import is_literal_secret

_FILE = re.compile(r"[\w.-]+\.(?:pem|key|json|crt|txt|ya?ml|env|cfg|ini|toml)")
_KEPT_ELSEWHERE = re.compile(r"(?:KEY|CONN|URL|BACKEND|PASSWORD|AUTH|ARGS)_SECRET$")
"""Such an option is read from Airflow's secrets backend, and the value is a name there (Airflow's documentation,
"Setting Configuration Options")."""
_FINGERPRINT = re.compile(r"(?:0x)?[0-9A-Fa-f]{16,40}")
"""Of an OpenPGP key (RFC 4880, 12.2): python's official images have one in GPG_KEY."""
_USERS = frozenset({"git", "hg", "svn", "anonymous", "oauth2"})
"""Whom everybody may log in as: https://git@host."""


def list_written_secrets(text: str) -> tuple[tuple[str, str], ...]:
    """What :func:`mask_text` would mask in ``text``, short values too: (name, value), the name "" where it has none.

    Left out are what a shell computes (``$(...)``), everyday words (``airflow:airflow`` of the official compose file),
    and what only points to a secret: a file, an entry of a secrets backend, the fingerprint of a public key.
    """
    found: list[tuple[str, str]] = []

    def note(name: str, value: str) -> str:
        masked, bare = mask_value(value), value.strip("\"'")
        if masked != value and not _tells_nothing(name, bare):
            found.append((name, bare))
        return masked

    replace_written(text, note)
    return tuple(found)


def _tells_nothing(name: str, value: str) -> bool:
    password = value.rpartition(":")[2] if not name else value
    if not is_literal_secret(password) or password in _USERS or MASK in value or "`" in value or _FILE.fullmatch(value):
        return True
    if name.startswith("AIRFLOW__") and _KEPT_ELSEWHERE.search(name):
        return True
    return _FINGERPRINT.fullmatch(value) is not None and not {"GPG", "PGP"}.isdisjoint(split_name(name))
