"""What images really take on disk: each layer chain counted once (design.md, "Bytes"). All of them are unpacked bytes.

Several IDs are not always several times the bytes, so three things are told apart: what `docker images` adds up to,
what is on the disk, and what would be there if each build had made its own layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.model import ImageBytes, Sharing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.engine.layers import ImageLayers

LAYER_WORDS = frozenset({"ADD", "COPY", "RUN"})
"""Instructions that always make a layer; WORKDIR makes one only where the folder was missing."""


def measure_images(images: Mapping[str, ImageLayers]) -> ImageBytes | None:
    """``images``: name → what it is now. None where nothing is there, or a layer's bytes are not known."""
    totals = [image.bytes for image in images.values()]
    known = [total for total in totals if total is not None]
    real = count_real_bytes(images.values())
    if not known or len(known) < len(totals) or real is None:
        return None
    return ImageBytes(sum(known), real, len({image.id for image in images.values()}))


def count_real_bytes(images: Iterable[ImageLayers]) -> int | None:
    """Bytes of all chains of the images, each once; None: not known for one of them."""
    chains = {layer.chain: layer.bytes for image in images for layer in image.layers}
    known = [size for size in chains.values() if size is not None]
    return sum(known) if len(known) == len(chains) else None


def classify_sharing(images: Iterable[ImageLayers]) -> Sharing | None:
    """What several images have in common; None: nothing to compare, or bytes that are not known."""
    unique = {image.id: image for image in images}
    totals = [image.bytes for image in unique.values()]
    real = count_real_bytes(unique.values())
    known = [total for total in totals if total is not None]
    if not unique or real is None or len(known) < len(totals):
        return None
    if len(unique) == 1:
        return Sharing.IMAGE
    if real == max(known):
        return Sharing.LAYERS
    return Sharing.NOTHING if real == sum(known) else Sharing.SOME


def estimate_separate_bytes(images: Sequence[ImageLayers], copies: int, base: int | None) -> ImageBytes | None:
    """What ``copies`` builds take that share nothing but their base, whose layers are the lowest ``base`` of each.

    Builds whose image is not there are counted like the newest of those that are. None: the base is not known.
    """
    if not images or base is None or copies < len(images):
        return None
    newest = find_newest_image(images)
    each = (*images, *(newest for _ in range(copies - len(images))))
    lower = {layer.chain: layer.bytes for image in each for layer in image.layers[:base]}
    sizes = [*lower.values(), *(layer.bytes for image in each for layer in image.layers[base:])]
    totals = [image.bytes for image in each]
    return ImageBytes(_sum_sizes(totals), _sum_sizes(sizes), copies) if None not in {*sizes, *totals} else None


def measure_shared_image(image: ImageLayers | None) -> ImageBytes | None:
    """The group when all of it uses this one image."""
    total = None if image is None else image.bytes
    return None if total is None else ImageBytes(total, total, 1)


def find_newest_image(images: Iterable[ImageLayers]) -> ImageLayers:
    """The one built last; of equally old ones the first."""
    return max(images, key=lambda image: image.created)


def count_base_layers(
    images: Sequence[ImageLayers], base: ImageLayers | None, made: Sequence[str] | None
) -> int | None:
    """How many of the lowest layers come from the image that the Dockerfile starts from; None: not known.

    Known when that image is on the engine and the others are built on it; else when the Dockerfile's instructions
    (``made``: those of the target, in order) are what made the upper layers of each image. BuildKit
    keeps no base image on the engine, so the second way is the usual one.
    """
    counts = {_count_by_image(image, base) or _count_by_instructions(image, made) for image in images}
    return counts.pop() if len(counts) == 1 else None


def _count_by_image(image: ImageLayers, base: ImageLayers | None) -> int | None:
    if base is None or not base.layers or len(base.layers) > len(image.layers):
        return None
    return len(base.layers) if image.layers[len(base.layers) - 1].chain == base.layers[-1].chain else None


def _count_by_instructions(image: ImageLayers, made: Sequence[str] | None) -> int | None:
    """Go down both lists; a WORKDIR of the Dockerfile may have made no layer."""
    if made is None:
        return None
    at = len(image.layers)
    for word in reversed([word for word in made if word in LAYER_WORDS or word == "WORKDIR"]):
        fits = at > 0 and (image.layers[at - 1].word or "RUN") == word
        if fits:
            at -= 1
        elif word != "WORKDIR":
            return None
    return at


def _sum_sizes(sizes: Iterable[int | None]) -> int:
    return sum(size or 0 for size in sizes)
