"""One base for two images that are compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from layer_factories import content, file, layer

from builder.inspect.analyse import analyze_image
from builder.inspect.base import apply_common_base
from builder.inspect.diff import compare_images

if TYPE_CHECKING:
    from builder.inspect.model import ImageContent

LAYERS = [layer(file(f"/{number}", 10), file("/again", 100 + number)) for number in range(6)]


def image(numbers: str, base: int, name: str = "") -> ImageContent:
    """Of these of the six layers, each of which replaces a file of the one before."""
    made = content(*(LAYERS[int(number)] for number in numbers), base=base)
    return replace(made, base_name=name if base else "", base_why="w" if base else "")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param(image("012", 1, "debian"), image("013", 1, "debian"), (1, "debian"), id="the same"),
        pytest.param(image("012", 0), image("0123", 3, "one"), (0, ""), id="one is the other's base"),
        pytest.param(image("012", 1, "debian"), image("0123", 3, "one"), (1, "debian"), id="and has a base itself"),
        pytest.param(image("012", 2, "python"), image("013", 0), (0, ""), id="known of one alone"),
        pytest.param(image("012", 2, "new"), image("034", 2, "old"), (1, ""), id="two of a common one"),
        pytest.param(image("12", 1, "a"), image("34", 1, "b"), (0, ""), id="nothing in common"),
    ],
)
def test_both_get_what_is_the_base_in_both(one: ImageContent, other: ImageContent, expected: tuple[int, str]) -> None:
    for pair in ((one, other), (other, one)):
        found = apply_common_base(*pair)
        assert [(side.base_layers, side.base_name) for side in found] == [expected] * 2
        assert [bool(side.base_why) for side in found] == [bool(expected[1])] * 2
        assert [side.layers for side in found] == [side.layers for side in pair]


def test_no_waste_goes_away_that_is_still_there() -> None:
    before, after = apply_common_base(image("012", 0), image("0123", 3, "one"))
    found = compare_images(analyze_image(before), analyze_image(after))
    assert [(one.code, one.before, one.after) for one in found.waste] == [("OB402", 201, 303)]
    assert (found.base_layers, found.base_name) == (0, "")
