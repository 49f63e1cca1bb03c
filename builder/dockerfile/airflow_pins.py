"""Which installs of a Dockerfile may replace the Airflow that is there (OB303): into which Python environment each one
goes, and whether anything tells pip which Airflow must stay."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.airflow.images import is_airflow_image
from builder.dockerfile.installs import parse_pip_install, split_requirement
from builder.dockerfile.requirements import collect_requirements, find_environment_value
from builder.dockerfile.stages import substitute_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.dockerfile.installs import PipInstall
    from builder.dockerfile.requirements import Requirements
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

_INSTALLERS = frozenset({"pip", "setuptools", "wheel", "uv", "pip-tools", "pipenv", "poetry"})
"""Nothing that Airflow's own dependencies restrict."""
_AIRFLOW = frozenset({"apache-airflow", "apache-airflow-core"})
_IMAGE = ""
"""The environment of the image's own pip; every other one is named by its folder."""
_OWN_FOLDERS = ("/home/airflow/.local", "/usr/local", "/usr", "/usr/python", "/root", "~/.local", "$HOME/.local")
_ACTIVATE = re.compile(r"(.*)/bin/activate$")
_INTERPRETER = re.compile(r"(.+)/bin/(?:pip|python|uv)[\d.]*$")
_VENV_NAME = re.compile(r"\.?(?:v|virtual-?)env\d*$|.*[-_.]v?env$")
_UV_DEFAULT = ".venv"
"""In the current folder: what `uv venv` makes, and `uv pip` uses where it is."""
_ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "UV_PROJECT_ENVIRONMENT")


@dataclass(frozen=True)
class UnpinnedInstall:
    """``command`` is one of those of ``step``. ``constrained``: it has constraints, and they do not name Airflow."""

    step: RunStep
    command: ShellCommand
    pip: PipInstall
    constrained: bool


def find_unpinned_installs(steps: tuple[RunStep, ...], facts: DockerfileAnalysis) -> Iterator[UnpinnedInstall]:
    """The installs into an environment that has Airflow already, which do not say which Airflow must stay.

    Silent where a file that one installs from, or is constrained by, cannot be read: it may say it; and where the base
    image's pip says it.
    """
    image = facts.published_base
    if image is not None and image.pins_airflow:
        return
    with_airflow = {_IMAGE} if _has_airflow_below(facts) else set()
    environments = _Environments(image.environment if image is not None else None)
    for step in steps:
        for command, pip, environment in environments.iterate_installs(step):
            asked = collect_requirements(pip, step, facts.files)
            names = {pin.name for pin in asked.pins}
            if environment in with_airflow and not _is_held(asked) and not _is_harmless(pip, step, names):
                yield UnpinnedInstall(step, command, pip, bool(pip.constraints))
            if "apache-airflow" in names:
                with_airflow.add(environment)


def _has_airflow_below(facts: DockerfileAnalysis) -> bool:
    return is_airflow_image(facts.base) if facts.parent is None else facts.parent.airflow


def _is_held(asked: Requirements) -> bool:
    pinned = any(pin.name in _AIRFLOW and pin.spec for pin in (*asked.pins, *asked.held))
    return pinned or bool(asked.unread or asked.unread_constraints)


def _is_harmless(pip: PipInstall, step: RunStep, names: set[str]) -> bool:
    local = any(split_requirement(word) is None for word in pip.requirements)
    installers_only = bool(names) and names <= _INSTALLERS and not local
    nothing = not pip.requirements and not pip.files
    alone = not {"--no-deps", "--dry-run", "--download-only"}.isdisjoint(pip.options)
    return alone or installers_only or nothing or any(find_environment_value(name, step) for name in _ELSEWHERE)


class _Environments:
    """The virtual environments that the RUNs so far have made, and which one is in force."""

    def __init__(self, of_image: str | None) -> None:
        self._own = (*_OWN_FOLDERS, *((of_image,) if of_image else ()))
        self._made: set[str] = set()

    def iterate_installs(self, step: RunStep) -> Iterator[tuple[ShellCommand, PipInstall, str]]:
        """Those of one RUN that stay in the image's Python or a virtual environment, each with which one."""
        active = self._find_on_path(step.environment.get("PATH", ""), step)
        before = active
        for command in step.commands:
            if command.program in ("source", "."):
                active = self._find_activated(command, step) or active
            elif command.program == "deactivate":
                active = before
            elif command.program == "export":
                active = self._find_exported(command, step) or active
            elif (folder := _find_made_environment(command)) is not None:
                self._made.add(_resolve(folder, step))
            elif (pip := parse_pip_install(command)) is not None and not pip.goes_elsewhere:
                yield command, pip, self._choose(pip, command, step, active)

    def _choose(self, pip: PipInstall, command: ShellCommand, step: RunStep, active: str) -> str:
        if pip.python is not None:
            match = _INTERPRETER.match(pip.python)
            return self._name(match[1] if match else pip.python, step) if "/" in pip.python else active
        if "VIRTUAL_ENV" in command.assignments:
            return self._name(find_environment_value("VIRTUAL_ENV", step), step)
        beside = _resolve(_UV_DEFAULT, step)
        if pip.uv and "--system" not in pip.options and active == _IMAGE and beside in self._made:
            return beside
        match = _INTERPRETER.match(command.words[0])
        if match is None or pip.uv:
            return active
        return self._name(match[1], step)

    def _name(self, folder: str, step: RunStep) -> str:
        return _IMAGE if folder in self._own or _resolve(folder, step) in self._own else _resolve(folder, step)

    def _find_activated(self, command: ShellCommand, step: RunStep) -> str | None:
        match = next((match for word in command.words[1:] if (match := _ACTIVATE.match(word))), None)
        return self._name(match[1], step) if match else None

    def _find_exported(self, command: ShellCommand, step: RunStep) -> str | None:
        value = next((word.removeprefix("PATH=") for word in command.words[1:] if word.startswith("PATH=")), None)
        return None if value is None else self._find_on_path(value, step)

    def _find_on_path(self, value: str, step: RunStep) -> str:
        """The first folder before the base's own PATH that is a virtual environment's."""
        for entry in re.split(r":|(?=\$\{?PATH)", value.strip("\"'")):
            if re.match(r"\$\{?PATH", entry) or self._name(posixpath.dirname(entry), step) == _IMAGE:
                break
            folder = _resolve(posixpath.dirname(entry), step)
            known = folder in self._made or folder == step.environment.get("VIRTUAL_ENV")
            if posixpath.basename(entry) == "bin" and (known or _VENV_NAME.match(posixpath.basename(folder))):
                return folder
        return _IMAGE


def _resolve(folder: str, step: RunStep) -> str:
    """Absolute, variables filled in as far as they are known."""
    return posixpath.normpath(posixpath.join(step.folder, substitute_variables(folder, step.environment)))


def _find_made_environment(command: ShellCommand) -> str | None:
    """The folder of ``python -m venv``, ``virtualenv`` or ``uv venv``."""
    words = command.words
    if re.match(r"python[\d.]*$", command.program) and words[1:3] in (("-m", "venv"), ("-m", "virtualenv")):
        rest = words[3:]
    elif command.program == "virtualenv":
        rest = words[1:]
    elif command.program == "uv" and words[1:2] == ("venv",):
        rest = words[2:]
    else:
        return None
    pairs = zip(("", *rest), rest, strict=False)
    plain = [word for before, word in pairs if not word.startswith("-") and before not in ("-p", "--python")]
    return plain[-1] if plain else _UV_DEFAULT if command.program == "uv" else None
