"""Compose's refusal of a project as an error: its words, the place that they mean, and what to do about it.

Compose names a line for some errors, a key for others and nothing for the rest; the same parser's positions are here.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from builder.compose.load import config_errors as complaint
from builder.compose.load.fragments import suggest_other_file
from builder.compose.load.key_versions import find_key_version, is_older
from builder.compose.load.missing_anchors import explain_missing_anchor
from builder.compose.yaml.nodes import Mapping, Node, Scalar, Sequence, find_children, follow, resolve_alias
from builder.compose.yaml.parse import UNCLOSED, read_tree
from builder.core.errors import ComposeError, Where

if TYPE_CHECKING:
    from collections import abc
    from pathlib import Path

_HINT = "correct it until `docker compose config --quiet` prints nothing"
_UNKNOWN_KEY = re.compile(
    r"(?P<path>\(root\)|[\w.\[\]-]+):? [Aa]dditional propert(?:y|ies) '?(?P<key>[^\s']+)'? (?:is )?not allowed"
)
"""Compose 2, and the words of the JSON Schema library that newer ones have."""
_LINE = re.compile(r"yaml: line \d+: ")
"""Often that of the block which is not right yet, and not that of the fault."""


def make_refusal_error(
    said: str, files: tuple[Path, ...], sources: abc.Mapping[Path, bytes], read_version: abc.Callable[[], str]
) -> ComposeError:
    """``said``: Compose's words, without secrets. ``files``: the project's; ``sources`` are those and what they include
    or extend. ``read_version`` asks for Compose's version."""
    if "yaml:" in said:
        for path, data in sources.items():
            if error := _explain_invalid_yaml(said, path, data):
                return error
    where, hint = _locate(said, files, sources), _HINT
    if found := _UNKNOWN_KEY.search(said):
        hint = _explain_unknown_key(_split_path(found["path"]), found["key"], read_version) or hint
    elif other := suggest_other_file(said, files):
        hint = other
    return ComposeError(f"Compose refuses this project: {said}", where=where, hint=hint)


def _explain_invalid_yaml(said: str, path: Path, data: bytes) -> ComposeError | None:
    """None where this file's YAML is right."""
    tree = read_tree(data)
    fault = tree.broken
    if fault is None:
        return _explain_wrong_merge(said, path, data)
    if fault.too_deep:
        return None
    where = Where(str(path), tree.line(fault.at))
    if fault.anchor is not None:
        message, hint = explain_missing_anchor(tree.text, fault.anchor, fault.at, path.parent)
        return ComposeError(message, where=where, hint=hint)
    hint = fault.hint if fault.hint == UNCLOSED else _advise_on_character(tree.text, fault.at)
    words = _LINE.sub("yaml: ", said)
    return ComposeError(f"Compose refuses this project: {words}", where=where, hint=hint)


def _advise_on_character(text: str, at: int) -> str:
    """What to do about the character where the parser stopped."""
    if "\t" in text[text.rfind("\n", 0, at) + 1 : at + 1]:
        return "write blanks in place of the tab: YAML allows no tab where a line is indented"
    if text[at : at + 1] in ("@", "`", "%"):
        return f"put the text in quotes: in YAML none begins with {text[at]}"
    return _HINT


def _explain_wrong_merge(said: str, path: Path, data: bytes) -> ComposeError | None:
    if "map merge requires" not in said:
        return None
    tree = read_tree(data)
    entries = (entry for root in tree.roots for node in follow(root) for entry in getattr(node, "entries", ()))
    for entry in entries:
        if entry.is_merge and not _is_mergeable(entry.value):
            hint = "let `<<:` name a mapping (`<<: *name`), or a list of mappings; a text cannot be merged"
            where = Where(str(path), tree.line(entry.start), "<<")
            return ComposeError(f"Compose refuses this project: {said}", where=where, hint=hint)
    return None


def _is_mergeable(node: Node) -> bool:
    value = resolve_alias(node)
    if isinstance(value, Sequence):
        return all(isinstance(resolve_alias(item), Mapping) for item in value.items)
    return isinstance(value, Mapping)


def _locate(said: str, files: tuple[Path, ...], sources: abc.Mapping[Path, bytes]) -> Where | None:
    """The file that Compose names, or the only one; the line of the key that it names, where the file has it."""
    named = complaint.find_error_file(said)
    file = named or (str(files[0]) if len(files) == 1 else None)
    if file is None:
        return None
    key, line = complaint.find_error_key(said), complaint.find_error_line(said)
    if found := _UNKNOWN_KEY.search(said):
        key = ".".join((*_split_path(found["path"]), found["key"]))
    if key is not None and line is None:
        data = next((data for path, data in sources.items() if str(path) == file), b"")
        line = _find_key_line(data, _split_path(key))
    return Where(file, line, key)


def _split_path(text: str) -> tuple[str, ...]:
    """``services.web.ports[0]``, ``services.web.ports.0`` → its parts; ``(root)`` has none."""
    return () if text == "(root)" else tuple(re.sub(r"\[([\w-]+)\]", r".\1", text).split("."))


def _find_key_line(data: bytes, path: tuple[str, ...]) -> int | None:
    """Of the deepest key of ``path`` that the file has itself; None: not even the first."""
    tree = read_tree(data)
    node: Node | None = tree.roots[0] if tree.roots else None
    line = None
    for part in path:
        entries = node.entries if isinstance(node, Mapping) else ()
        entry = next((one for one in entries if isinstance(one.key, Scalar) and one.key.value == part), None)
        following = entry.value if entry is not None else None
        if isinstance(node, Sequence):
            with suppress(ValueError, IndexError):
                following = find_children(node)[int(part)]
        if following is None:
            break
        line = tree.line(entry.start if entry is not None else following.start)
        node = resolve_alias(following)
    return line


def _explain_unknown_key(path: tuple[str, ...], key: str, read_version: abc.Callable[[], str]) -> str | None:
    """None where the key is not one that only newer versions have."""
    needed = find_key_version(path, key)
    if needed is None:
        return None
    version = read_version()
    if version and not is_older(version, needed):
        return None
    return (
        f"the file is right, Compose is too old: `{key}` needs {needed} or newer, this is {version or 'an older one'}. "
        "Update the package docker-compose-plugin (from https://docs.docker.com/compose/install/linux/, where the "
        "distribution has no newer one), or leave the key out"
    )
