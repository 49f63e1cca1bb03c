"""Option values that are what they must be already: typer would import pydantic (0.13 s) to find that out.

Typer makes a pydantic model for each option that is given or has a default (0.29, ``typer/_coercion.py``). Its answer
for a text, a list of texts, a flag, a choice or a path is known without one. Whatever is not as plain as that goes to
typer as before, and so does everything where typer is built in another way.

There is no public way to set a parameter's converter, so a private slot of ``typer/core.py`` is filled. Therefore
pyproject.toml pins typer's minor version; a test checks whether the slot is still there and still used.
"""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

_SLOT = "_runtime_param"
"""Where typer keeps the thing that converts a value; empty until the first value."""


def skip_conversion(parameter: Any) -> None:
    """Put the short way before typer's own."""
    if getattr(parameter, _SLOT, parameter) is None and hasattr(parameter, "type_descriptor"):
        setattr(parameter, _SLOT, _UnconvertedParam())


class _UnconvertedParam:
    """What typer calls with a value, see ``RuntimeParam`` there."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        kind = param.type_descriptor
        short = None if _needs_path_check(kind.parameter_info) else convert_simple_value(value, kind.annotation)
        if short is not None:
            return short
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        setattr(param, _SLOT, None)
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _needs_path_check(info: Any) -> bool:
    """Whether a path has to be more than readable where it is there; typer's defaults."""
    wishes = (info.exists, info.writable, info.resolve_path, info.allow_dash, info.path_type)
    return any(wishes) or not (info.file_okay and info.dir_okay and info.readable)


def convert_simple_value(value: Any, annotation: Any) -> Any:
    """The value as the command gets it; None: typer must convert it."""
    if annotation in {str, bool} and type(value) is annotation:
        return value
    if get_origin(annotation) is list and get_args(annotation) == (str,) and isinstance(value, list | tuple):
        return list(value) if all(type(item) is str for item in value) else None
    if annotation is Path and isinstance(value, str | Path):
        return Path(value) if _is_missing_or_readable(value) else None
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next((member for member in annotation if value in (member, member.value)), None)
    return None


def _is_missing_or_readable(path: str | Path) -> bool:
    """Typer refuses a path that is there and cannot be read, in its own words."""
    try:
        os.stat(path)  # noqa: PTH116 - as typer asks: Path.exists would raise where a folder is closed
    except OSError:
        return True
    except ValueError:  # a NUL
        return False
    return os.access(path, os.R_OK)
