"""``[protect] images`` of a spec, read by itself: what a file says to protect must count also where another
key of it is wrong."""

from __future__ import annotations

import difflib
import tomllib
from typing import TYPE_CHECKING, Any

from builder.core.errors import UnknownProtectionError, Where
from builder.core.naming import SPEC_FILE
from builder.image.spec.location import PROJECT_FILE, find_tool_table, select_tool_table

if TYPE_CHECKING:
    from pathlib import Path

_HINT = 'correct it ([protect] images = ["registry.example/base:*"]): until then it is not known what it protects'


def read_protected_patterns(folder: Path) -> dict[str, str]:
    """Pattern → the place that says it; of both files where a folder has a spec in each. None where there is no spec.
    Raises UnknownProtectionError, and PermissionError where this user may not look: whether there is one is not known
    then."""
    found: dict[str, str] = {}
    for path in (folder / SPEC_FILE, folder / PROJECT_FILE):
        found |= _read_patterns(path)
    return found


def _read_patterns(path: Path) -> dict[str, str]:
    try:
        text = path.read_bytes().decode("utf-8-sig", "strict" if path.name == SPEC_FILE else "replace")
        if path.name == PROJECT_FILE and find_tool_table(path) is None:
            return {}
        document = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        raise UnknownProtectionError(f"cannot be read: {error}", where=Where(str(path)), hint=_HINT) from error
    if path.name == PROJECT_FILE:
        document = select_tool_table(document) or {}
    table = document.get("protect", {})
    if wrong := _find_misspelt_key(document, table):
        key, meant = wrong
        raise UnknownProtectionError(
            "unknown key",
            where=Where(str(path), key=key),
            hint=f"write `{meant}`: until then it is not known what it protects",
        )
    patterns = table.get("images", []) if isinstance(table, dict) else None
    if not isinstance(patterns, list) or not all(isinstance(one, str) and one for one in patterns):
        raise UnknownProtectionError(
            "is not a list of image patterns", where=Where(str(path), key="protect.images"), hint=_HINT
        )
    return dict.fromkeys(patterns, str(path))


def _find_misspelt_key(document: dict[str, Any], table: object) -> tuple[str, str] | None:
    """The key and what to write instead; None: whatever is wrong in the file, it is not about protection."""
    near = difflib.get_close_matches("protect", document.keys() - {"protect"}, n=1)
    if near:
        return near[0], "[protect]"
    other = sorted(table.keys() - {"images"}) if isinstance(table, dict) else []
    return (f"protect.{other[0]}", "images") if other else None
