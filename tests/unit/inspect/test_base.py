"""One base for two images that are compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from layer_factories import content, file, layer

from builder.engine.manifests import ArchivedImage
from builder.inspect.analyse import analyze_image
from builder.inspect.base import (
    NO_BASE,
    DetectedBase,
    apply_common_base,
    find_base_in_archive,
    find_labelled_base,
)
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


NAME, DIGEST, COUNT = (
    "org.opencontainers.image.base.name",
    "org.opencontainers.image.base.digest",
    "optbuild.base.layers",
)
PYTHON = "python:3.11-slim-bookworm"


def described(labels: dict[str, str], *layers: str, identity: str = "sha256:child") -> dict[str, Any]:
    return {"Id": identity, "Config": {"Labels": labels}, "RootFS": {"Layers": list(layers)}}


class Engine:
    """One that has the base, under a tag or by its digest, or nothing."""

    def __init__(self, *entries: dict[str, Any]) -> None:
        self.entries = entries

    def images(self) -> list[dict[str, Any]]:
        return list(self.entries)

    def inspect_image(self, image: str) -> dict[str, Any]:
        return next(described({}, "a", "b", identity=image) for one in self.entries if image in one["Id"])


def test_an_image_that_counts_the_layers_of_its_base_needs_no_base_on_the_engine() -> None:
    """BuildKit pulls what FROM names into its cache, where no engine lists it."""
    labels = {NAME: PYTHON, DIGEST: "sha256:d", COUNT: "2"}
    nobody: Any = Engine()
    found = find_labelled_base(nobody, described(labels, "a", "b", "c"))
    assert found == DetectedBase(2, PYTHON, "the image's label optbuild.base.layers says so")
    assert find_labelled_base(nobody, described(labels, "a", "b")).layers == 2, "nothing was added"
    packed = ArchivedImage("sha256:child", (), {}, ("x", "y", "z"), ("a", "b", "c"))
    assert find_base_in_archive([packed], packed, labels, None).layers == 2


@pytest.mark.parametrize("count", ["", "0", "4", "-1", "two", "\u0662", "2.0"])
def test_a_count_that_cannot_be_is_not_believed(count: str) -> None:
    nobody: Any = Engine()
    assert find_labelled_base(nobody, described({NAME: PYTHON, COUNT: count}, "a", "b", "c")) == NO_BASE
    assert find_labelled_base(nobody, described({COUNT: "2"}, "a", "b", "c")) == NO_BASE, "a base without a name"


def test_a_base_that_another_tool_labelled_is_found_by_its_digest_after_the_tag_moved() -> None:
    entry = {"Id": "sha256:base", "RepoTags": [], "RepoDigests": ["python@sha256:d"]}
    engine: Any = Engine(entry)
    found = find_labelled_base(engine, described({NAME: PYTHON, DIGEST: "sha256:d"}, "a", "b", "c"))
    assert (found.layers, found.name) == (2, PYTHON)
    assert find_labelled_base(engine, described({NAME: PYTHON, DIGEST: "sha256:e"}, "a", "b", "c")) == NO_BASE
    assert find_labelled_base(engine, described({DIGEST: "sha256:d"}, "x", "b", "c")) == NO_BASE, "it is not below"
