"""True bytes of images: a layer is a chain ID, and what two images share is on disk once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.store.model import Amount, ImageTotals
from builder.store.unknown_sizes import collect_combined_bytes, collect_layer_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from builder.store.model import StoredImage


@dataclass(frozen=True)
class OwnBytes:
    """Of one image among others; None: not known for one of the layers."""

    unpacked: int | None
    unique: int | None
    shared: int | None
    frees: int | None


class LayerUsage:
    """Who has which layer. An image between two steps of the classic builder counts as part of those that
    were made from it: nobody sees it, and its layers are theirs."""

    def __init__(self, images: Iterable[StoredImage]) -> None:
        self._images = tuple(images)
        self._told = collect_layer_bytes(self._images)
        self._together = collect_combined_bytes(self._images, self._told)
        self._owners = Counter(chain for image in self.visible for chain in set(image.chains))
        self._holders = Counter(chain for image in self._images for chain in set(image.chains))

    @property
    def visible(self) -> tuple[StoredImage, ...]:
        """Those that are not a step between others."""
        parents = {image.parent for image in self._images if image.parent}
        return tuple(image for image in self._images if image.names or image.id not in parents)

    def count_own(self, image: StoredImage) -> OwnBytes:
        chains = set(image.chains)
        own = {chain for chain in chains if self._owners[chain] <= 1}
        freed = {chain for chain in chains if self._holders[chain] <= 1}
        parts = (self._sum_layers(part, (image,)).exact for part in (chains, own, chains - own, freed))
        return OwnBytes(*parts)

    def count_freed(self, going: Iterable[StoredImage]) -> Amount:
        """Bytes that go when all of these go: layers that nobody else has."""
        all_going = tuple(going)
        leaving = Counter(chain for image in all_going for chain in set(image.chains))
        return self._sum_layers({chain for chain, count in leaving.items() if self._holders[chain] == count}, all_going)

    def count_totals(self) -> ImageTotals:
        visible = self.visible
        unique = {chain for chain, count in self._owners.items() if count == 1}
        shared = {chain for chain, count in self._owners.items() if count > 1}
        each = [self._sum_layers(set(image.chains), (image,)) for image in visible]
        apparent = Amount(sum(one.known for one in each), sum(one.unknown for one in each))
        real, only, several = (self._sum_layers(part, visible) for part in (self._holders.keys(), unique, shared))
        return ImageTotals(len(visible), real, only, several, apparent)

    def _sum_layers(self, chains: AbstractSet[str], images: Iterable[StoredImage]) -> Amount:
        """``images``: those that may have a layer whose bytes are not known; they are counted."""
        left = chains - self._told.keys()
        known = sum(self._told[chain] for chain in chains & self._told.keys())
        for part, amount in self._together.items():
            if part <= left:
                left, known = left - part, known + amount
        untold = max(1, sum(not left.isdisjoint(image.chains) for image in images)) if left else 0
        return Amount(known, untold)


def index_images_above(images: Iterable[StoredImage]) -> Mapping[str, tuple[StoredImage, ...]]:
    """Image ID → the images that are built on all of its layers and have more, or that were made from it."""
    every = tuple(images)
    tops: dict[str, list[StoredImage]] = {}
    for image in every:
        if image.chains:
            tops.setdefault(image.chains[-1], []).append(image)
    found: dict[str, dict[str, StoredImage]] = {}
    for image in every:
        lower = {one.id for chain in image.chains[:-1] for one in tops.get(chain, ())}
        for identity in {*lower, image.parent} - {"", image.id}:
            found.setdefault(identity, {})[image.id] = image
    return {identity: tuple(children.values()) for identity, children in found.items()}
