"""What is read of the images of an engine."""

from __future__ import annotations

from typing import Any

from builder.store.inventory import read_images


class Api:
    """An engine with two images, one of which vanishes while it is looked at; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def images(self, *, all: bool = False) -> list[dict[str, Any]]:  # noqa: A002 - the SDK's name
        assert all
        tags = ["app:1", "<none>:<none>"]
        first = {"Id": "sha256:1", "RepoTags": tags, "ParentId": "sha256:0"}
        return [first, {"Id": "sha256:2"}, first]

    def inspect_image(self, image: str) -> dict[str, Any]:
        self.asked.append(image)
        if image == "sha256:2":
            error = RuntimeError("no such image")
            error.status_code = 404  # type: ignore[attr-defined] # as the SDK's errors have it
            raise error
        return {"RootFS": {"Layers": ["sha256:d"]}}

    def history(self, image: str) -> list[dict[str, Any]]:
        return [{"Size": 7, "CreatedBy": "COPY x /"}]

    def containers(self) -> list[dict[str, Any]]:
        return []

    def usage(self, kind: str) -> dict[str, Any]:
        return {}


def test_images_are_read_once_and_what_vanished_is_left_out() -> None:
    api = Api()
    (found,) = read_images(api, {}, sized=True)
    assert (found.id, found.names, found.parent, found.layers.bytes) == ("sha256:1", ("app:1",), "sha256:0", 7)
    api.asked.clear()
    assert read_images(api, {"sha256:1": found.layers.layers, "sha256:2": ()}, sized=True)[0] == found
    assert api.asked == []
