"""Bytes of layers that the engine does not report one by one: an image may come without a history, or with one that
cannot be its own. What other images and the size of the whole image say is taken, and nothing is guessed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.engine.layers import EMPTY_DIFF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.store.model import StoredImage

CombinedBytes = dict[frozenset[str], int]
"""Chains → bytes of all of them, where those of each are not known."""


def collect_layer_bytes(images: Iterable[StoredImage]) -> dict[str, int]:
    """Chain → bytes, as the history of one of its images says."""
    layers = [layer for image in images for layer in image.layers.layers]
    empty = {layer.chain: 0 for layer in layers if layer.diff == EMPTY_DIFF}
    return empty | {layer.chain: layer.bytes for layer in layers if layer.bytes is not None}


def collect_combined_bytes(images: Iterable[StoredImage], known: Mapping[str, int]) -> CombinedBytes:
    """What the size of an image leaves for those of its layers that are not ``known``. A base comes before what stands
    on it, which then needs to say only the rest. A size that cannot be true says nothing."""
    found: CombinedBytes = {}
    for image in sorted(images, key=lambda image: len(image.chains)):
        chains = set(image.chains)
        left = chains - known.keys()
        if image.size is None or not left:
            continue
        amount = image.size - sum(known[chain] for chain in chains & known.keys())
        for part, its_bytes in found.items():
            if part <= left:
                left, amount = left - part, amount - its_bytes
        if left and amount >= 0:
            found[frozenset(left)] = amount
    return found


def complete_layer_bytes(images: Sequence[StoredImage]) -> tuple[StoredImage, ...]:
    """With the bytes of each layer that can be found this way."""
    known = collect_layer_bytes(images)
    known |= {
        next(iter(part)): amount for part, amount in collect_combined_bytes(images, known).items() if len(part) == 1
    }

    def whole(image: StoredImage) -> StoredImage:
        layers = tuple(replace(layer, bytes=known.get(layer.chain)) for layer in image.layers.layers)
        return replace(image, layers=replace(image.layers, layers=layers))

    return tuple(whole(image) if image.layers.bytes is None else image for image in images)
