"""True bytes of images: a layer is a chain ID, and what two images share lies on disk once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.store.model import Totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.store.model import StoredImage


@dataclass(frozen=True)
class OwnBytes:
    """Of one image among others."""

    unpacked: int | None
    unique: int | None
    shared: int | None
    frees: int | None


class Ledger:
    """Who has which layer. An image that lies between two steps of the classic builder counts as part of those that
    were made from it: nobody sees it, and its layers are theirs."""

    def __init__(self, images: Iterable[StoredImage]) -> None:
        self._images = tuple(images)
        self._bytes = {layer.chain: layer.bytes for image in self._images for layer in image.layers.layers}
        self._owners = Counter(chain for image in self.visible for chain in set(image.chains))
        self._holders = Counter(chain for image in self._images for chain in set(image.chains))

    @property
    def visible(self) -> tuple[StoredImage, ...]:
        """Those that are no step between others."""
        parents = {image.parent for image in self._images if image.parent}
        return tuple(image for image in self._images if image.names or image.id not in parents)

    def of(self, image: StoredImage) -> OwnBytes:
        chains = set(image.chains)
        own = {chain for chain in chains if self._owners[chain] <= 1}
        freed = {chain for chain in chains if self._holders[chain] <= 1}
        return OwnBytes(self._sum(chains), self._sum(own), self._sum(chains - own), self._sum(freed))

    def freed_by(self, going: Iterable[StoredImage]) -> int | None:
        """Bytes that go when all of these go: layers that nobody else has. None: not known for one of them."""
        leaving = Counter(chain for image in going for chain in set(image.chains))
        return self._sum(chain for chain, count in leaving.items() if self._holders[chain] == count)

    def totals(self) -> Totals:
        unique = self._sum(chain for chain, count in self._owners.items() if count == 1)
        shared = self._sum(chain for chain, count in self._owners.items() if count > 1)
        visible = self.visible
        each = [self._sum(set(image.chains)) for image in visible]
        return Totals(len(visible), self._sum(self._bytes), unique, shared, _total(each))

    def _sum(self, chains: Iterable[str]) -> int | None:
        return _total(self._bytes[chain] for chain in chains)


def _total(amounts: Iterable[int | None]) -> int | None:
    found = tuple(amounts)
    known = [amount for amount in found if amount is not None]
    return sum(known) if len(known) == len(found) else None


def below(images: Iterable[StoredImage]) -> Mapping[str, tuple[StoredImage, ...]]:
    """Image ID → the images that stand on all of its layers and have more, or that were made from it."""
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
