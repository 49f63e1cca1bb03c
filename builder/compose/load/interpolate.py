"""The variables of a project (environment over ``.env``), and text with them filled in.

Only for what has to be known beside Compose: paths of further files, and names where Compose itself refuses to fill
them in. The rules are those of compose-go (``template/template.go``, ``cli/options.go``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.load.dotenv import read_env_file
from builder.core.variables import Policy, replace_variables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.compose.model import ProjectFiles

_COMPOSE = Policy(unset="", required=None, escapes=True)
_YES = frozenset({"1", "t", "T", "TRUE", "true", "True"})
"""What Go's strconv.ParseBool takes for true."""


def interpolate_text(text: str, variables: Mapping[str, str]) -> str:
    """``${X}``, ``${X:-default}`` and the like replaced, nested ones too; ``$$`` becomes ``$``.

    What Compose would refuse (a missing ``${X:?}``, a broken ``${``) stays as it is written.
    """
    return replace_variables(text, variables, _COMPOSE)


def read_variables(env: Mapping[str, str], env_files: tuple[Path, ...]) -> dict[str, str]:
    """The environment wins over all files, a later file over an earlier one."""
    found: dict[str, str] = {}
    for path in env_files:
        inner: dict[str, str] = {}
        for name, value in read_env_file(path).entries:
            inner[name] = interpolate_text(value, {**inner, **found, **env})
        found |= inner
    return {**found, **env}


def read_project_variables(files: ProjectFiles, env: Mapping[str, str]) -> dict[str, str]:
    """What Compose fills into the main files of the project. Values may be secrets."""
    return read_variables(env, find_env_files(files, env))


def find_env_files(files: ProjectFiles, env: Mapping[str, str]) -> tuple[Path, ...]:
    return files.env_files or find_default_env_file(files.directory, env)


def find_default_env_file(folder: Path, env: Mapping[str, str]) -> tuple[Path, ...]:
    """``.env`` of the folder, where there is one and COMPOSE_DISABLE_ENV_FILE does not forbid it."""
    path = folder / ".env"
    disabled = env.get("COMPOSE_DISABLE_ENV_FILE", "") in _YES
    return (path,) if path.is_file() and not disabled else ()
