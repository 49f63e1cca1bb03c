"""What is remembered of the order of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.build.order_memory import (
    FILE,
    MOST_IMAGES,
    MOST_LAYERS,
    OrderMemory,
    read_order_memory,
    update_order_memory,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_read_counts_on_every_engine_and_what_was_trusted_on_its_own() -> None:
    memory = OrderMemory().with_checked("one", ["a"]).with_native("one", ["b"])
    assert memory.list_unknown("one", ["a", "b", "c", "c"]) == ("c",)
    assert memory.list_unknown("two", ["a", "b"]) == ("b",)
    assert set(memory.engines) == {"one"}


def test_on_a_mixed_engine_nothing_is_trusted_any_more() -> None:
    memory = OrderMemory().with_checked("one", ["a"]).with_native("one", ["b"]).with_mixed("one")
    assert memory.list_unknown("one", ["a", "b"]) == ("b",)
    assert memory.with_checked("one", ["b"]).engines["one"].mixed


def test_it_is_kept_and_the_oldest_is_forgotten(tmp_path: Path) -> None:
    many = [str(number) for number in range(MOST_LAYERS + 1)]
    update_order_memory(tmp_path, lambda memory: memory.with_checked("one", many).with_native("one", ["b"]))
    update_order_memory(tmp_path, lambda memory: memory.with_replaced("x", "y"))
    memory = read_order_memory(tmp_path)
    assert memory.checked == tuple(many[1:])
    assert memory.engines["one"].native == ("b",)
    assert memory.replaced == {"x": "y"}
    for number in range(MOST_IMAGES):
        memory = memory.with_replaced(str(number), "y")
    assert len(memory.replaced) == MOST_IMAGES
    assert "x" not in memory.replaced


def test_one_that_cannot_be_read_is_empty(tmp_path: Path) -> None:
    assert read_order_memory(tmp_path) == OrderMemory()
    (tmp_path / FILE).write_text("{")
    assert read_order_memory(tmp_path) == OrderMemory()
