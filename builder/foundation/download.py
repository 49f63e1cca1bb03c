"""Is there room for an image that must be pulled? Its registry knows the compressed bytes beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.core.errors import HOW_TO_FREE_DISK, DiskFullError
from builder.core.image_reference import extract_repository
from builder.engine.registry import ask_manifest

if TYPE_CHECKING:
    from builder.core.runtime import Runtime

ASKED_BELOW = 30_000_000_000
"""Free bytes from which no registry is asked: no image that is used as a base comes near."""
NEEDED_FACTOR = 3.5
"""Bytes on the disk per compressed byte while an image is pulled: the unpacked layers, of which gzip leaves about 0.4,
and beside them the compressed ones until the last is unpacked."""
_ASKED_SECONDS = 15.0


def check_room(runtime: Runtime, free: int | None, reference: str, platform: str) -> None:
    """``free`` bytes of the engine's disk, None: it cannot be seen. ``platform`` as in ``linux/amd64``.

    Nothing is said where the registry does not answer: then the pull says why. Raises DiskFullError.
    """
    if free is None or free >= ASKED_BELOW:
        return
    size = query_download_bytes(runtime, reference, platform)
    if size is not None and free < (needed := int(size * NEEDED_FACTOR)):
        raise DiskFullError(
            f"the engine's disk has {free / 1e6:,.0f} MB free; {reference} has {size / 1e6:,.0f} MB compressed and "
            f"needs about {needed / 1e6:,.0f} MB while it is pulled. Nothing was pulled",
            hint=f"{HOW_TO_FREE_DISK}. If the engine has most of its layers already: `docker pull {reference}`, then "
            "the same command again",
        )


def query_download_bytes(runtime: Runtime, reference: str, platform: str) -> int | None:
    """The compressed bytes of the image's layers; None where its registry does not say them."""
    manifest = _ask(runtime, reference)
    if "manifests" in manifest:
        digest = _find_digest(manifest["manifests"], platform)
        manifest = _ask(runtime, f"{extract_repository(reference)}@{digest}") if digest else {}
    layers = manifest.get("layers")
    if not isinstance(layers, list):
        return None
    return sum(int(layer.get("size") or 0) for layer in layers if isinstance(layer, dict))


def _ask(runtime: Runtime, reference: str) -> dict[str, Any]:
    """The manifest or index; empty: none that can be read."""
    return ask_manifest(runtime.runner, runtime.env, reference, seconds=_ASKED_SECONDS)[0] or {}


def _find_digest(entries: object, platform: str) -> str | None:
    """Of an index, the manifest for ``platform``; its variant counts where one is asked for."""
    system, architecture, *variant = platform.split("/")
    wanted = {"os": system, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
    for entry in entries if isinstance(entries, list) else ():
        found = entry.get("platform") if isinstance(entry, dict) else None
        if isinstance(found, dict) and all(found.get(key) == value for key, value in wanted.items()):
            return str(entry.get("digest"))
    return None
