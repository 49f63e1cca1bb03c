"""Python requirements that other programs than pip bring: uv, Poetry, Pipenv and PDM, which install a project by its
lock file, and conda. What their files do not say is not guessed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.dockerfile.facts import Pin
from builder.dockerfile.installs import normalize_package_name, split_requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.dockerfile.files import BuildFiles
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

_PROJECT = "pyproject.toml"


@dataclass(frozen=True)
class _Manager:
    """A program that installs projects: its subcommands, its lock file."""

    install: frozenset[str]
    add: frozenset[str]
    lock: str


_MANAGERS = {
    "uv": _Manager(frozenset({"sync"}), frozenset({"add"}), "uv.lock"),
    "poetry": _Manager(frozenset({"install", "sync"}), frozenset({"add"}), "poetry.lock"),
    "pdm": _Manager(frozenset({"install", "sync"}), frozenset({"add"}), "pdm.lock"),
    "pipenv": _Manager(frozenset({"sync"}), frozenset({"install"}), "Pipfile.lock"),
}
_CONDA = frozenset({"conda", "mamba", "micromamba"})
_CONDA_SPEC = re.compile(r"(?:[\w.-]+::)?([A-Za-z0-9][\w.-]*?)\s*(?:\[.*)?((?:[=<>!~]=?|\s)[^\s\[]*.*)?$")
_ENTRY = re.compile(r"\s*-\s+[\"']?([^\s\"'#][^\"'#]*?)[\"']?\s*(?:#.*)?$")
_CONDA_NAMES = {"airflow": "apache-airflow"}
_NOT_PYTHON = frozenset({"python", "pip"})
_CONDA_VALUES = frozenset({"-c", "--channel", "-n", "--name", "-p", "--prefix", "--file", "-f", "--solver"})


def collect_project_pins(command: ShellCommand, step: RunStep, files: BuildFiles) -> tuple[Pin, ...]:
    """What the command installs, as far as it or its files say it; empty for every other command."""
    words = tuple(word for word in command.words[1:] if not word.startswith("-"))
    manager = _MANAGERS.get(command.program)
    if manager is not None and words[:1]:
        if words[0] in manager.add and len(words) > 1:
            return tuple(_iterate_named(words[1:], command.line))
        if words[0] in manager.install | manager.add:
            return tuple(_iterate_locked(manager.lock, command.line, step, files))
    if command.program in _CONDA:
        return tuple(_iterate_conda(command, step, files))
    return ()


def _iterate_named(words: tuple[str, ...], line: int) -> Iterator[Pin]:
    for word in words:
        if (
            split := split_requirement(word.replace("@", "==", 1) if re.match(r"[\w.-]+@\d", word) else word)
        ) is not None:
            yield Pin(*split, line, from_argument="$" in word)


def _iterate_locked(lock: str, line: int, step: RunStep, files: BuildFiles) -> Iterator[Pin]:
    """The project's own requirements, in the versions that are locked."""
    locked = _read_lock(lock, step.read_file(lock, files) or "")
    asked = dict(_iterate_asked(step, files))
    if not asked and "apache-airflow" in locked:
        asked = {"apache-airflow": ""}
    for name, spec in asked.items():
        yield Pin(name, f"=={locked[name]}" if name in locked else spec, line, lock if name in locked else _PROJECT)


def _read_lock(name: str, text: str) -> dict[str, str]:
    if name.startswith("Pipfile"):
        packages = _find_value(_parse_json(text), "default")
        pairs = [(str(key), _find_value(value, "version")) for key, value in packages.items()]
    else:
        found = _parse_toml(text).get("package")
        pairs = [
            (str(_find_value(one, "name")), _find_value(one, "version"))
            for one in (found if isinstance(found, list) else ())
        ]
    return {normalize_package_name(key): value.removeprefix("==") for key, value in pairs if isinstance(value, str)}


def _iterate_asked(step: RunStep, files: BuildFiles) -> Iterator[tuple[str, str]]:
    project = _parse_toml(step.read_file(_PROJECT, files) or "")
    listed = _find_value(project, "project").get("dependencies")
    for text in listed if isinstance(listed, list) else ():
        if (split := split_requirement(str(text))) is not None:
            yield split
    poetry = _find_value(_find_value(_find_value(project, "tool"), "poetry"), "dependencies")
    pipfile = _find_value(_parse_toml(step.read_file("Pipfile", files) or ""), "packages")
    for name, value in (*poetry.items(), *pipfile.items()):
        version = value.get("version", "") if isinstance(value, dict) else value
        if normalize_package_name(name) != "python":
            yield normalize_package_name(name), "" if version == "*" else str(version)


def _find_value(found: Any, key: str) -> Any:
    """The value of a key; an empty table where there is none."""
    value = found.get(key, {}) if isinstance(found, dict) else {}
    return value if isinstance(value, (dict, str)) or key == "dependencies" else {}


def _parse_toml(text: str) -> dict[str, Any]:
    import tomllib  # only where such a file is

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}


def _iterate_conda(command: ShellCommand, step: RunStep, files: BuildFiles) -> Iterator[Pin]:
    rest = list(command.words[1:])
    plain: list[str] = []
    named: list[str] = []
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in _CONDA_VALUES:
            value = value if equals else rest.pop(0) if rest else ""
            named += [value] if name in ("-f", "--file") else []
        elif not word.startswith("-"):
            plain.append(word)
    if plain[:1] in (["install"], ["create"]):
        for text in plain[1:]:
            yield from _iterate_conda_spec(text, command.line, None)
    if plain[:2] in (["env", "create"], ["env", "update"]) or plain[:1] in (["install"], ["create"]):
        for file in named or (["environment.yml"] if plain[:1] == ["env"] else []):
            yield from _iterate_environment_file(file, step.read_file(file, files) or "", command.line)


def _iterate_conda_spec(text: str, line: int, file: str | None) -> Iterator[Pin]:
    match = None if text.endswith(":") else _CONDA_SPEC.match(text.strip())
    name = normalize_package_name(match[1]) if match else ""
    if match and name not in _NOT_PYTHON:
        spec = re.sub(r"^=(?!=)", "==", (match[2] or "").strip())
        yield Pin(_CONDA_NAMES.get(name, name), spec.replace(" ", ""), line, file, from_argument="$" in text)


def _iterate_environment_file(file: str, text: str, line: int) -> Iterator[Pin]:
    """The list under ``dependencies:`` of an ``environment.yml`` in block style, its pip part too. By its lines: it is
    the only YAML here, and what is written in another style is not guessed."""
    listed = False
    for entry in text.splitlines():
        if entry[:1].isalpha():
            listed = entry.partition("#")[0].strip() == "dependencies:"
        match = _ENTRY.match(entry) if listed else None
        if match:
            yield from _iterate_conda_spec(match[1], line, file)
