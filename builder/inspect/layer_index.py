"""Which layers each image of an engine has, kept between runs: an image's ID never means other layers.

Looking for a base asks this of every image with a tag, and an engine answers for one at a time. The file is read by
hand: one check of all digests is shorter than a form for core/documents, and every `inspect` reads it.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING

from builder.core.files import write_private_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "image-layers.json"
VERSION = 1
MAX_IMAGES = 2000
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class KnownLayers:
    """Image ID → diff IDs, oldest first. Losing the file costs only time, and a damaged one is not used."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._known = self._before = _read_known_layers(self._path)

    def find_layers(self, identity: str) -> tuple[str, ...] | None:
        return self._known.get(identity)

    def record_layers(self, found: Iterable[tuple[str, tuple[str, ...]]], *, present: Iterable[str]) -> None:
        """Add, forget images that are not ``present`` any more, and write what has changed."""
        here = set(present)
        known = {**{key: value for key, value in self._known.items() if key in here}, **dict(found)}
        self._known = dict(list(known.items())[-MAX_IMAGES:])
        if self._known == self._before:
            return
        with contextlib.suppress(OSError):
            write_private_file(self._path, json.dumps({"version": VERSION, "images": self._known}).encode())
            self._before = self._known


def _read_known_layers(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        document = json.loads(path.read_bytes())
        if document["version"] != VERSION:
            return {}
        images = {str(key): tuple(value) for key, value in document["images"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    texts = (text for key, value in images.items() for text in (key, *value))
    return images if all(isinstance(text, str) and _DIGEST.fullmatch(text) for text in texts) else {}
