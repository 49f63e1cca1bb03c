"""What inspections called waste, kept by image ID: a plan says it, and has no time to read an image."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from builder.core.documents import Form, dump_document, read_cached, write_document
from builder.core.errors import StateError

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 1
FILE = "image-waste.json"
MOST_IMAGES = 200


@dataclass(frozen=True)
class InspectedImage:
    """``waste`` in bytes, as the last inspection counted it."""

    id: str
    waste: int


@dataclass(frozen=True)
class InspectedImages:
    """The one that was inspected last is the last."""

    images: tuple[InspectedImage, ...]


_FORM = Form(InspectedImages, SCHEMA_VERSION)


def read_known_waste(cache_folder: Path) -> dict[str, int]:
    """Image ID → bytes; nothing of what cannot be read."""
    found = read_cached(cache_folder / FILE, _FORM)
    return {one.id: one.waste for one in found.images} if found is not None else {}


def remember_waste(cache_folder: Path, image: str, waste: int) -> None:
    """What cannot be written is not known the next time."""
    known = {key: value for key, value in read_known_waste(cache_folder).items() if key != image} | {image: waste}
    kept = tuple(InspectedImage(*pair) for pair in list(known.items())[-MOST_IMAGES:])
    with suppress(StateError):
        write_document(cache_folder / FILE, dump_document(asdict(InspectedImages(kept)), SCHEMA_VERSION))
