"""What `optbuild` alone prints: in five lines what lies in this folder, and the command to go on with."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import builder
from builder.cli.overview import COMMANDS
from builder.compose.load.discover import discover_project
from builder.core.errors import NoProjectHereError, OptbuildError
from builder.core.naming import BACKUP_SUFFIX, LOCK_FILE, SPEC_FILE
from builder.image.spec.location import PROJECT_FILE, find_spec_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from builder.core.runtime import Runtime

_RECIPES = ("*Dockerfile*", "*Containerfile*", "requirements*.txt", "packages.txt", "pyproject.toml")
"""From what projects make their images; backups and templates of it are not meant."""
_IGNORED_SUFFIXES = frozenset({BACKUP_SUFFIX, ".orig", ".j2", ".md", ".swp"})
_MOST_NAMES = 3
"""More files are counted, so that the line fits a terminal."""
_REASONS = {
    "plan": "what your services build several times; changes nothing",
    "init": "writes an optbuild.toml that makes the same image",
    "lock": "resolves optbuild.toml to exact versions",
    "build --verify": "builds it, starts every role, moves the tags",
    "doctor": "what this machine can do",
}


def format_start_page(runtime: Runtime, width: int = 0) -> str:
    """Five lines, without a newline at the end; more where the terminal is narrow. Only names of files are read."""
    compose, recipes = _find_compose_files(runtime), _find_recipes(runtime.cwd)
    spec, lock = _find_spec(runtime.cwd), (runtime.cwd / LOCK_FILE).is_file()
    words = _choose_next(bool(compose), bool(recipes), bool(spec), lock)
    lines = (
        f"optbuild {builder.__version__}: one small, pinned, proven image for an Airflow project",
        f"compose  {_join_some(compose) or 'no compose file here, nor in a folder above'}",
        f"image    {_describe_image(recipes, spec, lock)}",
        f"next     optbuild {words}: {_REASONS[words]}",
        "all      optbuild --help",
    )
    return "\n".join(piece for line in lines for piece in _wrap_line(line, width))


def _wrap_line(line: str, width: int) -> list[str]:
    """What is too long goes on below its beginning."""
    if not 0 < width < len(line):
        return [line]
    return textwrap.wrap(line, width, subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False)


def _find_compose_files(runtime: Runtime) -> list[str]:
    """Names, or what is wrong with them, in one text; empty: there are none."""
    try:
        found = discover_project((), env=runtime.env, cwd=runtime.cwd)
    except NoProjectHereError:
        return []
    except OptbuildError as error:
        return [str(error).splitlines()[0]]
    return [str(path.relative_to(runtime.cwd)) if runtime.cwd in path.parents else str(path) for path in found.files]


def _find_spec(folder: Path) -> str:
    """The name of the file that holds it, two where two do; empty: there is none."""
    try:
        found = find_spec_file(folder)
    except OptbuildError:
        return f"{SPEC_FILE} and {PROJECT_FILE}"
    return found.name if found else ""


def _find_recipes(folder: Path) -> list[str]:
    found = {path.name for pattern in _RECIPES for path in folder.glob(pattern) if path.is_file()}
    return sorted(name for name in found if not any(name.endswith(suffix) for suffix in _IGNORED_SUFFIXES))


def _describe_image(recipes: list[str], spec: str, lock: bool) -> str:
    if spec:
        return f"{spec}, {LOCK_FILE}" if lock else f"{spec}, not locked yet"
    return (
        f"{_join_some(recipes)}; no {SPEC_FILE} yet" if recipes else f"no {SPEC_FILE}, Dockerfile or requirements here"
    )


def _choose_next(compose: bool, recipes: bool, spec: bool, lock: bool) -> str:
    if spec:
        return "build --verify" if lock else "lock"
    if compose:
        return "plan"
    return "init" if recipes and "init" in COMMANDS else "doctor"


def _join_some(names: Iterable[str]) -> str:
    names = list(names)
    more = len(names) - _MOST_NAMES
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_MOST_NAMES])} and {more} more"
