"""One chain of layers in two folders of an engine: seen from what it says about its images."""

from __future__ import annotations

from typing import Any

import pytest

from builder.engine.errors import ApiError
from builder.engine.inspected_image import list_folders
from builder.image.build.foreign_layers import has_foreign_layers


def say(*layers: str) -> dict[str, Any]:
    """What an engine with overlay2 says of an image of these layers: ``DIFF@FOLDER``, oldest first."""
    pairs = [layer.split("@") for layer in layers]
    folders = [folder for _, folder in pairs]
    data = {"UpperDir": folders[-1], "WorkDir": "w"}
    if folders[1:]:
        data["LowerDir"] = ":".join(reversed(folders[:-1]))
    return {"GraphDriver": {"Data": data, "Name": "overlay2"}, "RootFS": {"Layers": [diff for diff, _ in pairs]}}


class Images:
    """An engine's answers, by image; None: the image is listed, and gone when it is asked for."""

    def __init__(self, **images: dict[str, Any] | None) -> None:
        self.found = images

    def images(self) -> list[dict[str, Any]]:
        return [{"Id": one} for one in self.found]

    def inspect_image(self, image: str) -> dict[str, Any]:
        if (found := self.found[image]) is None:
            raise ApiError(image, 404, "gone")
        return found


OWN = ("a@1", "b@2", "c@3")
OTHERS = {
    "the same": (OWN, False),
    "the same layers below": (("a@1", "b@2", "x@9"), False),
    "another one lowest": (("x@8", "b@9", "c@7"), False),
    "fewer": (("a@1",), False),
    "the lowest elsewhere": (("a@9",), True),
    "one in the middle elsewhere": (("a@1", "b@9", "x@7"), True),
    "all elsewhere": (("a@7", "b@8", "c@9"), True),
    "the same layers behind another one": (("x@1", "b@9"), False),
}


@pytest.mark.parametrize("case", OTHERS)
def test_folders_are_compared_as_far_as_the_layers_are_the_same(case: str) -> None:
    other, wanted = OTHERS[case]
    api = Images(own=say(*OWN), none=None, empty={"RootFS": {}}, other=say(*other))
    assert has_foreign_layers(api, "own") == wanted


def test_an_engine_that_names_no_folders_is_not_trusted() -> None:
    assert has_foreign_layers(Images(own={"RootFS": {"Layers": ["a", "b"]}}), "own")


def test_folders_are_told_oldest_first() -> None:
    assert list_folders(say(*OWN)) == (("a", "1"), ("b", "2"), ("c", "3"))
    assert list_folders(say("a@1")) == (("a", "1"),)
