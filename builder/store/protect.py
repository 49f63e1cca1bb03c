"""``[protect] images`` of an optbuild.toml, read by itself: what a file says to protect must count also where another
key of it is wrong."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from builder.errors import UnknownProtectionError, Where

if TYPE_CHECKING:
    from pathlib import Path

SPEC_FILE = "optbuild.toml"
_HINT = 'correct it ([protect] images = ["registry.example/base:*"]): what it protects is not known until then'


def protected_by(folder: Path) -> dict[str, str]:
    """Pattern → where it stands. None where there is no such file. Raises UnknownProtectionError."""
    path = folder / SPEC_FILE
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise UnknownProtectionError(f"cannot be read: {error}", where=Where(str(path)), hint=_HINT) from error
    table = document.get("protect", {})
    patterns = table.get("images", []) if isinstance(table, dict) else None
    if not isinstance(patterns, list) or not all(isinstance(one, str) and one for one in patterns):
        raise UnknownProtectionError(
            "is no list of image patterns", where=Where(str(path), key="protect.images"), hint=_HINT
        )
    return dict.fromkeys(patterns, str(path))
