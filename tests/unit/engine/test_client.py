"""What of the client needs no engine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest
from docker.errors import NotFound

from builder.core.errors import EngineTooOldError, ExitCode
from builder.engine.client import Engine, check_engine_version, parse_major_version, split_reference


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("name:tag", ("name", "tag")),
        ("name", ("name", "latest")),
        ("127.0.0.1:5000/team/name:tag", ("127.0.0.1:5000/team/name", "tag")),
        ("127.0.0.1:5000/name", ("127.0.0.1:5000/name", "latest")),
        ("name@sha256:12", ("name", "sha256:12")),
        ("127.0.0.1:5000/name:tag@sha256:12", ("127.0.0.1:5000/name", "sha256:12")),
    ],
)
def test_a_registry_port_is_no_tag(reference: str, expected: tuple[str, str]) -> None:
    assert split_reference(reference) == expected


@pytest.mark.parametrize(("version", "number"), [("26.1.5+dfsg1", 26), ("v23.0", 23), ("20.10.24", 20)])
def test_the_engine_version_is_its_leading_number(version: str, number: int) -> None:
    assert parse_major_version(version) == number


def test_an_old_engine_is_refused_with_a_way_to_get_one() -> None:
    with pytest.raises(EngineTooOldError, match="is version 20") as caught:
        check_engine_version("20.10.24+dfsg1")
    assert caught.value.exit_code is ExitCode.ENGINE
    assert "make engine" in str(caught.value)
    check_engine_version("23.0.0")


def client_with(history: Any) -> Any:
    """One image, and what answers when its history is asked for."""
    attributes = {"Id": "sha256:1", "RepoTags": ["web:1"], "Os": "linux", "Architecture": "amd64"}
    images = SimpleNamespace(get=lambda _reference: SimpleNamespace(attrs=attributes))
    return SimpleNamespace(images=images, api=SimpleNamespace(history=history))


def test_an_image_is_told_with_the_bytes_of_its_layers() -> None:
    engine = Engine(client_with(lambda _image: [{"Size": 5}, {"Size": 2}, {}]), cast("Any", None), cast("Any", None))
    found = engine.inspect_image("web:1")
    assert found is not None
    assert (found.references, found.unpacked) == (("web:1",), 7)


def test_an_image_that_somebody_removes_meanwhile_is_none() -> None:
    def gone(_image: str) -> NoReturn:
        raise NotFound("No such image: sha256:1")

    assert Engine(client_with(gone), cast("Any", None), cast("Any", None)).inspect_image("web:1") is None
