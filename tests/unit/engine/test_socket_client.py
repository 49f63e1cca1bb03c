"""The look at an engine without the SDK, as far as it needs no engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.engine.errors import ApiError
from builder.engine.socket_api import parse_answer
from builder.engine.socket_client import EngineReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABEL = "com.docker.compose.project"


class Answers:
    """An engine with one image and one container of it."""

    def images(self, *, all: bool = False) -> list[dict[str, Any]]:  # noqa: A002 - the SDK's name
        return [{"Id": "sha256:1", "RepoTags": ["web:latest"], "Labels": {LABEL: "shop"}}]

    def inspect_image(self, image: str) -> dict[str, Any]:
        return {"Id": image, "RootFS": {"Layers": ["sha256:d"]}}

    def history(self, image: str) -> list[dict[str, Any]]:
        return [{"Size": 7, "CreatedBy": "COPY x /"}]

    def containers(self) -> list[dict[str, Any]]:
        return [{"Image": "web:latest", "Labels": {LABEL: "shop"}}]

    def usage(self, kind: str) -> dict[str, Any]:
        return {}

    def get_image(self, image: str, chunk_size: int = 0) -> Iterator[bytes]:
        raise NotImplementedError


def reader(root: str, **more: Any) -> EngineReader:
    return EngineReader(Answers(), identity="me", version="26.1", containerd_store=False, root=root, **more)


def test_a_reader_asks_whatever_carries_its_questions() -> None:
    found = reader("").read_layers(["web", "gone:1"])
    assert found["web"] is not None
    assert (found["web"].bytes, found["gone:1"]) == (7, None)
    assert reader("").index_projects_by_image() == {"web:latest": frozenset({"shop"})}
    assert reader("").find_building_projects() == {"web:latest": "shop"}


def test_a_reader_closes_what_was_opened_for_it() -> None:
    closed: list[str] = []
    with reader("", close=lambda: closed.append("it")):
        assert not closed
    assert closed == ["it"]


def test_the_disk_of_an_engine_elsewhere_is_not_measured(tmp_path: Path) -> None:
    assert (reader(str(tmp_path)).measure_free_bytes() or 0) > 0
    assert reader(str(tmp_path / "gone")).measure_free_bytes() is None
    assert reader("").measure_free_bytes() is None


def test_an_answer_is_its_body() -> None:
    assert parse_answer("/x", b'HTTP/1.0 200 OK\r\nA: b\r\n\r\n{"a": [1]}\n') == {"a": [1]}


def test_a_refusal_says_what_the_engine_said() -> None:
    with pytest.raises(ApiError, match="404 to /images/x/json: No such image: x") as caught:
        parse_answer("/images/x/json", b'HTTP/1.1 404 Not Found\r\n\r\n{"message": "No such image: x"}')
    assert caught.value.status_code == 404


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.0 200 OK\r\n\r\n{", b"HTTP/1.0 x\r\n\r\n"])
def test_what_is_no_answer_is_an_error_of_the_engine(answer: bytes) -> None:
    with pytest.raises(ApiError):
        parse_answer("/info", answer)
