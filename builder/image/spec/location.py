"""Where a spec lies: in an optbuild.toml, or in the table ``[tool.optbuild]`` of a pyproject.toml, never in both."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from builder.core.errors import SpecError, Where
from builder.core.files import read_regular_file
from builder.core.naming import SPEC_FILE
from builder.core.toml_text import parse_toml

if TYPE_CHECKING:
    from pathlib import Path

PROJECT_FILE = "pyproject.toml"
"""Of a Python project; its ``[tool.NAME]`` is for the tool of that name (PyPA, "pyproject.toml specification")."""
TOOL_TABLE = ("tool", "optbuild")
_NAMED = re.compile(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*optbuild[ \t]*[\].]", re.MULTILINE)
"""Says of a file that is not valid TOML whether a spec was meant in it."""


def find_spec_file(folder: Path) -> Path | None:
    """The file of ``folder`` that holds the spec; None: there is none. Raises SpecError where two do."""
    own, shared = folder / SPEC_FILE, folder / PROJECT_FILE
    line = find_tool_table(shared)
    if not own.is_file():
        return None if line is None else shared
    if line is not None:
        raise SpecError(
            f"[tool.optbuild] describes the image, and so does {own}",
            where=Where(str(shared), line),
            hint="keep one of the two; the other one would be ignored in silence",
        )
    return own


def find_tool_table(file: Path) -> int | None:
    """The line (from 1) of the table's first header in a pyproject.toml, 1 where it has none of its own; None: there is
    no such table, or the file cannot be read."""
    try:
        text = read_regular_file(file).decode("utf-8-sig")
    except (OSError, ValueError):
        return None
    if TOOL_TABLE[1] not in text:
        return None
    header = _NAMED.search(text)
    try:
        if select_tool_table(parse_toml(text)) is None:
            return None
    except tomllib.TOMLDecodeError:
        if header is None:
            return None
    return text.count("\n", 0, header.start()) + 1 if header else 1


def select_tool_table(document: dict[str, Any]) -> dict[str, Any] | None:
    """``[tool.optbuild]`` of a pyproject.toml; None where it is not there, or is not a table."""
    tools = document.get(TOOL_TABLE[0])
    table = tools.get(TOOL_TABLE[1]) if isinstance(tools, dict) else None
    return table if isinstance(table, dict) else None
