"""An alias whose anchor is not there: usually a block of another document was copied without the one that it names."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from builder.compose.yaml.events import InvalidYamlError, read_events
from builder.compose.yaml.nodes import find_line_number

if TYPE_CHECKING:
    from pathlib import Path


def explain_missing_anchor(text: str, name: str, at: int, folder: Path) -> tuple[str, str]:
    """Message and next step for the alias ``*name`` at ``at`` of ``text``. The block that is proposed names the
    Dockerfile that lies in ``folder``."""
    anchors = _find_anchors(text)
    if name in anchors:
        line = find_line_number(text, anchors[name])
        return (
            f"the alias *{name} is used before its anchor &{name}, which comes on line {line} only",
            f"move what has &{name} above line {find_line_number(text, at)}, to the top of the file for instance",
        )
    block = "".join(f"\n    {line}" for line in _propose_block(text, name, at, folder))
    add = f"above `services:`, at the beginning of a line, add the block that it names:{block}"
    near = difflib.get_close_matches(name, anchors, 1)
    if near:
        add = f"write *{near[0]}, which is on line {find_line_number(text, anchors[near[0]])}; or {add}"
    return f"the alias *{name} stands for nothing: no line of this file has its anchor, &{name}", add


def _find_anchors(text: str) -> dict[str, int]:
    """Name → place of the first one, as far as the file can be read."""
    found: dict[str, int] = {}
    try:
        for event in read_events(text):
            if getattr(event, "anchor", None) and type(event).__name__ != "AliasEvent":
                found.setdefault(event.anchor, event.start_mark.index)
    except InvalidYamlError:
        pass
    return found


def _propose_block(text: str, name: str, at: int, folder: Path) -> tuple[str, ...]:
    head = f"{name if name.startswith('x-') else f'x-{name}'}: &{name}"
    *above, key = _find_keys(text, at)
    if key != "<<":
        return (f"{head}  # here what `{key}` is to be" if key else f"{head} VALUE",)
    if above[-1:] == ["environment"]:
        return head, "  NAME: value  # the variables that they have in common"
    if len(above) == 2 and above[0] == "services":
        return head, *_propose_build(folder), "  # and what else they have in common: environment, volumes, networks"
    return head, "  key: value  # what they have in common"


def _propose_build(folder: Path) -> tuple[str, ...]:
    names = sorted(path.name for path in folder.glob("Dockerfile*") if path.is_file())
    if len(names) == 1 and names[0] != "Dockerfile":
        return "  build:", "    context: .", f"    dockerfile: {names[0]}"
    return ("  build: .",)


def _find_keys(text: str, at: int) -> list[str]:
    """The keys around a place in block style, from the outermost in; the last one is that of its own line."""
    start = text.rfind("\n", 0, at) + 1
    keys, indent = [_read_key(text[start:at])], _measure_indent(text[start:at])
    for line in reversed(text[:start].splitlines()):
        if line.strip() and not line.lstrip().startswith("#") and _measure_indent(line) < indent:
            indent = _measure_indent(line)
            keys.append(_read_key(line))
    return keys[::-1]


def _measure_indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _read_key(line: str) -> str:
    return line.strip().lstrip("- ").partition(":")[0].strip("\"' ") if ":" in line else ""
