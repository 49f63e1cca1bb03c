"""Docker Compose: which command calls it here, and why there is none."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import ComposeMissingError, OldComposeError, ToolMissingError, ToolTimeoutError
from builder.core.limits import CONFIG_LIMIT
from builder.core.process import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.core.process import ProcessResult, Runner

GET_COMPOSE = (
    "install the compose plugin of docker: the package docker-compose-plugin (docker-compose in Debian 13), "
    "or `make engine`; `optbuild doctor` shows what this machine has"
)
NEEDED_MAJOR = 2
REMOTE_VARIABLES = ("COMPOSE_EXPERIMENTAL_GIT_REMOTE", "COMPOSE_EXPERIMENTAL_OCI_REMOTE")
"""Compose's own, for files that another one includes from a repository or a registry; newer versions take an unset one
for true."""
_PLUGIN = ("docker", "compose")
_STANDALONE = ("docker-compose",)


@dataclass(frozen=True)
class ComposeCli:
    """How Compose is called. ``version`` is empty where nobody asked yet (:func:`guess_compose`)."""

    argv: tuple[str, ...]
    version: str = ""


def make_compose_environment(env: Mapping[str, str], *, remote: bool) -> dict[str, str]:
    """``env`` with which Compose fetches compose files from other machines, or does not, whatever its version."""
    return {**env, **dict.fromkeys(REMOTE_VARIABLES, "true" if remote else "false")}


def guess_compose(env: Mapping[str, str]) -> ComposeCli:
    """What most machines have, without a process: where it is not there, the call itself fails.

    Raises ComposeMissingError where PATH has neither ``docker`` nor ``docker-compose``.
    """
    for argv in (_PLUGIN, _STANDALONE):
        if _is_on_path(argv, env):
            return ComposeCli(argv)
    raise ComposeMissingError("neither docker nor docker-compose is on PATH", hint=GET_COMPOSE)


def find_compose(runner: Runner, env: Mapping[str, str]) -> ComposeCli:
    """The plugin, else a standalone docker-compose of version 2 or newer; asked for its version.

    Raises OldComposeError where there is only version 1, ComposeMissingError where there is none.
    """
    guess_compose(env)
    plugin, reason = _query_version(_PLUGIN, runner, env)
    if _parse_major(plugin) >= NEEDED_MAJOR:
        return ComposeCli(_PLUGIN, plugin)
    standalone, standalone_reason = _query_version(_STANDALONE, runner, env)
    if _parse_major(standalone) >= NEEDED_MAJOR:
        return ComposeCli(_STANDALONE, standalone)
    if standalone:
        raise OldComposeError(standalone)
    raise ComposeMissingError(f"`docker compose` does not work: {reason or standalone_reason}", hint=GET_COMPOSE)


def _query_version(argv: tuple[str, ...], runner: Runner, env: Mapping[str, str]) -> tuple[str, str]:
    """Its version, or empty and the reason."""
    if not _is_on_path(argv, env):
        return "", f"{argv[0]} is not on PATH"
    try:
        result = runner.run(Command((*argv, "version", "--short"), env=env, timeout=CONFIG_LIMIT.read(env)))
    except (ToolMissingError, ToolTimeoutError) as error:
        return "", error.message
    found = re.search(r"\d+(?:\.\d+)+\S*", result.out) if result.ok else None
    return (found.group(), "") if found else ("", _find_first_line(result))


def _find_first_line(result: ProcessResult) -> str:
    lines = [line.strip() for line in (result.err + "\n" + result.out).splitlines() if line.strip()]
    return lines[0] if lines else f"exit code {result.code}"


def _parse_major(version: str) -> int:
    return int(version.split(".", maxsplit=1)[0]) if version else 0


def _is_on_path(argv: tuple[str, ...], env: Mapping[str, str]) -> bool:
    return shutil.which(argv[0], path=env.get("PATH", "")) is not None
