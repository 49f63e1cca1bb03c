"""Which other files a compose file names: ``include:`` and ``extends: {file: ...}``.

A broken file names none: that it is broken is Compose's to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAY_NAME_FILES = re.compile(rb"\binclude\b|\bextends\b(?s:.)*\bfile\b|\bfile\b(?s:.)*\bextends\b")
"""Reading YAML in Python takes a second for 15,000 lines, and few files name others."""

_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True)
class Include:
    """One entry of ``include:``. All paths as they are written; the first of ``paths`` is the main one."""

    paths: tuple[str, ...]
    project_directory: str | None = None
    env_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class References:
    """``extended``: the files of all ``extends``, wherever they stand; a service may come by one through an anchor."""

    includes: tuple[Include, ...] = ()
    extended: tuple[str, ...] = ()


@lru_cache(maxsize=64)  # a file may be reached in many ways
def references(data: bytes) -> References:
    """The files that this one names. Raises RecursionError for one that is nested too deep."""
    if not _MAY_NAME_FILES.search(data):
        return References()
    from ruamel.yaml.error import YAMLError  # 20 ms, and few files name others

    try:
        roots = tuple(node for node in documents(data) if node is not None)
    except (YAMLError, UnicodeDecodeError):
        return References()
    includes = (entry for root in roots for entry in _items(_get(root, "include")))
    extended = (file for root in roots for file in _extended(root, set()))
    return References(tuple(found for entry in includes if (found := _include(entry))), tuple(dict.fromkeys(extended)))


def broken_line(data: bytes) -> int | None:
    """The line (from 1) where YAML itself is broken; None where it is not, or where nothing says the line."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # only after a refusal

    try:
        for _ in documents(data):
            pass
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None if mark is None else mark.line + 1
    except (YAMLError, UnicodeDecodeError, RecursionError):
        return None
    return None


def documents(data: bytes) -> Iterator[Any]:
    """Nodes, not values: tags such as ``!reset`` and keys that stand twice do no harm."""
    from ruamel.yaml import YAML  # 20 ms, and few files name others

    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # an anchor may be defined again, and Compose is fine with it
    yield from yaml.compose_all(data.decode("utf-8-sig"))


def _include(entry: Any) -> Include | None:
    if _is_text(entry):
        return Include((entry.value,))
    paths = _texts(_get(entry, "path"))
    directory = _texts(_get(entry, "project_directory"))
    return Include(paths, directory[0] if directory else None, _texts(_get(entry, "env_file"))) if paths else None


def _extended(node: Any, seen: set[int]) -> Iterator[str]:
    if id(node) in seen:  # an alias is the anchored node itself, and may lead in a circle
        return
    seen.add(id(node))
    if file := _get(_get(node, "extends"), "file"):
        yield from _texts(file)
    for child in _children(node):
        yield from _extended(child, seen)


def _children(node: Any) -> list[Any]:
    if node.id == "mapping":
        return [value for _key, value in node.value]
    return list(node.value) if node.id == "sequence" else []


def _get(node: Any, key: str) -> Any:
    if node is None or node.id != "mapping":
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _items(node: Any) -> list[Any]:
    return list(node.value) if node is not None and node.id == "sequence" else []


def _is_text(node: Any) -> bool:
    return node is not None and node.id == "scalar" and bool(node.value) and node.tag != _NULL


def _texts(node: Any) -> tuple[str, ...]:
    nodes = [node] if _is_text(node) else _items(node)
    return tuple(item.value for item in nodes if _is_text(item))
