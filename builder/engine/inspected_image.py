"""What an engine's answer about one image says of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def list_diffs(image: Mapping[str, Any]) -> tuple[str, ...]:
    """The diff IDs of an image that was inspected, oldest first."""
    return tuple(str(diff) for diff in (image.get("RootFS") or {}).get("Layers") or ())


def list_folders(image: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | None:
    """Each layer's diff ID and its folder on the engine's disk, oldest first; None: overlay2 has no such folders.

    ``GraphDriver.Data`` names the folder of the uppermost layer, and those below it from top to bottom.
    """
    data = (image.get("GraphDriver") or {}).get("Data") or {}
    below = [folder for folder in str(data.get("LowerDir") or "").split(":") if folder]
    folders = [*reversed(below), str(data.get("UpperDir") or "")]
    diffs = list_diffs(image)
    return tuple(zip(diffs, folders, strict=True)) if len(diffs) == len(folders) else None
