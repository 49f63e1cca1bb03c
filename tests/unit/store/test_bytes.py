"""True bytes: what lies on disk once counts once, whatever the images that share it."""

from __future__ import annotations

from fake_image_store import identity, image
from hypothesis import given
from hypothesis import strategies as st

from builder.store.bytes import LayerUsage, index_images_above
from builder.store.model import Amount, ImageTotals

SIZES = {"base": 100, "app": 10, "other": 7, "top": 3}
A = image("a", ("base", "app"), "a:1", sizes=SIZES)
B = image("b", ("base", "other"), "b:1", sizes=SIZES)
TOP = image("t", ("base", "app", "top"), "t:1", sizes=SIZES)


def test_unique_and_shared() -> None:
    own = LayerUsage((A, B)).count_own(A)
    assert (own.unpacked, own.unique, own.shared, own.frees) == (110, 10, 100, 10)


def test_a_parent_frees_nothing_while_its_child_stays() -> None:
    own = LayerUsage((A, TOP)).count_own(A)
    assert (own.unique, own.shared, own.frees) == (0, 110, 0)
    assert LayerUsage((A, TOP)).count_own(TOP).frees == 3
    assert LayerUsage((A, TOP)).count_freed((A, TOP)) == Amount(113)


def test_the_same_layers_under_two_ids_are_one() -> None:
    twin = image("twin", ("base", "app"), "a:2", sizes=SIZES)
    assert LayerUsage((A, twin)).count_own(twin).frees == 0
    assert LayerUsage((A, twin)).count_totals().real == Amount(110)
    assert LayerUsage((A, twin)).count_totals().apparent == Amount(220)


def test_the_same_layer_over_another_one_is_another() -> None:
    moved = image("m", ("app",), "m:1", sizes=SIZES)
    assert LayerUsage((A, moved)).count_own(moved).unique == 10


def test_unknown_bytes_stay_unknown() -> None:
    dark = image("d", ("base", "dark"), "d:1", sizes={**SIZES, "dark": None})
    ledger = LayerUsage((A, dark))
    assert ledger.count_own(dark).unpacked is None
    assert ledger.count_own(dark).shared == 100
    assert ledger.count_own(A).frees == 10
    assert ledger.count_totals() == ImageTotals(2, Amount(110, 1), Amount(10, 1), Amount(100), Amount(210, 1))
    assert ledger.count_freed((dark,)) == Amount(0, 1)
    assert ledger.count_freed((A, dark)) == Amount(110, 1)
    assert Amount(110, 1).exact is None


def test_a_step_of_the_classic_builder_is_part_of_what_was_made_from_it() -> None:
    step = image("s", ("base",), sizes=SIZES)
    made = image("m", ("base", "app"), "m:1", parent=step.id, sizes=SIZES)
    ledger = LayerUsage((step, made))
    assert ledger.visible == (made,)
    assert ledger.count_own(made).unique == 110
    assert ledger.count_own(made).frees == 10, "the step keeps its layer, until it goes itself"
    assert ledger.count_totals().images == 1


def test_what_stands_on_what() -> None:
    low = image("low", ("base",))
    found = index_images_above((low, A, TOP, B))
    assert {one.id for one in found[low.id]} == {A.id, TOP.id, B.id}
    assert [one.id for one in found[A.id]] == [TOP.id]
    assert TOP.id not in found
    assert identity("nothing") not in found


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=3).map(tuple), max_size=6))
def test_totals_add_up(stacks: list[tuple[str, ...]]) -> None:
    images = tuple(image(f"i{number}", stack, f"i:{number}") for number, stack in enumerate(stacks))
    ledger = LayerUsage(images)
    totals = ledger.count_totals()
    rows = [ledger.count_own(one) for one in images]
    assert totals.unique == Amount(sum(row.unique or 0 for row in rows))
    assert totals.real == Amount(totals.unique.known + totals.shared.known) == ledger.count_freed(images)
    assert all(row.unpacked == (row.unique or 0) + (row.shared or 0) for row in rows)
    assert all(row.frees == ledger.count_freed((one,)).exact for row, one in zip(rows, images, strict=True))
