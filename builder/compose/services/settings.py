"""Where the Airflow of a service takes its options from, as far as the project's files show it."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.airflow.find import list_read_names
from builder.airflow.images import FOLDERS
from builder.airflow.variables import CONFIG_FILE, CONFIG_VARIABLE, HOME_VARIABLE, PREFIXES, SUFFIXES
from builder.compose.services.hosts import find_definition
from builder.compose.services.start_commands import (
    OFFICIAL_ENTRYPOINT,
    is_known_image,
    is_unseen_program,
    list_program_calls,
    resolve_argv,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.airflow.variables import ConfigOption
    from builder.compose.model import Mount, Project, Service
    from builder.dockerfile import Instruction
    from builder.dockerfile.facts import DockerfileAnalysis

_HOMES = (*FOLDERS, "/root/airflow")
"""AIRFLOW_HOME where nothing sets it: of the images, and of a pip install that root starts."""
_HOME_WORDS = (f"${HOME_VARIABLE}", f"${{{HOME_VARIABLE}}}", ".")
"""Targets of a COPY that are AIRFLOW_HOME too: it is the official image's working directory."""


@dataclass(frozen=True)
class AirflowSettings:
    """The environment in which a service's Airflow starts: the image's and its own.

    ``is_complete``: nothing else can set an option: no configuration file, script or image that cannot be seen from the
    project's files.
    """

    environment: Mapping[str, str | None] = field(repr=False)
    is_complete: bool
    home: str | None = None
    """AIRFLOW_HOME where a variable sets it."""

    def find_setting(self, option: ConfigOption, version: str | None) -> tuple[str, str | None] | None:
        """The variable that sets the option in this version, by its value, a command or a secrets backend, and its
        text; None: no variable does."""
        names = (f"{name}{suffix}" for name in list_read_names(option, version) for suffix in SUFFIXES)
        return next(((name, self.environment[name]) for name in names if name in self.environment), None)

    def find_value(self, option: ConfigOption, version: str | None) -> str:
        """Its plain value; empty where there is none, or it only comes from a command or a backend."""
        names = list_read_names(option, version)
        return next((value for name in names if (value := self.environment.get(name))), "")

    def find_unread_name(self, option: ConfigOption, version: str | None) -> str | None:
        """A variable that sets the option in other versions, and not in this one."""
        read = list_read_names(option, version)
        return next((name for name in option.names if name not in read and name in self.environment), None)


def read_settings(project: Project, service: Service, facts: DockerfileAnalysis | None) -> AirflowSettings:
    """Never raises: what cannot be read makes the settings incomplete."""
    environment = {**(facts.environment if facts is not None else {}), **service.environment}
    home = environment.get(HOME_VARIABLE) or None
    homes = _HOMES if home is None else (home,)
    is_complete = not (
        project.resolved is None
        or CONFIG_VARIABLE in environment
        or _has_other_sources(project, service.name)
        or any(_holds_configuration(mount, homes) for mount in service.mounts)
        or not is_known_image(service, facts)
        or _starts_unseen_script(service, facts)
        or any(_writes_configuration(one, homes) for one in (facts.instructions if facts is not None else ()))
    )
    return AirflowSettings(environment, is_complete, home)


def find_mounted_place(service: Service, path: str) -> tuple[str, str, str] | None:
    """Which folder of the host or named volume holds ``path``, and where in it; None: it is in the container alone."""
    mounts = [one for one in service.mounts if path and contains_path(one.target, path)]
    mount = max(mounts, key=lambda one: len(one.target), default=None)
    if mount is None or mount.kind not in {"bind", "volume"} or not mount.source:
        return None
    return mount.kind, mount.source, posixpath.relpath(path, mount.target)


def has_own_network(project: Project, service: Service) -> bool:
    """Whether ``localhost`` in its container is nothing but the container."""
    return find_definition(project, service.name).get("network_mode") in {None, "", "bridge", "none"}


def contains_path(parent: str, path: str) -> bool:
    """Whether ``path`` is ``parent`` or below it."""
    return (posixpath.normpath(path) + "/").startswith(posixpath.normpath(parent).rstrip("/") + "/")


def _has_other_sources(project: Project, service: str) -> bool:
    """An env_file that may be missing, and is; a `configs:` or `secrets:` that becomes airflow.cfg."""
    found: Mapping[str, Any] = ((project.raw or {}).get("services") or {}).get(service) or {}
    files = found.get("env_file") or ()
    targets = [one.get("target") for key in ("configs", "secrets") for one in found.get(key) or () if _is_map(one)]
    return any(_is_missing(one) for one in ((files,) if isinstance(files, str) else files)) or any(
        str(target).endswith(CONFIG_FILE) for target in targets
    )


def _is_map(value: object) -> bool:
    return isinstance(value, dict)


def _is_missing(env_file: Any) -> bool:
    path = env_file.get("path") if isinstance(env_file, dict) else env_file
    return not Path(str(path)).is_file()


def _holds_configuration(mount: Mount, homes: tuple[str, ...]) -> bool:
    if mount.target.endswith(CONFIG_FILE) or mount.target == OFFICIAL_ENTRYPOINT:
        return True
    return mount.kind != "tmpfs" and any(contains_path(mount.target, home) for home in homes)


def _starts_unseen_script(service: Service, facts: DockerfileAnalysis | None) -> bool:
    argv = resolve_argv(service, facts) or ()
    return any(CONFIG_FILE in word or PREFIXES[0] in word for word in argv) or any(
        is_unseen_program(call) for call in list_program_calls(argv)
    )


def _writes_configuration(instruction: Instruction, homes: tuple[str, ...]) -> bool:
    """Whether the image may have an airflow.cfg, or another entrypoint, from here."""
    texts = (instruction.value, *(heredoc.body for heredoc in instruction.heredocs))
    if instruction.name in {"COPY", "ADD", "RUN"} and any(CONFIG_FILE in text for text in texts):
        return True
    if instruction.name not in {"COPY", "ADD"}:
        return False
    *sources, target = [word for word in _split_copy(instruction.value) if not word.startswith("--")] or [""]
    target = target.rstrip("/") or target
    if target == OFFICIAL_ENTRYPOINT:
        return True
    return target in (*homes, *_HOME_WORDS) and any("." not in posixpath.basename(one.rstrip("/.")) for one in sources)


def _split_copy(value: str) -> list[str]:
    return value.strip("[]").replace('"', " ").replace(",", " ").split()
