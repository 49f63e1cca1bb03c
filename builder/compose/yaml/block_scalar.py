"""Where a block scalar (`|`, `>`) ends: libyaml's own mark runs past the blank lines and comments behind it."""

from __future__ import annotations

import re

_HEADER = re.compile(r"(?:[&!][^ \t\n]*[ \t]+)*[|>]([-+0-9]*)")


def find_block_end(text: str, start: int, end: int) -> int:
    """Behind the last line of a block scalar's content; blank lines behind it count only where `+` keeps them."""
    header = _HEADER.match(text, start)
    first = text.find("\n", start, end)
    if header is None or first < 0:
        return end
    last, indent = len(text[start:first].rstrip("\r")) + start, _parse_indent(text, start, header.group(1))
    keeps = "+" in header.group(1)
    at = first + 1
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        line = text[at:stop].rstrip("\r")
        if line.strip(" "):
            own = len(line) - len(line.lstrip(" "))
            indent = indent or max(own, 1)
            if own < indent:
                break
            last = at + len(line)
        elif keeps:
            last = at + len(line)
        at = stop + 1
    return last


def _parse_indent(text: str, start: int, header: str) -> int:
    """The indentation of the content where the header says it (`|2`), else 0: the first line says it."""
    digits = header.strip("+-")
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return len(line) - len(line.lstrip(" -")) + int(digits) if digits else 0
