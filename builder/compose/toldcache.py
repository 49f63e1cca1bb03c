"""What compose files say, kept by their bytes: reading YAML takes a second for 15,000 lines, and few files change.

For looking only: whoever deletes reads the files themselves.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING

from builder.compose.mentions import look
from builder.compose.told import Told
from builder.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 2
FILE = "compose-files.json"


class ToldCache:
    """In the cache folder; whatever is broken there is read again."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._known = _read(self._path)
        self._used: dict[str, Told] = {}

    def __call__(self, data: bytes) -> Told:
        key = hashlib.sha256(data).hexdigest()
        self._used[key] = self._known.get(key) or look(data)
        return self._used[key]

    def save(self) -> None:
        """Only what was asked for this time: files that are gone are forgotten."""
        if self._used.keys() == self._known.keys():
            return
        files = {key: [*map(sorted, told.sets), told.broken] for key, told in sorted(self._used.items())}
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            document = json.dumps({"schema_version": SCHEMA_VERSION, "files": files})
            atomic_write(self._path, document.encode(), mode=0o600)


def _told(*found: list[str] | str) -> Told:
    *sets, broken = found
    told = Told(broken=str(broken))
    for mine, others in zip(told.sets, sets, strict=True):
        mine.update(others)
    return told


def _read(path: Path) -> dict[str, Told]:
    try:
        document = json.loads(path.read_bytes())
        if document["schema_version"] != SCHEMA_VERSION:
            return {}
        return {key: _told(*found) for key, found in document["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
