"""Bytes of layers that the engine does not tell one by one."""

from __future__ import annotations

from dataclasses import replace

from fake_image_store import identity, image

from builder.engine.layers import EMPTY_DIFF, ImageLayers, Layer
from builder.store.bytes import LayerUsage, OwnBytes
from builder.store.model import Amount, ImageTotals, StoredImage
from builder.store.unknown_sizes import complete_layer_bytes

SIZES = {"base": 100, "app": 10, "other": 7, "top": 3}


A = image("a", ("base", "app"), "a:1", sizes=SIZES)


DARK = {"dark": None, "dusk": None}


def layer_bytes(image: StoredImage) -> list[int | None]:
    return [layer.bytes for layer in image.layers.layers]


def test_the_size_of_an_image_tells_its_only_layer_without_a_figure() -> None:
    dark = sized(image("d", ("base", "dark"), "d:1", sizes={**SIZES, **DARK}), 142)
    upon = sized(image("u", ("base", "dark", "dusk"), "u:1", sizes={**SIZES, **DARK}), 150)
    found = complete_layer_bytes((upon, A, dark))
    assert [layer_bytes(one) for one in found] == [[100, 42, 8], [100, 10], [100, 42]]
    assert LayerUsage(found).count_totals() == ImageTotals(3, Amount(160), Amount(18), Amount(142), Amount(402))


def test_another_image_tells_a_layer_too_and_an_empty_one_tells_itself() -> None:
    bare = image("bare", ("base",), "bare:1", sizes={"base": None})
    assert layer_bytes(complete_layer_bytes((A, bare))[1]) == [100]
    assert layer_bytes(complete_layer_bytes((bare, A))[0]) == [100], "whichever comes first"
    empty = ImageLayers(identity("e"), ("e:1",), {}, 0.0, (Layer(EMPTY_DIFF, EMPTY_DIFF, None),))
    assert layer_bytes(complete_layer_bytes((StoredImage(empty),))[0]) == [0]


def test_layers_that_are_not_told_one_by_one_still_add_up() -> None:
    dark = sized(image("d", ("base", "dark", "dusk"), "d:1", sizes={**SIZES, **DARK}), 142)
    found = complete_layer_bytes((A, dark))
    assert layer_bytes(found[1]) == [100, None, None]
    assert LayerUsage(found).count_own(found[1]) == OwnBytes(142, 42, 100, 42)
    assert LayerUsage(found).count_totals() == ImageTotals(2, Amount(152), Amount(52), Amount(100), Amount(252))


def test_a_sum_is_not_split_over_images_by_guessing() -> None:
    low = image("low", ("dark",), "low:1", sizes=DARK)
    top = sized(image("top", ("dark", "dusk"), "top:1", sizes=DARK), 42)
    ledger = LayerUsage(complete_layer_bytes((low, top)))
    assert ledger.count_own(low) == OwnBytes(None, 0, None, 0)
    assert ledger.count_own(top) == OwnBytes(42, None, None, None)
    assert ledger.count_totals() == ImageTotals(2, Amount(42), Amount(0, 1), Amount(0, 2), Amount(42, 1))


def test_a_size_that_cannot_be_is_not_believed() -> None:
    dark = sized(image("d", ("base", "dark"), "d:1", sizes={**SIZES, **DARK}), 99)
    assert layer_bytes(complete_layer_bytes((A, dark))[1]) == [100, None]


def sized(image: StoredImage, size: int) -> StoredImage:
    return replace(image, size=size)
