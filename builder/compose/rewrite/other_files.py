"""Compose files near the project that this run did not read, and that its edits concern all the same.

Only their text is searched: Compose is not asked about them, and nothing is refused because of them.
"""

from __future__ import annotations

import os
import re
import shlex
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.phrases import choose_verb, join_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.compose.model import FileEdit, Project

MOST_FOLDERS, MOST_ENTRIES, MAX_BYTES = 100, 2000, 500_000
"""More would take a time that a person notices; real projects have far less."""
_NAME = re.compile(r".*compose.*\.ya?ml", re.IGNORECASE)
_BUILD = re.compile(rb"""(?m)(?:^|[{,])[ \t]*["']?build["']?[ \t]*:""")
_TAKES_OVER = re.compile(rb"""\b(?:extends|include)["']?[ \t]*:""")
_BEFORE = re.compile(r"(?:.*:)?[ \t]*(?:-[ \t]+)*")
"""The key or the dash before a path."""


def collect_edit_notes(project: Project, edits: Iterable[FileEdit]) -> tuple[str, ...]:
    """What a person should know before these edits are made."""
    changed = tuple(edit.path for edit in edits if edit.changes)
    if not changed:
        return ()
    unread = _read_nearby_files(project, changed)
    return (*_describe_side_effects(project, changed, unread), *_describe_unread_builds(project, unread))


def _describe_side_effects(project: Project, changed: tuple[Path, ...], unread: Mapping[Path, bytes]) -> Iterator[str]:
    folder = project.files.directory
    for path in changed:
        name = _format_relative_path(project, path)
        users = [
            _format_relative_path(project, other) for other, data in unread.items() if _uses_file(other, data, path)
        ]
        if users:
            over = f"{join_names(users)} {choose_verb(users, 'takes', 'take')} over from it"
            still = choose_verb(users, "it still builds its image", "they still build their image")
            yield f"the edit of {name} also changes what {over}: check that {still}"
        elif path not in project.files.files and not path.is_relative_to(folder):
            yield f"{name} is outside this project's folder: other projects that extend or include it get the edit too"


def _describe_unread_builds(project: Project, unread: Mapping[Path, bytes]) -> Iterator[str]:
    folder = project.files.directory
    names = sorted(path.name for path, data in unread.items() if path.parent == folder and _BUILD.search(data))
    if not names:
        return
    main = [_format_relative_path(project, path) for path in project.files.files]
    words = shlex.join(word for file in (*main, *names) for word in ("-f", file))
    have = choose_verb(names, "was not read, and has", "were not read, and have")
    yield (
        f"{join_names(names)} {have} a `build` too: together with {join_names(main)} "
        f"{choose_verb(names, 'it', 'they')} could build "
        f"another image under the shared name. Name all files that belong together: `optbuild optimize {words}`"
    )


def _format_relative_path(project: Project, path: Path) -> str:
    return os.path.relpath(path, project.files.directory)


def _uses_file(user: Path, data: bytes, path: Path) -> bool:
    """Whether the text of ``user`` names ``path`` as a file that it extends or includes."""
    name = os.fsencode(path.name)
    if name not in data or not _TAKES_OVER.search(data):
        return False
    pattern = rb"[^\r\n\"'\[\]{},]*" + re.escape(name) + rb"(?=[\s\"'\]},]|$)"
    for found in re.findall(pattern, data):
        written = _BEFORE.sub("", found.decode("utf-8", "replace"), count=1)
        if os.path.normpath(user.parent / written) == str(path) or ("$" in written and path.name in written):
            return True
    return False


def _read_nearby_files(project: Project, changed: tuple[Path, ...]) -> dict[Path, bytes]:
    """The compose files in the folders of the project and of what changes, and in those beside them."""
    read = {os.path.realpath(path) for path in project.sources}
    homes = dict.fromkeys((project.files.directory, *(path.parent for path in changed)))
    folders = dict.fromkeys((*homes, *(near for home in homes for near in _iterate_nearby_folders(home))))
    found: dict[Path, bytes] = {}
    for folder in islice(folders, MOST_FOLDERS):
        for path in _list_compose_files(folder):
            if os.path.realpath(path) not in read:
                with suppress(OSError):
                    found[path] = _read_start(path)
    return found


def _iterate_nearby_folders(folder: Path) -> Iterator[Path]:
    """The folder above, and what else is in it; nothing where that is the root of the machine."""
    above = folder.parent
    if above == above.parent:
        return
    yield above
    yield from sorted(Path(entry.path) for entry in _list_entries(above) if entry.is_dir(follow_symlinks=False))


def _list_compose_files(folder: Path) -> list[Path]:
    return sorted(
        Path(entry.path) for entry in _list_entries(folder) if _NAME.fullmatch(entry.name) and entry.is_file()
    )


def _list_entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(islice(entries, MOST_ENTRIES))
    except OSError:
        return []


def _read_start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES)
