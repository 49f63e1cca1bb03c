"""Three IDs are not always three times the bytes: what is told apart, and what is left unknown."""

from __future__ import annotations

import pytest

from builder.compose.model import ImageBytes, Sharing
from builder.compose.sharing.disk_usage import (
    classify_sharing,
    count_base_layers,
    estimate_separate_bytes,
    find_newest_image,
    measure_images,
    measure_shared_image,
)
from builder.engine.layers import ImageLayers, Layer


def image(identity: str, *layers: str, created: float = 0.0) -> ImageLayers:
    """Each layer as ``chain:bytes:word``; bytes may be ``?``."""
    made = []
    for text in layers:
        chain, size, word = (*text.split(":"), "RUN")[:3]
        made.append(Layer(chain, chain, None if size == "?" else int(size), word))
    return ImageLayers(identity, (), {}, created, tuple(made))


SAME = [image("1", "base:100:", "deps:900"), image("2", "base:100:", "deps:900"), image("3", "base:100:", "deps:900")]
APART = [image("1", "base:100:", "a:900"), image("2", "base:100:", "b:900"), image("3", "base:100:", "c:901")]


def named(images: list[ImageLayers]) -> dict[str, ImageLayers]:
    return {f"name{number}": one for number, one in enumerate(images)}


def test_three_ids_over_equal_layers_lie_on_the_disk_once() -> None:
    assert measure_images(named(SAME)) == ImageBytes(3000, 1000, 3)
    assert classify_sharing(SAME) is Sharing.LAYERS


def test_three_builds_share_their_base_only() -> None:
    assert measure_images(named(APART)) == ImageBytes(3001, 2801, 3)
    assert classify_sharing(APART) is Sharing.SOME


def test_what_was_shared_becomes_what_is_apart() -> None:
    assert estimate_separate_bytes(SAME, 3, 1) == ImageBytes(3000, 2800, 3)
    assert estimate_separate_bytes(APART, 3, 1) == measure_images(named(APART))


def test_one_image_under_three_names_is_one() -> None:
    assert measure_images(dict.fromkeys(("a", "b", "c"), SAME[0])) == ImageBytes(3000, 1000, 1)
    assert classify_sharing([SAME[0], SAME[0]]) is Sharing.IMAGE


def test_images_that_share_nothing() -> None:
    assert classify_sharing([image("1", "a:5"), image("2", "b:5")]) is Sharing.NOTHING


def test_builds_that_are_not_there_count_like_the_newest() -> None:
    one, other = image("1", "base:100", "a:1", created=1), image("2", "base:100", "b:50", created=2)
    assert estimate_separate_bytes([one, other], 4, 1) == ImageBytes(101 + 3 * 150, 100 + 1 + 3 * 50, 4)
    assert find_newest_image([one, other]) is other


@pytest.mark.parametrize("images", [[], [image("1", "a:1", "b:?")]], ids=["no image", "unknown bytes"])
def test_what_was_not_measured_is_none_and_never_zero(images: list[ImageLayers]) -> None:
    assert measure_images(named(images)) is None
    assert classify_sharing(images) is None
    assert estimate_separate_bytes(images, 3, 0) is None


def test_without_a_known_base_nobody_knows_what_apart_would_take() -> None:
    assert estimate_separate_bytes(SAME, 3, None) is None


def test_after_it_is_one_image() -> None:
    assert measure_shared_image(SAME[0]) == ImageBytes(1000, 1000, 1)
    assert measure_shared_image(None) is None


def test_the_base_is_known_by_the_image_it_is() -> None:
    base = image("b", "root:60", "base:40")
    built = image("1", "root:60:ADD", "base:40:RUN", "deps:9")
    assert count_base_layers([built], base, None) == 2
    assert count_base_layers([built], image("b", "other:60"), None) is None
    assert count_base_layers([base], built, None) is None


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (("COPY", "RUN"), 1),
        (("ENV", "COPY", "USER", "RUN", "CMD"), 1),
        (("WORKDIR", "COPY", "WORKDIR", "RUN"), 1),
        (("RUN",), 2),
        ((), 3),
        (("ADD", "COPY", "RUN"), 0),
        (("RUN", "ADD", "COPY", "RUN"), None),
        (("RUN", "RUN"), None),
    ],
)
def test_the_base_is_known_by_what_the_dockerfile_did_above_it(made: tuple[str, ...], expected: int | None) -> None:
    assert count_base_layers([image("1", "a:1:ADD", "b:1:COPY", "c:1:RUN")], None, made) == expected


def test_images_that_disagree_about_the_base_leave_it_unknown() -> None:
    one, other = image("1", "a:1:ADD", "b:1:RUN"), image("2", "a:1:ADD", "x:1:ADD", "b:1:RUN")
    assert count_base_layers([one, other], None, ("RUN",)) is None
