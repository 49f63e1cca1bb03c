"""Which files make the project, by Compose's own rules (compose-go, ``cli/options.go``).

Options win over variables, variables over ``.env``, all over the default names, which are looked for in the current
folder and then in those above it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from builder.compose.load.dotenv import NO_ENV_FILE
from builder.compose.load.interpolate import find_default_env_file, read_variables
from builder.compose.load.source_files import is_remote
from builder.compose.model import ProjectFiles
from builder.core.errors import ComposeError, NoComposeFileError, NoProjectHereError, Where

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_NAMES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
"""In Compose's order of preference; any of them goes with any of the default names."""
_HINT = f"name it with -f FILE, or go to a folder with {', '.join(DEFAULT_NAMES)}"


def discover_project(
    files: tuple[str, ...],
    *,
    env: Mapping[str, str],
    cwd: Path,
    project_directory: str | Path | None = None,
    project_name: str | None = None,
    env_files: tuple[str, ...] = (),
) -> ProjectFiles:
    """The project that Compose would read when called in ``cwd`` with these options. A folder given as a file means
    the project in it.

    Raises NoProjectHereError where there is none, NoComposeFileError where one that is named is not there, ComposeError
    for what cannot be changed in place (stdin, a pipe, remote).
    """
    cwd = _make_absolute(cwd, cwd)
    directory = _make_absolute(project_directory, cwd) if project_directory is not None else None
    named_env = _resolve_env_files(env_files, env, cwd)
    start = directory or cwd
    home = start if files or directory else next((file.parent for file in _find_default_files(start)), start)
    settings = read_variables(env, named_env or find_default_env_file(home, env))
    chosen = _find_requested_files(files, settings, cwd) or _find_default_files(start)
    if not chosen:
        raise NoProjectHereError(f"no compose file in {start}, nor in a folder above it", hint=_HINT)
    if not named_env and not files and "COMPOSE_FILE" not in env:
        _refuse_two_projects(start, home, env)
        if settings.get("COMPOSE_FILE"):
            named_env = _find_both_env_files(directory or chosen[0].parent, home, env)
    name = project_name or env.get("COMPOSE_PROJECT_NAME") or None
    return ProjectFiles(directory or chosen[0].parent, chosen, named_env, name)


def _find_requested_files(files: tuple[str, ...], settings: Mapping[str, str], cwd: Path) -> tuple[Path, ...]:
    """The files that were named, by options or COMPOSE_FILE; empty: none was."""
    if files:
        return tuple(path for file in files for path in _resolve_named_file(file, cwd, "-f"))
    listed = settings.get("COMPOSE_FILE")
    if not listed:
        return ()
    separator = settings.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    return tuple(path for file in listed.split(separator) for path in _resolve_named_file(file, cwd, "COMPOSE_FILE"))


def _resolve_named_file(file: str, cwd: Path, source: str) -> tuple[Path, ...]:
    if file == "-":
        _refuse_stream(f"{source} -", "standard input")
    if is_remote(file):
        raise ComposeError(
            f"{source} {file}: a remote compose file cannot be changed", hint="download it, and name the copy"
        )
    path = _make_absolute(file, cwd)
    if path.is_dir():
        return _find_files_in_folder(path) or _refuse_missing_file(
            f"{source} {file}: there is no compose file in this folder"
        )
    if not path.exists():
        return _refuse_missing_file(f"{source} {file}: there is no such file", str(path))
    if _is_stream(path):
        _refuse_stream(f"{source} {file}", "a pipe or device")
    return (path,)


def _is_stream(path: Path) -> bool:
    """Whether it is not a file that stays: with `-f /dev/stdin < FILE` it looks like one. /dev/shm holds files."""
    devices = path.is_relative_to("/dev") and not path.is_relative_to("/dev/shm")  # noqa: S108 - nothing is made there
    return not path.is_file() or devices or path.is_relative_to("/proc")


def _refuse_stream(named: str, what: str) -> NoReturn:
    raise ComposeError(
        f"{named}: a compose file from {what} cannot be changed, or restored",
        hint="write it to a file, and name that file",
    )


def _find_default_files(start: Path) -> tuple[Path, ...]:
    """The nearest files with default names, in ``start`` or a folder above it; empty: there are none."""
    return next((found for folder in (start, *start.parents) if (found := _find_files_in_folder(folder))), ())


def _refuse_two_projects(start: Path, home: Path, env: Mapping[str, str]) -> None:
    """A ``.env`` here that names files, below a folder with a project. Raises ComposeError."""
    if home != start and read_variables({}, find_default_env_file(start, env)).get("COMPOSE_FILE"):
        raise ComposeError(
            f"COMPOSE_FILE here names one project, the compose file in {home} is another: Compose 2.26 uses the "
            "second, newer versions use the first",
            where=Where(str(start / ".env"), key="COMPOSE_FILE"),
            hint="name the files with -f",
        )


def _find_files_in_folder(folder: Path) -> tuple[Path, ...]:
    """The main file and the override file of a folder; empty where it has no main file."""
    main = next((folder / name for name in DEFAULT_NAMES if (folder / name).is_file()), None)
    override = next((folder / name for name in OVERRIDE_NAMES if (folder / name).is_file()), None)
    if main is None:
        return ()
    return (main,) if override is None else (main, override)


def _refuse_missing_file(message: str, file: str | None = None) -> tuple[Path, ...]:
    raise NoComposeFileError(message, where=Where(file) if file else None, hint=_HINT)


def _resolve_env_files(given: tuple[str, ...], env: Mapping[str, str], cwd: Path) -> tuple[Path, ...]:
    """Of ``--env-file``, else of COMPOSE_ENV_FILES, which is separated by commas."""
    words = given or tuple(word for word in env.get("COMPOSE_ENV_FILES", "").split(",") if word)
    paths = tuple(_make_absolute(word, cwd) for word in words)
    for path in paths:
        if not path.exists():
            raise ComposeError("there is no such env file", where=Where(str(path)), hint="correct --env-file")
        if not path.is_file() and path != NO_ENV_FILE:
            raise ComposeError(
                "an env file from a pipe or device can be read only once, and several calls of Compose need it",
                where=Where(str(path)),
                hint="write it to a file, and name that file",
            )
    return paths


def _find_both_env_files(directory: Path, home: Path, env: Mapping[str, str]) -> tuple[Path, ...]:
    """A ``.env`` that names files of another folder counts beside that folder's own, and wins over it."""
    if directory == home:
        return ()
    return (*find_default_env_file(directory, env), *find_default_env_file(home, env))


def _make_absolute(path: str | Path, cwd: Path) -> Path:
    """As Go's filepath.Abs: without ``..``, symbolic links kept."""
    return Path(os.path.normpath(cwd / path))
