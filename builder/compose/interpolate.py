"""The variables of a project (environment over ``.env``), and text with them filled in.

Only for what has to be known beside Compose: paths of further files, and names where Compose itself refuses to fill
them in. The rules are those of compose-go (``template/template.go``, ``cli/options.go``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.compose.dotenv import read_env_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.compose.model import ProjectFiles

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|(?P<named>[A-Za-z_][A-Za-z0-9_]*)|\{(?P<open>))")
_BRACED = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<how>:?[-?+])(?P<other>.*))?", re.DOTALL)


_YES = frozenset({"1", "t", "T", "TRUE", "true", "True"})
"""What Go's strconv.ParseBool takes for true."""


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """``${X}``, ``${X:-default}`` and the like replaced, nested ones too; ``$$`` becomes ``$``.

    What Compose would refuse (a missing ``${X:?}``, a broken ``${``) stays as it is written.
    """
    done, position = [], 0
    while found := _VARIABLE.search(text, position):
        done.append(text[position : found.start()])
        value, position = _value(text, found, variables)
        done.append(value)
    return "".join((*done, text[position:]))


def _value(text: str, found: re.Match[str], variables: Mapping[str, str]) -> tuple[str, int]:
    """What stands for the variable that begins at ``found``, and where the text goes on."""
    if found["escaped"]:
        return "$", found.end()
    if found["named"]:
        return variables.get(found["named"], ""), found.end()
    end = _closing(text, found.end())
    inside = _BRACED.fullmatch(text, found.end(), end) if end is not None else None
    if end is None or inside is None:
        return text[found.start() : found.end()], found.end()
    value = _choose(inside, variables)
    return (text[found.start() : end + 1] if value is None else value), end + 1


def _choose(inside: re.Match[str], variables: Mapping[str, str]) -> str | None:
    """None: Compose would stop here."""
    value = variables.get(inside["name"])
    how = inside["how"] or "-"
    there = bool(value) if how.startswith(":") else value is not None
    other = substitute(inside["other"] or "", variables)
    match how[-1]:
        case "-":
            return value if there else other
        case "+":
            return other if there else ""
        case _:
            return value if there else None


def _closing(text: str, start: int) -> int | None:
    """Index of the brace that closes the one before ``start``."""
    depth, position = 1, start
    while position < len(text):
        if text.startswith("${", position):
            depth, position = depth + 1, position + 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return None


def variables_of(env: Mapping[str, str], env_files: tuple[Path, ...]) -> dict[str, str]:
    """The environment wins over all files, a later file over an earlier one."""
    found: dict[str, str] = {}
    for path in env_files:
        inner: dict[str, str] = {}
        for name, value in read_env_file(path).entries:
            inner[name] = substitute(value, {**inner, **found, **env})
        found |= inner
    return {**found, **env}


def project_variables(files: ProjectFiles, env: Mapping[str, str]) -> dict[str, str]:
    """What Compose fills into the main files of the project. Values may be secrets."""
    return variables_of(env, env_files_of(files, env))


def env_files_of(files: ProjectFiles, env: Mapping[str, str]) -> tuple[Path, ...]:
    return files.env_files or default_env_file(files.directory, env)


def default_env_file(folder: Path, env: Mapping[str, str]) -> tuple[Path, ...]:
    """``.env`` of the folder, where there is one and COMPOSE_DISABLE_ENV_FILE does not forbid it."""
    path = folder / ".env"
    disabled = env.get("COMPOSE_DISABLE_ENV_FILE", "") in _YES
    return (path,) if path.is_file() and not disabled else ()
