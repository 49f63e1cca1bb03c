"""What of the client needs no engine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest
from docker.errors import APIError

from builder.core.errors import EngineFailedError, EngineMissingError, EngineTooOldError, ExitCode
from builder.engine import client
from builder.engine.client import Engine, check_engine_version, parse_major_version, split_reference, walks_layers
from builder.engine.endpoint import Endpoint
from builder.engine.errors import ApiError


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


NO = cast("Any", None)


def engine_with(history: Any) -> Engine:
    """One image, and what answers when its history is asked for."""
    attributes = {"Id": "sha256:1", "RepoTags": ["web:1"], "Os": "linux", "Architecture": "amd64"}
    api = SimpleNamespace(inspect_image=lambda _reference: attributes, history=history)
    return Engine(cast("Any", api), Endpoint("unix:///nowhere"), cast("Any", None))


def refuse(status: int) -> Any:
    def answer(_image: str) -> NoReturn:
        raise ApiError("/images/web:1/history", status, "said so")

    return answer


def test_an_image_is_told_with_the_bytes_of_its_layers() -> None:
    found = engine_with(lambda _image: [{"Size": 5}, {"Size": 2}, {}]).inspect_image("web:1")
    assert found is not None
    assert (found.references, found.unpacked) == (("web:1",), 7)


def test_an_image_that_somebody_removes_meanwhile_is_none() -> None:
    assert engine_with(refuse(404)).inspect_image("web:1") is None
    with pytest.raises(ApiError, match="said so"):
        engine_with(refuse(500)).inspect_image("web:1")


def test_an_engine_that_ends_meanwhile_has_failed() -> None:
    def ended(_image: str) -> NoReturn:
        raise EngineMissingError("unix:///nowhere", "Connection refused")

    with pytest.raises(EngineFailedError, match="Connection refused"):
        engine_with(ended).inspect_image("web:1")


def test_questions_about_images_do_not_load_the_sdk() -> None:
    engine = engine_with(lambda _image: [])
    engine.inspect_image("web:1")
    engine.close()
    assert "client" not in vars(engine)


def test_what_the_sdk_cannot_reach_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_connection(_endpoint: Endpoint) -> NoReturn:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(client, "_make_client", refuse_connection)
    with pytest.raises(EngineMissingError, match="Connection refused"):
        _ = engine_with(lambda _image: []).client


@pytest.mark.parametrize(
    ("driver", "status", "walks"),
    [
        ("overlay2", [["Backing Filesystem", "extfs"], ["Native Overlay Diff", "true"]], True),
        ("overlay2", [["Native Overlay Diff", "false"]], False),
        ("overlay2", None, False),
        ("fuse-overlayfs", [["Native Overlay Diff", "true"]], False),
        ("vfs", [], False),
        ("overlayfs", [["driver-type", "io.containerd.snapshotter.v1"]], True),
    ],
)
def test_only_overlay2_and_containerd_walk_layers(driver: str, status: Any, *, walks: bool) -> None:
    assert walks_layers({"Driver": driver, "DriverStatus": status}) == walks


@pytest.mark.parametrize(
    ("found", "removed"),
    [
        ({"RepoTags": [], "RepoDigests": None}, ["sha256:1"]),
        ({"RepoTags": ["web:1"]}, []),
        ({"RepoTags": [], "RepoDigests": ["web@sha256:2"]}, []),
        ({"RepoTags": [], "busy": True}, ["sha256:1"]),
    ],
)
def test_only_an_image_without_a_name_is_removed(found: dict[str, Any], removed: list[str]) -> None:
    asked: list[str] = []

    def remove_image(image: str) -> None:
        asked.append(image)
        if "busy" in found:
            raise APIError("conflict: a stopped container uses it")

    engine = Engine(cast("Any", SimpleNamespace(inspect_image=lambda _image: found)), Endpoint("unix:///nowhere"), NO)
    engine.client = cast("Any", SimpleNamespace(api=SimpleNamespace(remove_image=remove_image)))
    engine.remove_unnamed("sha256:1")
    assert asked == removed
