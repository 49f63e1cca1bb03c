"""A small engine for the tests of standing and cleaning: images over layers, names, containers; and who wants what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builder.engine.layers import ImageLayers, Layer, compute_chain_ids
from builder.store.model import ImageUser, InventorySnapshot, RetentionRules, StateSnapshot, StoredImage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builder.compose.model import ImageReferences

ENGINE = "engine"


def image(
    name: str,
    layers: tuple[str, ...],
    *names: str,
    labels: Mapping[str, str] | None = None,
    parent: str = "",
    created: float = 1000.0,
    sizes: Mapping[str, int | None] | None = None,
) -> StoredImage:
    """``name`` becomes the ID; each layer has ten bytes per letter of its word, unless ``sizes`` says more."""
    known = sizes or {}
    chains = compute_chain_ids([f"sha256:{word}" for word in layers])
    made = tuple(
        Layer(chain, f"sha256:{word}", known[word] if word in known else 10 * len(word), "COPY")
        for chain, word in zip(chains, layers, strict=True)
    )
    return StoredImage(ImageLayers(identity(name), names, labels or {}, created, made), (), parent)


def identity(name: str) -> str:
    """64 digits, so that it reads as an ID: the name's letters as hex."""
    return f"sha256:{name.encode().hex().ljust(64, '0')}"


def user(image_id: str, name: str = "box", state: str = "exited", **more: str) -> ImageUser:
    return ImageUser(f"id-{name}", name, image_id, more.get("image", ""), state, more.get("project", ""))


@dataclass
class Shelf:
    """What a :class:`builder.engine.compose_containers.StackEngine` does, on values.

    ``before_step`` is called before each change."""

    images: dict[str, StoredImage] = field(default_factory=dict)
    users: list[ImageUser] = field(default_factory=list)
    mentions: list[ImageReferences] = field(default_factory=list)
    remembered: StateSnapshot = field(default_factory=StateSnapshot)
    rules: RetentionRules = field(default_factory=RetentionRules)
    before_step: Callable[[str], None] = lambda _words: None
    steps: list[str] = field(default_factory=list)

    def add(self, *found: StoredImage) -> None:
        for one in found:
            for name in one.names:
                self._take(name)
            self.images[one.id] = one

    def snapshot(self) -> InventorySnapshot:
        return InventorySnapshot(
            ENGINE,
            tuple(self.images.values()),
            tuple(self.users),
            tuple(self.mentions),
            self.remembered,
            self.rules,
        )

    def list_references(self, image_id: str) -> tuple[str, ...]:
        return self.images[image_id].names if image_id in self.images else ()

    def find_image_id(self, reference: str) -> str | None:
        if reference in self.images:
            return reference
        return next((one.id for one in self.images.values() if reference in one.names), None)

    def tag(self, image_id: str, reference: str) -> None:
        assert image_id in self.images
        self._take(reference)
        self._name(image_id, (*self.images[image_id].names, reference))

    def untag(self, reference: str) -> None:
        """Refuses the last name, as builder.engine.client does."""
        self._step(f"untag {reference}")
        found = self.find_image_id(reference)
        if found is None:
            return
        assert len(self.images[found].names) > 1, f"{reference} is the last name"
        self._take(reference)

    def remove(self, image_id: str) -> bool:
        """Refuses what the engine refuses: users, several names, images made from it."""
        self._step(f"remove {image_id}")
        if image_id not in self.images:
            return True
        children = [one for one in self.images.values() if one.parent == image_id]
        used = any(user.image_id == image_id for user in self.users)
        if used or children or len(self.images[image_id].names) > 1:
            return False
        del self.images[image_id]
        return True

    def _step(self, words: str) -> None:
        self.before_step(words)
        self.steps.append(words)

    def _take(self, reference: str) -> None:
        if (holder := self.find_image_id(reference)) is not None and holder != reference:
            self._name(holder, tuple(name for name in self.images[holder].names if name != reference))

    def _name(self, image_id: str, names: tuple[str, ...]) -> None:
        one = self.images[image_id]
        self.images[image_id] = replace(one, layers=replace(one.layers, references=tuple(sorted(names))))
