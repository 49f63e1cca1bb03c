"""Compose files near the project that a run does not read: overrides, other projects, files of other environments."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from builder.compose.load.includes import parse_dependencies
from builder.compose.yaml.nodes import Mapping, find_value, read_key_text
from builder.compose.yaml.parse import read_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.compose.model import Project

MOST_FOLDERS, MOST_ENTRIES, MAX_BYTES = 100, 2000, 500_000
"""More would take a time that a person notices; real projects have far less."""
_YAML = re.compile(r".*\.ya?ml", re.IGNORECASE)
_COMPOSE = re.compile(r".*compose.*\.ya?ml", re.IGNORECASE)


@dataclass(frozen=True)
class UnreadFile:
    """``services``: those that it names. ``uses``: the changed files that it extends or includes."""

    path: Path
    services: frozenset[str]
    uses: tuple[Path, ...] = ()
    beside: bool = True
    """It is in a folder of the project, or one below it: where files lie that are read together with its own."""


def find_unread_files(project: Project, changed: Iterable[Path]) -> tuple[UnreadFile, ...]:
    """The nearest first. Files that are broken, or not compose files, are left out."""
    read = {os.path.realpath(path) for path in project.sources}
    changed = tuple(changed)
    homes = tuple(dict.fromkeys((project.files.directory, *(path.parent for path in changed))))
    found: dict[Path, UnreadFile] = {}
    for folder, pattern, beside in islice(_iterate_folders(homes), MOST_FOLDERS):
        for path in _list_files(folder, pattern):
            if path not in found and os.path.realpath(path) not in read:
                with suppress(OSError):
                    one = _read_unread_file(path, changed, beside=beside)
                    found |= {} if one is None else {path: one}
    return tuple(found.values())


def _iterate_folders(homes: tuple[Path, ...]) -> Iterator[tuple[Path, re.Pattern[str], bool]]:
    """The project's folders, those in them, those beside them and the one above; nothing twice."""
    seen = set(homes)
    yield from ((home, _YAML, True) for home in homes)
    below = [folder for home in homes for folder in _list_folders(home)]
    above = [home.parent for home in homes if home.parent != home.parent.parent]
    around = [folder for one in above for folder in (one, *_list_folders(one))]
    for folder, pattern, beside in (
        *((one, _YAML, True) for one in below),
        *((one, _COMPOSE, False) for one in around),
    ):
        if folder not in seen:
            seen.add(folder)
            yield folder, pattern, beside


def _list_folders(folder: Path) -> list[Path]:
    entries = (entry for entry in _list_entries(folder) if not entry.name.startswith("."))
    return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def _list_files(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    return sorted(
        Path(entry.path) for entry in _list_entries(folder) if pattern.fullmatch(entry.name) and entry.is_file()
    )


def _list_entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(islice(entries, MOST_ENTRIES))
    except OSError:
        return []


def _read_unread_file(path: Path, changed: tuple[Path, ...], *, beside: bool) -> UnreadFile | None:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES or not (b"services" in data or b"include" in data):
        return None
    tree = read_tree(data)
    if tree.broken is not None:
        return None
    named = (find_value(root, "services") for root in tree.roots)
    services = frozenset(
        name for one in named if isinstance(one, Mapping) for entry in one.entries if (name := read_key_text(entry))
    )
    return UnreadFile(path, services, tuple(_iterate_used_files(path, data, changed)), beside)


def _iterate_used_files(user: Path, data: bytes, changed: tuple[Path, ...]) -> Iterator[Path]:
    named = parse_dependencies(data)
    texts = (*(text for include in named.includes for text in include.paths), *named.extended)
    for path in changed:
        for text in texts:
            is_variable = "$" in text and text.endswith(path.name)
            if is_variable or os.path.normpath(user.parent / text) == str(path):
                yield path
                break
