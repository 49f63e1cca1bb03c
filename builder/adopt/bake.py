"""Which Dockerfile makes the image of a name, where a bake file says it: as far as its values are plain texts."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from builder.adopt.tagged import TaggedBuild
from builder.core.errors import Where

if TYPE_CHECKING:
    from collections.abc import Iterator

_Targets = Mapping[str, tuple[int | None, Mapping[str, Any]]]
"""Name → its line and what it says."""
BAKE_FILES = ("docker-bake.hcl", "docker-bake.json", "docker-bake.override.hcl", "docker-bake.override.json")
_BLOCK = re.compile(r"^[ \t]*(target|variable)\s+\"([^\"]+)\"\s*\{", re.MULTILINE)
_ATTRIBUTE = re.compile(r"^[ \t]*([\w-]+)\s*=\s*(\"[^\"\n]*\"|\[[^\]]*\]|\{[^}]*\})", re.MULTILINE)
_TEXT = re.compile(r"\"([^\"\n]*)\"")
_PAIR = re.compile(r"\"?([\w./:-]+)\"?\s*=\s*\"([^\"\n]*)\"")
_COMMENT = re.compile(r"^[ \t]*(?:#|//).*$", re.MULTILINE)
_REFERENCE = re.compile(r"\$\{(\w+)\}")


def list_bake_builds(name: str, text: str) -> Iterator[TaggedBuild]:
    """Those of all targets with a tag whose values need nothing but the file."""
    targets = _read_json(text) if name.endswith(".json") else _read_hcl(text)
    for target, (line, given) in targets.items():
        whole = _merge_parents(target, targets, ())
        folder = posixpath.normpath(str(whole.get("context", ".")))
        dockerfile = posixpath.normpath(posixpath.join(folder, str(whole.get("dockerfile", "Dockerfile"))))
        if "dockerfile-inline" in whole or "$" in dockerfile or dockerfile.startswith(("..", "/")):
            continue
        args = whole.get("args")
        pairs = tuple((str(key), str(value)) for key, value in args.items()) if isinstance(args, dict) else ()
        stage = whole.get("target")
        for tag in _list_texts(given.get("tags")):
            if "$" not in tag:
                where = Where(name, line, f"target.{target}")
                yield TaggedBuild(tag, where, folder, dockerfile, pairs, None if stage is None else str(stage))


def _list_texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _merge_parents(name: str, targets: _Targets, seen: tuple[str, ...]) -> dict[str, Any]:
    if name not in targets or name in seen:
        return {}
    own = targets[name][1]
    found: dict[str, Any] = {}
    for parent in _list_texts(own.get("inherits")):
        found |= _merge_parents(parent, targets, (*seen, name))
    return {**found, **own}


def _read_json(text: str) -> _Targets:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    targets = document.get("target") if isinstance(document, dict) else None
    if not isinstance(targets, dict):
        return {}
    return {str(name): (None, given) for name, given in targets.items() if isinstance(given, dict)}


def _read_hcl(text: str) -> _Targets:
    """What stands in the file as plain texts, lists and maps of them; defaults of variables are filled in."""
    text = _COMMENT.sub("", text)
    blocks = [(block, text[block.end() : _find_end(text, block.end())]) for block in _BLOCK.finditer(text)]
    variables: dict[str, str] = {}
    for block, body in blocks:
        default = _ATTRIBUTE.search(body) if block[1] == "variable" else None
        if default is not None and default[1] == "default" and default[2].startswith('"'):
            variables[block[2]] = default[2].strip('"')
    found: dict[str, tuple[int | None, dict[str, Any]]] = {}
    for block, body in blocks:
        if block[1] == "target":
            filled = _REFERENCE.sub(lambda match: variables.get(match[1], f"${match[1]}"), body)
            values = {match[1]: _read_value(match[2]) for match in _ATTRIBUTE.finditer(filled)}
            found[block[2]] = (text.count("\n", 0, block.start(1)) + 1, values)
    return found


def _find_end(text: str, start: int) -> int:
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return len(text)


def _read_value(text: str) -> str | list[str] | dict[str, str]:
    if text.startswith("["):
        return _TEXT.findall(text)
    return dict(_PAIR.findall(text)) if text.startswith("{") else text.strip('"')
