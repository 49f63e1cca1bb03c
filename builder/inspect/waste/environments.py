"""OB417: virtual environments that came from another machine or another folder, and cannot run here."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from builder.inspect.model import EntryKind, Waste
from builder.inspect.waste.context import format_count, group_by_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.inspect.filesystem import ImageFilesystem
    from builder.inspect.waste.context import WasteContext, WasteLedger

_CONFIG = "/pyvenv.cfg"
_KEY = re.compile(r"^\s*(home|command)\s*=\s*(.*?)\s*$", re.MULTILINE)
_PROGRAMS = ("bin/python", "bin/python3")
_HOMES = ("python3", "python")
_MOST_LINKS = 20


def find_foreign_environments(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """Of an environment that works but is not on PATH nobody here knows who starts it, so it stays."""
    for path, text in sorted(context.filesystem.texts.items()):
        if not path.endswith(_CONFIG):
            continue
        root = path.removesuffix(_CONFIG)
        why = _find_reason(context, root, text.decode("utf-8", "replace"))
        if why is None:
            continue
        for layer, part in group_by_layer(ledger.take_folder(root)):
            told = f"a virtual environment that cannot run here ({root}), {format_count(part)}: {why}"
            fix = (
                f"name `{posixpath.basename(root)}` in .dockerignore, and make the environment in the image: `python "
                "-m venv`, `uv venv`; from a builder stage copy it to the same path, onto the same Python"
            )
            yield Waste("OB417", told, fix, part, layer)


def _find_reason(context: WasteContext, root: str, config: str) -> str | None:
    """Why it cannot run, to follow a colon; None: it can, or it is what the image starts with."""
    filesystem = context.filesystem
    keys = dict(_KEY.findall(config))
    if not _has_interpreter(filesystem, root, keys.get("home", "")):
        return f"its interpreter of {keys.get('home') or 'another machine'} is not in the image"
    made_in = keys.get("command", "").rpartition(" ")[2]
    is_here = filesystem.resolve_links(f"{made_in}{_CONFIG}") == f"{root}{_CONFIG}"
    if made_in.startswith("/") and not is_here and not _is_started(context, root):
        return f"it was made in {made_in}, and its programs look for it there"
    return None


def _has_interpreter(filesystem: ImageFilesystem, root: str, home: str) -> bool:
    """Whether its Python leads to a file of the image; where it is a copy, whether that one's ``home`` is there."""
    visible = filesystem.merged.visible
    program = next((f"{root}/{name}" for name in _PROGRAMS if f"{root}/{name}" in visible), None)
    if program is None:
        return False
    if visible[program].entry.kind is not EntryKind.SYMLINK:
        return any(f"{home}/{name}" in visible for name in _HOMES)
    for _ in range(_MOST_LINKS):
        place = filesystem.resolve_links(program)
        there = visible.get(place)
        if there is None or there.entry.kind is not EntryKind.SYMLINK:
            return there is not None
        program = posixpath.normpath(posixpath.join(posixpath.dirname(place), there.entry.link))
    return False


def _is_started(context: WasteContext, root: str) -> bool:
    """Whether PATH, VIRTUAL_ENV or the command of the image leads into it."""
    content = context.filesystem.content
    folders = content.environment.get("PATH", "").split(":")
    named = (*folders, content.environment.get("VIRTUAL_ENV", ""), *content.start)
    return any(one == root or one.startswith(f"{root}/") for one in named)
