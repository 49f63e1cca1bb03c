"""True bytes: what lies on disk once counts once, whatever the images that share it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from shelf_world import identity, image

from builder.engine.layers import EMPTY_DIFF, ImageLayers, Layer
from builder.store.bytes import Ledger, OwnBytes, below
from builder.store.model import Amount, StoredImage, Totals
from builder.store.untold import completed

SIZES = {"base": 100, "app": 10, "other": 7, "top": 3}
A = image("a", ("base", "app"), "a:1", sizes=SIZES)
B = image("b", ("base", "other"), "b:1", sizes=SIZES)
TOP = image("t", ("base", "app", "top"), "t:1", sizes=SIZES)


def test_unique_and_shared() -> None:
    own = Ledger((A, B)).of(A)
    assert (own.unpacked, own.unique, own.shared, own.frees) == (110, 10, 100, 10)


def test_a_parent_frees_nothing_while_its_child_stays() -> None:
    own = Ledger((A, TOP)).of(A)
    assert (own.unique, own.shared, own.frees) == (0, 110, 0)
    assert Ledger((A, TOP)).of(TOP).frees == 3
    assert Ledger((A, TOP)).freed_by((A, TOP)) == Amount(113)


def test_the_same_layers_under_two_ids_are_one() -> None:
    twin = image("twin", ("base", "app"), "a:2", sizes=SIZES)
    assert Ledger((A, twin)).of(twin).frees == 0
    assert Ledger((A, twin)).totals().real == Amount(110)
    assert Ledger((A, twin)).totals().apparent == Amount(220)


def test_the_same_layer_over_another_one_is_another() -> None:
    moved = image("m", ("app",), "m:1", sizes=SIZES)
    assert Ledger((A, moved)).of(moved).unique == 10


def test_unknown_bytes_stay_unknown() -> None:
    dark = image("d", ("base", "dark"), "d:1", sizes={**SIZES, "dark": None})
    ledger = Ledger((A, dark))
    assert ledger.of(dark).unpacked is None
    assert ledger.of(dark).shared == 100
    assert ledger.of(A).frees == 10
    assert ledger.totals() == Totals(2, Amount(110, 1), Amount(10, 1), Amount(100), Amount(210, 1))
    assert ledger.freed_by((dark,)) == Amount(0, 1)
    assert ledger.freed_by((A, dark)) == Amount(110, 1)
    assert Amount(110, 1).exact is None


DARK = {"dark": None, "dusk": None}


def layer_bytes(image: StoredImage) -> list[int | None]:
    return [layer.bytes for layer in image.layers.layers]


def test_the_size_of_an_image_tells_its_only_layer_without_a_figure() -> None:
    dark = sized(image("d", ("base", "dark"), "d:1", sizes={**SIZES, **DARK}), 142)
    upon = sized(image("u", ("base", "dark", "dusk"), "u:1", sizes={**SIZES, **DARK}), 150)
    found = completed((upon, A, dark))
    assert [layer_bytes(one) for one in found] == [[100, 42, 8], [100, 10], [100, 42]]
    assert Ledger(found).totals() == Totals(3, Amount(160), Amount(18), Amount(142), Amount(402))


def test_another_image_tells_a_layer_too_and_an_empty_one_tells_itself() -> None:
    bare = image("bare", ("base",), "bare:1", sizes={"base": None})
    assert layer_bytes(completed((A, bare))[1]) == [100]
    assert layer_bytes(completed((bare, A))[0]) == [100], "whichever comes first"
    empty = ImageLayers(identity("e"), ("e:1",), {}, 0.0, (Layer(EMPTY_DIFF, EMPTY_DIFF, None),))
    assert layer_bytes(completed((StoredImage(empty),))[0]) == [0]


def test_layers_that_are_not_told_one_by_one_still_add_up() -> None:
    dark = sized(image("d", ("base", "dark", "dusk"), "d:1", sizes={**SIZES, **DARK}), 142)
    found = completed((A, dark))
    assert layer_bytes(found[1]) == [100, None, None]
    assert Ledger(found).of(found[1]) == OwnBytes(142, 42, 100, 42)
    assert Ledger(found).totals() == Totals(2, Amount(152), Amount(52), Amount(100), Amount(252))


def test_a_sum_is_not_split_over_images_by_guessing() -> None:
    low = image("low", ("dark",), "low:1", sizes=DARK)
    top = sized(image("top", ("dark", "dusk"), "top:1", sizes=DARK), 42)
    ledger = Ledger(completed((low, top)))
    assert ledger.of(low) == OwnBytes(None, 0, None, 0)
    assert ledger.of(top) == OwnBytes(42, None, None, None)
    assert ledger.totals() == Totals(2, Amount(42), Amount(0, 1), Amount(0, 2), Amount(42, 1))


def test_a_size_that_cannot_be_is_not_believed() -> None:
    dark = sized(image("d", ("base", "dark"), "d:1", sizes={**SIZES, **DARK}), 99)
    assert layer_bytes(completed((A, dark))[1]) == [100, None]


def sized(image: StoredImage, size: int) -> StoredImage:
    return replace(image, size=size)


def test_a_step_of_the_classic_builder_is_part_of_what_was_made_from_it() -> None:
    step = image("s", ("base",), sizes=SIZES)
    made = image("m", ("base", "app"), "m:1", parent=step.id, sizes=SIZES)
    ledger = Ledger((step, made))
    assert ledger.visible == (made,)
    assert ledger.of(made).unique == 110
    assert ledger.of(made).frees == 10, "the step keeps its layer, until it goes itself"
    assert ledger.totals().images == 1


def test_what_stands_on_what() -> None:
    low = image("low", ("base",))
    found = below((low, A, TOP, B))
    assert {one.id for one in found[low.id]} == {A.id, TOP.id, B.id}
    assert [one.id for one in found[A.id]] == [TOP.id]
    assert TOP.id not in found
    assert identity("nothing") not in found


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=3).map(tuple), max_size=6))
def test_totals_add_up(stacks: list[tuple[str, ...]]) -> None:
    images = tuple(image(f"i{number}", stack, f"i:{number}") for number, stack in enumerate(stacks))
    ledger = Ledger(images)
    totals = ledger.totals()
    rows = [ledger.of(one) for one in images]
    assert totals.unique == Amount(sum(row.unique or 0 for row in rows))
    assert totals.real == Amount(totals.unique.known + totals.shared.known) == ledger.freed_by(images)
    assert all(row.unpacked == (row.unique or 0) + (row.shared or 0) for row in rows)
    assert all(row.frees == ledger.freed_by((one,)).exact for row, one in zip(rows, images, strict=True))
