"""The project's files that [files] and [build] name, read into the context: what .dockerignore keeps out stays out, a
secret is refused."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.core.errors import SpecError, Where
from builder.core.file_secrets import find_file_secrets
from builder.core.files import read_regular_file
from builder.dockerfile.dockerignore import DOCKERIGNORE, DockerIgnore, parse_dockerignore
from builder.image.render.model import ContextFile
from builder.image.spec.allow import RefusedError, quote
from builder.image.spec.paths import resolve_in_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from builder.image.spec.model import Spec

FOLDER = "files"
"""Of the context: below it a folder for each entry, counted from 1, with the paths that the files have in the image."""
RUN_PROJECT = "run/project"
"""The folder that the scripts of [build] run see: they, and what run-files names, with their paths in the project."""
MOST_FILES = 10_000
MOST_BYTES = 100_000_000
"""Of all entries. Code and settings have some megabytes; what is larger is data, and is mounted."""


@dataclass(frozen=True)
class ProjectFile:
    """``name`` is relative to the spec's folder, ``target`` absolute in the image."""

    name: str
    target: str
    path: Path


def read_project_files(spec: Spec) -> tuple[ContextFile, ...]:
    """All files that [files] names. Raises :class:`SpecError`: it names the entry, the file, and what to do."""
    ignore = read_dockerignore(spec.folder)
    found: list[ContextFile] = []
    for number, (source, target) in enumerate(spec.files.items(), 1):
        where = Where(spec.file, key=f"files.{quote(source)}")
        found += _read_entry(spec.folder, (source, target), f"{FOLDER}/{number}", ignore, where)
        _check_amount(found, "[files]", where, "keep data out with .dockerignore, and mount it into the containers")
    return tuple(found)


def read_run_files(spec: Spec) -> tuple[ContextFile, ...]:
    """The scripts of [build] run and what they read, each under its path in the project. Raises :class:`SpecError`."""
    ignore = read_dockerignore(spec.folder)
    found: dict[str, ContextFile] = {}
    for key, names in (("run-files", spec.build.run_files), ("run", spec.build.run)):
        where = Where(spec.file, key=f"build.{key}")
        for name in names:
            entry = _read_entry(spec.folder, (name, f"/{name}"), RUN_PROJECT, ignore, where)
            found |= {file.path: _make_script(file, name, where) if key == "run" else file for file in entry}
            _check_amount(found.values(), f"build.{key}", where, "keep out with .dockerignore what no script reads")
    return tuple(found.values())


def _make_script(file: ContextFile, name: str, where: Where) -> ContextFile:
    """It is started by its first line, whatever mode a checkout gave it."""
    first = file.data.partition(b"\n")[0]
    if first.startswith(b"#!") and first.endswith(b"\r"):
        message = f"{quote(name)} has the line ends of Windows: the interpreter that its first line names is not found"
        raise SpecError(message, where=where, hint="save it with \\n alone at the end of each line")
    return replace(file, executable=True)


def _read_entry(
    folder: Path, entry: tuple[str, str], prefix: str, ignore: DockerIgnore, where: Where
) -> list[ContextFile]:
    """The files of one entry, (path below ``folder``, target), with their paths in the context."""
    try:
        files = list_project_files(folder, *entry, ignore)
        return [
            ContextFile(f"{prefix}{file.target}", _read_file(file), executable=os.access(file.path, os.X_OK))
            for file in files
        ]
    except RefusedError as error:
        raise SpecError(str(error), where=where, hint=error.hint) from error
    except OSError as error:
        raise SpecError(f"{error.filename} cannot be read: {error.strerror}", where=where) from error


def _check_amount(found: Collection[ContextFile], what: str, where: Where, hint: str) -> None:
    total = sum(len(file.data) for file in found)
    if total > MOST_BYTES or len(found) > MOST_FILES:
        raise SpecError(
            f"with it {what} has {len(found):,} files of {total:,} bytes; {MOST_FILES:,} files and "
            f"{MOST_BYTES:,} bytes are the most",
            where=where,
            hint=hint,
        )


def read_dockerignore(folder: Path, name: str = DOCKERIGNORE) -> DockerIgnore:
    """That of the folder, or one that keeps nothing out."""
    try:
        return parse_dockerignore(read_regular_file(folder / name).decode("utf-8", errors="replace"))
    except OSError:
        return DockerIgnore()


def list_project_files(folder: Path, source: str, target: str, ignore: DockerIgnore) -> list[ProjectFile]:
    """The files of one entry, sorted by name. Raises :class:`RefusedError`."""
    path = resolve_in_folder(folder, source, is_folder=None)
    names = [source] if path.is_file() else sorted(_iterate_names(folder, source, path))
    kept = [name for name in names if not ignore.excludes(name)]
    if not kept:
        raise RefusedError(
            f"{quote(source)} has no file that {DOCKERIGNORE} does not keep out",
            f"remove the entry, or its pattern from {DOCKERIGNORE}",
        )
    return [_place_file(folder, source, target, name) for name in kept]


def _iterate_names(folder: Path, source: str, path: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(path):
        below = os.path.relpath(parent, path)
        prefix = source if below == "." else f"{source}/{below}"
        for name in folders:
            if (folder / prefix / name).is_symlink():
                raise RefusedError(f"{quote(f'{prefix}/{name}')} is a link to a folder", "name that folder by itself")
        yield from (f"{prefix}/{name}" for name in names)


def _place_file(folder: Path, source: str, target: str, name: str) -> ProjectFile:
    path = resolve_in_folder(folder, name)
    place = f"{target}{name.removeprefix(source)}"
    if any(ord(character) < 32 or character == "\x7f" for character in place):
        raise RefusedError(f"{quote(name)} has a control character in its name", "give it another name")
    return ProjectFile(name, place, path)


def _read_file(file: ProjectFile) -> bytes:
    data = read_regular_file(file.path)
    secrets = find_file_secrets(f"/{file.name}", data)
    if secrets:
        raise RefusedError(
            f"{quote(file.name)} holds {secrets[0]}: everybody who has the image could read it",
            f"keep it out with {DOCKERIGNORE}, and give it to the containers when they start (a secret, a mount)",
        )
    return data
