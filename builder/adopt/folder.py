"""What lies in a folder: Dockerfiles, lists of packages, folders of an Airflow project. Links are not followed out."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from builder.adopt.model import BuildContext
from builder.core.files import read_regular_file
from builder.core.naming import BACKUP_SUFFIX
from builder.dockerfile.requirements import decode_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEEPEST = 4
"""Folders below the project's in which Dockerfiles are looked for."""
MOST_FOLDERS = 5_000
_DOCKERFILE = re.compile(r"(?:dockerfile|containerfile)(?:[.-][\w.-]+)?|[\w.-]+\.dockerfile", re.IGNORECASE)
_SCRIPT = re.compile(r"(?:GNU)?[Mm]akefile|[\w.-]+\.(?:mk|sh)")
DEEPEST_SCRIPT = 3
_PASSED_OVER = frozenset({"node_modules", "venv", "env", "site-packages", "__pycache__", "dist", "build", "logs"})
_SOURCE = re.compile(r"^\s*(?:COPY|ADD)\s+(?!.*--from)(?:--\S+\s+)*(\S+)", re.IGNORECASE | re.MULTILINE)


def find_dockerfiles(root: Path) -> list[Path]:
    """Those below ``root``, the nearest first."""
    found = [
        path for path in _iterate_files(root) if _DOCKERFILE.fullmatch(path.name) and is_dockerfile_name(path.name)
    ]
    return sorted(found, key=lambda path: (len(path.parts), path.as_posix()))


def find_build_scripts(root: Path) -> list[str]:
    """Makefiles and shell scripts near ``root``, as paths below it: what builds images stands there."""
    found = (path.relative_to(root) for path in _iterate_files(root) if _SCRIPT.fullmatch(path.name))
    near = [path for path in found if len(path.parts) <= DEEPEST_SCRIPT]
    return [path.as_posix() for path in sorted(near, key=lambda path: (len(path.parts), path.as_posix()))]


def is_dockerfile_name(name: str) -> bool:
    """But for its own ``.dockerignore``, a template and a copy."""
    return not name.endswith((".dockerignore", ".j2", ".md", BACKUP_SUFFIX, ".orig", ".txt"))


def _iterate_files(root: Path) -> Iterator[Path]:
    for number, (folder, folders, names) in enumerate(os.walk(root)):
        deep = len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(one for one in folders if not one.startswith(".") and one not in _PASSED_OVER)
        if deep >= DEEPEST or number >= MOST_FOLDERS:
            folders.clear()
        yield from (Path(folder, name) for name in sorted(names))


def make_reader(folder: Path) -> Callable[[str], str | None]:
    """Texts of files below ``folder``; None: not there, not readable, or a link that leads out."""
    root = folder.resolve()

    def read(name: str) -> str | None:
        if "\0" in name or "://" in name:
            return None
        try:
            path = (root / name.lstrip("/")).resolve()
            return decode_requirements(read_regular_file(path)) if path.is_relative_to(root) else None
        except (OSError, RuntimeError):
            return None

    return read


def guess_context(root: Path, dockerfile: Path, text: str) -> BuildContext:
    """Where nothing names it: the Dockerfile's folder, or the project's, whichever has more of what it copies."""
    sources = [source.strip("\"'[],") for source in _SOURCE.findall(text)]
    folders = dict.fromkeys((dockerfile.parent, root))
    best = max(folders, key=lambda folder: sum((folder / source).exists() for source in sources))
    return BuildContext(root, best, dockerfile)
