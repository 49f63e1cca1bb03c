"""A compose file that is only right together with another: an override that was named alone."""

from __future__ import annotations

import os.path
import re
import shlex
from typing import TYPE_CHECKING

from builder.compose.load.discover import DEFAULT_NAMES
from builder.compose.yaml.nodes import find_value
from builder.compose.yaml.parse import read_tree
from builder.core.phrases import choose_verb, join_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MISSING = (
    (re.compile(r'service "(?P<name>[^"]+)" has neither an image nor a build'), "services", ("image", "build")),
    (re.compile(r'depends on undefined service "?(?P<name>[^\s":]+)'), "services", ()),
    (re.compile(r'service "(?P<name>[^"]+)" not found'), "services", ()),
    (re.compile(r'refers to undefined network "?(?P<name>[^\s":]+)'), "networks", ()),
    (re.compile(r'refers to undefined volume "?(?P<name>[^\s":]+)'), "volumes", ()),
    (re.compile(r'refers to undefined secret "?(?P<name>[^\s":]+)'), "secrets", ()),
    (re.compile(r'refers to undefined config "?(?P<name>[^\s":]+)'), "configs", ()),
)
"""Compose's words for something that these files do not have; the section that would have it, and one of its keys."""
_COMPOSE_FILE = re.compile(r".*compose.*\.ya?ml", re.IGNORECASE)
_MOST_FILES, _MAX_BYTES = 50, 500_000
_BEHIND = re.compile(r"; (?=\S+ has the \w+ [^;]*, name all, in this order: `[^`]*`$)")
"""Between Compose's words and a suggestion."""


def is_fragment(said: str) -> bool:
    """Whether Compose lacks something that other files define. An image may be a variable that another machine has."""
    return any(pattern.search(said) for pattern, _, keys in _MISSING if not keys)


def suggest_other_file(said: str, files: tuple[Path, ...]) -> str | None:
    """What to type where a file beside these has what they lack; None: none has it, or Compose said something else."""
    for pattern, section, keys in _MISSING:
        if found := pattern.search(said):
            for other in _iterate_files_beside(files):
                if _defines(other, section, found["name"], keys):
                    return _format_suggestion(files, other, section, found["name"])
    return None


def add_suggestion(said: str, files: tuple[Path, ...]) -> str:
    """Compose's words, and behind them what :func:`suggest_other_file` says."""
    other = suggest_other_file(said, files)
    return f"{said}; {other}" if other else said


def split_suggestion(text: str) -> tuple[str, str | None]:
    """Compose's words alone, and what was put behind them."""
    said, *behind = _BEHIND.split(text, maxsplit=1)
    return said, behind[0] if behind else None


def _iterate_files_beside(files: tuple[Path, ...]) -> Iterator[Path]:
    """Those with default names first; as many as can be looked at in a moment."""
    folder = files[0].parent
    try:
        names = sorted(path.name for path in folder.iterdir() if _COMPOSE_FILE.fullmatch(path.name))
    except OSError:
        return
    ordered = dict.fromkeys((*(name for name in DEFAULT_NAMES if name in names), *names))
    read = {path.resolve() for path in files}
    yield from [folder / name for name in ordered if (folder / name).resolve() not in read][:_MOST_FILES]


def _defines(path: Path, section: str, name: str, keys: tuple[str, ...]) -> bool:
    try:
        data = path.read_bytes() if path.is_file() and path.stat().st_size <= _MAX_BYTES else b""
    except OSError:
        return False
    tree = read_tree(data)
    root = tree.roots[0] if tree.roots else None
    there = find_value(find_value(root, section), name)
    if not keys:
        return there is not None
    return any(find_value(there, key) is not None for key in (*keys, "<<", "extends"))


def _format_suggestion(files: tuple[Path, ...], other: Path, section: str, name: str) -> str:
    named = [os.path.relpath(path, other.parent) for path in (other, *files)]
    words = shlex.join(word for path in named for word in ("-f", path))
    return (
        f"{named[0]} has the {section.removesuffix('s')} {name}: if {join_names(named[1:])} "
        f"{choose_verb(named[1:], 'belongs', 'belong')} to it, name all, in this order: `{words}`"
    )
