"""What the map, the list and the search of a page are made from; ``templates/html/page/1-nodes.js`` reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.report.html.embed import format_readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_LEVELS = 60
"""Deeper folders stay one name with slashes: an image may nest thousands, and readers of JSON have a limit."""


@dataclass(frozen=True)
class MapGroup:
    """A layer, a package, a kind of waste, ...: what files are grouped by."""

    name: str
    tone: str = ""
    """A colour of style.css (``--tone-...``); empty: that of what it is in."""
    note: str = ""
    gone: bool = False
    """Its files are not part of views of what can be seen."""


@dataclass(frozen=True)
class Dimension:
    """One way to group; ``noun`` is what one of its groups is called."""

    noun: str
    groups: tuple[MapGroup, ...]


@dataclass(frozen=True)
class MapView:
    """One tree: by these dimensions (their numbers), then by folder. Files without such a group are not in it."""

    label: str
    by: tuple[int, ...]
    column: int = 1
    """Which column of a file holds the bytes; see :func:`build_name_tree`."""
    visible: bool = False


@dataclass(frozen=True)
class MapData:
    name: str
    leaf: str
    """What one leaf is called: ``file``."""
    dimensions: tuple[Dimension, ...]
    views: tuple[MapView, ...]
    files: list[Any]
    legend: tuple[tuple[str, str], ...]
    """Tone and what it means."""
    above: str = "/"
    wasted: int = -1
    """Which column holds the bytes that are waste, where that is not the whole file; -1: none does."""
    signed: bool = False
    """The bytes are growth."""


def make_map_document(data: MapData) -> dict[str, Any]:
    """For JSON. Names are made readable here, once, so that page and tables show the same."""
    return {
        "name": format_readable(data.name),
        "leaf": data.leaf,
        "above": data.above,
        "signed": data.signed,
        "wasted": data.wasted,
        "legend": data.legend,
        "dimensions": [
            {"noun": one.noun, "groups": [_make_group_document(group) for group in one.groups]}
            for one in data.dimensions
        ],
        "views": [
            {"label": view.label, "by": view.by, "value": view.column, "visible": view.visible} for view in data.views
        ],
        "files": data.files,
    }


def _make_group_document(group: MapGroup) -> dict[str, Any]:
    value: dict[str, Any] = {"name": format_readable(group.name)}
    if group.tone:
        value["tone"] = group.tone
    if group.note:
        value["note"] = format_readable(group.note)
    if group.gone:
        value["gone"] = True
    return value


def build_name_tree(files: Iterable[tuple[str, Sequence[int | None]]]) -> list[Any]:
    """Paths as a tree of names, so that no folder is written twice.

    A folder is ``[name, [...]]``, a file ``[name, bytes, group, group, ...]`` with the columns given. The same path
    may come several times, once per layer.
    """
    top: list[Any] = ["", []]
    folders: dict[str, list[Any]] = {"": top}
    for path, columns in sorted(files, key=lambda file: file[0]):
        folder, name = _split_path(path.lstrip("/"))
        _find_or_add_folder(folder, folders)[1].append([format_readable(name), *columns])
    return top


def _split_path(path: str) -> tuple[str, str]:
    parts = path.split("/")
    cut = min(len(parts) - 1, MOST_LEVELS)
    return "/".join(parts[:cut]), "/".join(parts[cut:])


def _find_or_add_folder(path: str, folders: dict[str, list[Any]]) -> list[Any]:
    found = folders.get(path)
    if found is None:
        above, _, name = path.rpartition("/")
        found = folders[path] = [format_readable(name), []]
        _find_or_add_folder(above, folders)[1].append(found)
    return found


def trim_columns(columns: Sequence[int | None], missing: Mapping[int, int]) -> tuple[int | None, ...]:
    """Without the last columns that say nothing; ``missing``: position → the value that says nothing."""
    end = len(columns)
    while end and end - 1 in missing and columns[end - 1] == missing[end - 1]:
        end -= 1
    return tuple(columns[:end])
