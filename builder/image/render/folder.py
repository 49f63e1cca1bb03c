"""A context in a folder that a person named: a render replaces what an earlier one wrote, and nothing else.

Which files those are is said by a file beside them, which `sha256sum --check` reads too.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from builder.core.errors import ForeignFilesError
from builder.image.render.model import ContextFile, write_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from builder.image.render.model import BuildContext

RECORD = "optbuild-render.sha256"
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")


def make_folder_files(context: BuildContext, bake: str) -> tuple[ContextFile, ...]:
    """The context, its bake file, and last what shows a later render that these are ours."""
    files = (*context.list_stamped_files(), ContextFile("docker-bake.json", bake.encode()))
    record = "".join(f"{_hash_bytes(file.data)}  {file.path}\n" for file in files)
    return (*files, ContextFile(RECORD, record.encode()))


def write_folder(folder: Path, files: Iterable[ContextFile], *, force: bool) -> None:
    """Write what :func:`make_folder_files` gave. Raises ForeignFilesError before the first file, unless ``force``.

    The record is written last: where a run is killed, the same command can be given again.
    """
    files = tuple(files)
    if not force and (foreign := _find_foreign_files(folder, files)):
        raise ForeignFilesError(str(folder), foreign)
    write_files(files, folder)


def _find_foreign_files(folder: Path, files: Iterable[ContextFile]) -> list[str]:
    """Files that are there and are neither what is written now nor what was written before."""
    written = _read_record(folder)
    found = []
    for file in files:
        path = folder / file.path
        if file.path == RECORD or not path.exists():
            continue
        there = path.read_bytes()
        if there != file.data and written.get(file.path) != _hash_bytes(there):
            found.append(file.path)
    return found


def _read_record(folder: Path) -> dict[str, str]:
    """Path → sha256, as the last render wrote them."""
    try:
        text = (folder / RECORD).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    return {match[2]: match[1] for line in text.splitlines() if (match := _LINE.fullmatch(line))}


def _hash_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
