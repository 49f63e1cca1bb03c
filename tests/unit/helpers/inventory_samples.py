"""Engines made up for the page of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.engine.layers import ImageLayers, Layer
from builder.store.model import (
    Amount,
    BuildCache,
    ImageRow,
    ImageTotals,
    ImageUser,
    Inventory,
    RetentionDecision,
    RetentionReason,
    StoredImage,
    Volume,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def layer(name: str, size: int | None = 10, word: str = "RUN") -> Layer:
    return Layer(f"sha256:{name.ljust(64, '0')}", f"sha256:{name}", size, word)


def row(
    name: str,
    layers: Sequence[Layer],
    *names: str,
    standing: RetentionReason = RetentionReason.UNUSED,
    reason: str = "nobody names it",
    users: tuple[ImageUser, ...] = (),
) -> ImageRow:
    known = [one.bytes for one in layers if one.bytes is not None]
    image = StoredImage(ImageLayers(f"sha256:{name.ljust(64, '0')}", names, {}, 1_700_000_000.0, tuple(layers)))
    return ImageRow(
        image,
        RetentionDecision(standing, reason),
        sum(known),
        sum(known),
        0,
        sum(known),
        users,
        ("stack",) * bool(users),
    )


def inventory(*rows: ImageRow, hidden: int = 0, volumes: tuple[Volume, ...] | None = ()) -> Inventory:
    chains = {one.chain: one.bytes or 0 for row in rows for one in row.image.layers.layers}
    total = sum(chains.values())
    totals = ImageTotals(
        len(rows) + hidden, Amount(total), Amount(total), Amount(), Amount(sum(row.unpacked or 0 for row in rows))
    )
    return Inventory("engine", rows, totals, volumes, BuildCache(1, 2, 3, 4), None, ("a note",), hidden)


def shelf() -> Inventory:
    """Two images over one base, a third beside them."""
    base = layer("ba5e", 100_000_000, "ADD")
    boxes = tuple(ImageUser(f"id-{name}", name, "sha256:a", "a:1", "running", "stack") for name in ("web-1", "web-2"))
    return inventory(
        row("a", [base, layer("aa", 5_000_000)], "a:1", "a:2", standing=RetentionReason.IN_USE, users=boxes),
        row(
            "b", [base, layer("bb", 7_000_000)], "b:1", standing=RetentionReason.SUPERSEDED, reason="a:1 took its place"
        ),
        row("c", [layer("cc", 50_000_000), layer("dd", None)], standing=RetentionReason.KEPT),
        volumes=(Volume("data", 5, ("db-1",), ("stack",)), Volume("old", None)),
    )
