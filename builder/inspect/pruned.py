"""What the build left out of an image, from the ledgers in it: one per distribution, one for the Debian packages.

``templates/scripts/ledger.py`` and ``templates/base.sh`` write them, in one schema. Any image may hold any text under
those names: what does not fit the schema is not used.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeGuard

from builder.inspect.model import PrunedFiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DISTRIBUTION = re.compile(r"/([^/]+)\.dist-info/optbuild-pruned\.json")
_BASE = "/usr/share/optbuild/pruned.json"
_SCHEMA_VERSION = 1
_RULE = re.compile(r"[a-z][a-z-]{0,39}")
_MOST = 1 << 50
"""Files, and bytes: more than any image has."""


def find_pruned(texts: Mapping[str, bytes]) -> tuple[PrunedFiles, ...]:
    """One per rule and package, largest first. ``texts``: path → bytes of what a container sees."""
    found = []
    for path, text in texts.items():
        match = _DISTRIBUTION.search(path)
        if match or path == _BASE:
            package = re.sub(r"[-_.]+", "-", match[1].split("-")[0]).lower() if match else None
            found += [PrunedFiles(rule, package, files, size) for rule, files, size in _parse_ledger(text)]
    return tuple(sorted(found, key=lambda one: (-one.bytes, one.rule, one.package or "")))


def _parse_ledger(text: bytes) -> Iterator[tuple[str, int, int]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    rules = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(rules, dict) or document.get("schema_version") != _SCHEMA_VERSION:
        return
    for rule, sums in rules.items():
        if _RULE.fullmatch(rule) and isinstance(sums, dict):
            files, size = sums.get("files"), sums.get("bytes")
            if _is_count(files) and _is_count(size):
                yield rule, files, size


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST
