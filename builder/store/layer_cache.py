"""The layers of images, kept by image ID: an ID is a hash over them, so they never change. For what is shown only:
which image is built on which follows from them too, so code that deletes asks the engine.

One JSON file in the cache folder; whatever cannot be read is asked again. It is read by hand: rows of three values
need as many lines with core/documents, and `optbuild images` would wait for one more import.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from builder.core.files import write_private_file
from builder.engine.layers import Layer, compute_chain_ids

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA_VERSION = 1
FILE = "image-layers.json"
_OUTDATED = "compose-files.json"
"""What earlier versions kept beside it: what compose files say."""

LayersByImage = dict[str, tuple[Layer, ...]]


def read_layer_cache(folder: Path) -> LayersByImage:
    try:
        document = json.loads((folder / FILE).read_bytes())
        if document["schema_version"] != SCHEMA_VERSION:
            return {}
        return {image: _parse_layers(found) for image, found in document["images"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def write_layer_cache(folder: Path, known: Mapping[str, tuple[Layer, ...]]) -> None:
    """What cannot be written is asked again the next time."""
    images = {image: [[one.diff, one.bytes, one.word] for one in layers] for image, layers in sorted(known.items())}
    data = json.dumps({"schema_version": SCHEMA_VERSION, "images": images}, separators=(",", ":")).encode()
    with contextlib.suppress(OSError):
        write_private_file(folder / FILE, data)


def remove_outdated(folder: Path) -> None:
    """What no version writes any more."""
    with contextlib.suppress(OSError):
        (folder / _OUTDATED).unlink(missing_ok=True)


def _parse_layers(found: list[list[object]]) -> tuple[Layer, ...]:
    """Raises ValueError or TypeError for anything that was not written by us."""
    rows = [(str(diff), _check_size(size), str(word)) for diff, size, word in found]
    chains = compute_chain_ids([diff for diff, _, _ in rows])
    return tuple(Layer(chain, diff, size, word) for chain, (diff, size, word) in zip(chains, rows, strict=True))


def _check_size(value: object) -> int | None:
    if value is not None and not isinstance(value, int):
        raise ValueError(f"{value!r} is not a number of bytes")
    return value
