"""Which files make the project, by Compose's own rules (compose-go, ``cli/options.go``).

Options win over variables, variables over ``.env``, all over the default names, which are looked for in the current
folder and then in those above it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from builder.compose.load.interpolate import default_env_file, variables_of
from builder.compose.load.source_files import REMOTE
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


def discover(
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
    cwd = _absolute(cwd, cwd)
    directory = _absolute(project_directory, cwd) if project_directory is not None else None
    named_env = _env_files(env_files, env, cwd)
    start = directory or cwd
    home = start if files or directory else next((file.parent for file in _by_default(start)), start)
    settings = variables_of(env, named_env or default_env_file(home, env))
    chosen = _chosen(files, settings, cwd) or _by_default(start)
    if not chosen:
        raise NoProjectHereError(f"no compose file in {start}, nor in a folder above it", hint=_HINT)
    if not named_env and not files and "COMPOSE_FILE" not in env:
        _refuse_two_meanings(start, home, env)
        if settings.get("COMPOSE_FILE"):
            named_env = _both_env(directory or chosen[0].parent, home, env)
    name = project_name or env.get("COMPOSE_PROJECT_NAME") or None
    return ProjectFiles(directory or chosen[0].parent, chosen, named_env, name)


def _chosen(files: tuple[str, ...], settings: Mapping[str, str], cwd: Path) -> tuple[Path, ...]:
    """The files that were named, by options or COMPOSE_FILE; empty: none was."""
    if files:
        return tuple(path for file in files for path in _named(file, cwd, "-f"))
    listed = settings.get("COMPOSE_FILE")
    if not listed:
        return ()
    separator = settings.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    return tuple(path for file in listed.split(separator) for path in _named(file, cwd, "COMPOSE_FILE"))


def _named(file: str, cwd: Path, source: str) -> tuple[Path, ...]:
    if file == "-":
        _refuse_stream(f"{source} -", "standard input")
    if file.startswith(REMOTE):
        raise ComposeError(f"{source} {file}: a remote compose file cannot be changed", hint="fetch it, and name that")
    path = _absolute(file, cwd)
    if path.is_dir():
        return _in_folder(path) or _nothing(f"{source} {file}: this folder holds no compose file")
    if not path.exists():
        return _nothing(f"{source} {file}: there is no such file", str(path))
    if not path.is_file():
        _refuse_stream(f"{source} {file}", "a pipe or device")
    return (path,)


def _refuse_stream(named: str, what: str) -> NoReturn:
    raise ComposeError(
        f"{named}: a compose file from {what} cannot be changed, or restored", hint="write it to a file, and name that"
    )


def _by_default(start: Path) -> tuple[Path, ...]:
    """The nearest files with default names, in ``start`` or a folder above it; empty: there are none."""
    return next((found for folder in (start, *start.parents) if (found := _in_folder(folder))), ())


def _refuse_two_meanings(start: Path, home: Path, env: Mapping[str, str]) -> None:
    """A ``.env`` here that names files, below a folder with a project. Raises ComposeError."""
    if home != start and variables_of({}, default_env_file(start, env)).get("COMPOSE_FILE"):
        raise ComposeError(
            f"COMPOSE_FILE here names one project, the compose file in {home} is another, and versions of Compose "
            "differ: 2.26 takes the latter, newer ones the former",
            where=Where(str(start / ".env"), key="COMPOSE_FILE"),
            hint="name the files with -f",
        )


def _in_folder(folder: Path) -> tuple[Path, ...]:
    """The main file and the override file of a folder; empty where it has no main file."""
    main = next((folder / name for name in DEFAULT_NAMES if (folder / name).is_file()), None)
    override = next((folder / name for name in OVERRIDE_NAMES if (folder / name).is_file()), None)
    if main is None:
        return ()
    return (main,) if override is None else (main, override)


def _nothing(message: str, file: str | None = None) -> tuple[Path, ...]:
    raise NoComposeFileError(message, where=Where(file) if file else None, hint=_HINT)


def _env_files(given: tuple[str, ...], env: Mapping[str, str], cwd: Path) -> tuple[Path, ...]:
    """Of ``--env-file``, else of COMPOSE_ENV_FILES, which is separated by commas."""
    words = given or tuple(word for word in env.get("COMPOSE_ENV_FILES", "").split(",") if word)
    paths = tuple(_absolute(word, cwd) for word in words)
    for path in paths:
        if not path.exists():
            raise ComposeError("there is no such env file", where=Where(str(path)), hint="correct --env-file")
    return paths


def _both_env(directory: Path, home: Path, env: Mapping[str, str]) -> tuple[Path, ...]:
    """A ``.env`` that names files of another folder counts beside that folder's own, and wins over it."""
    if directory == home:
        return ()
    return (*default_env_file(directory, env), *default_env_file(home, env))


def _absolute(path: str | Path, cwd: Path) -> Path:
    """As Go's filepath.Abs: without ``..``, symbolic links kept."""
    return Path(os.path.normpath(cwd / path))
