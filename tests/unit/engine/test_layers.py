"""Layers and their bytes, from the two answers that an engine gives."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from builder.engine.layers import EMPTY_DIFF, Layer, compute_chain_ids, match_history, read_image_layers

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def entry(size: int, made_by: str) -> dict[str, Any]:
    return {"Size": size, "CreatedBy": made_by}


def sizes(layers: tuple[Layer, ...]) -> list[int | None]:
    return [layer.bytes for layer in layers]


def test_a_chain_names_a_layer_and_all_below_it() -> None:
    first, second, third = compute_chain_ids((A, B, C))
    assert first == A
    assert second == f"sha256:{hashlib.sha256(f'{A} {B}'.encode()).hexdigest()}"
    assert third == f"sha256:{hashlib.sha256(f'{second} {C}'.encode()).hexdigest()}"
    assert compute_chain_ids((B, A))[1] != second
    assert compute_chain_ids(()) == ()


HISTORIES = {
    "configuration is not a layer": (
        [entry(0, "ARG X"), entry(9, "ADD x / # buildkit"), entry(0, "ENV A=b"), entry(0, "CMD []")],
        [A],
        [9],
    ),
    "an empty RUN is one": ([entry(9, "ADD x /"), entry(0, "RUN /bin/sh -c true"), entry(0, "USER 1")], [A, B], [9, 0]),
    "a WORKDIR that made its folder": ([entry(9, "ADD x /"), entry(0, "WORKDIR /new")], [A, EMPTY_DIFF], [9, 0]),
    "a WORKDIR that did not": ([entry(9, "ADD x /"), entry(0, "WORKDIR /old"), entry(5, "COPY y /")], [A, B], [9, 5]),
    "a RUN is more likely than a WORKDIR": (
        [entry(0, "WORKDIR /a"), entry(9, "COPY x /"), entry(0, "RUN true")],
        [A, B],
        [9, 0],
    ),
    "unless the layer that is empty comes first": (
        [entry(0, "WORKDIR /a"), entry(9, "COPY x /"), entry(0, "RUN true")],
        [EMPTY_DIFF, B],
        [0, 9],
    ),
    "the classic builder": (
        [
            entry(9, "/bin/sh -c #(nop) ADD file:1 in / "),
            entry(0, '/bin/sh -c #(nop)  CMD ["bash"]'),
            entry(7, "|1 A=secret /bin/sh -c make"),
            entry(3, "/bin/sh -c apt-get update"),
        ],
        [A, B, C],
        [9, 7, 3],
    ),
    "another shell": ([entry(9, "ADD x /"), entry(4, "/bin/bash -o pipefail -c make")], [A, B], [9, 4]),
    "docker import": ([entry(9, "")], [A], [9]),
    "no layer at all": ([entry(0, "CMD []")], [], []),
}


@pytest.mark.parametrize(("history", "diffs", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_each_layer_gets_its_bytes(history: list[dict[str, Any]], diffs: list[str], expected: list[int]) -> None:
    layers = match_history(history, diffs)
    assert sizes(layers) == expected
    assert [layer.diff for layer in layers] == diffs


@pytest.mark.parametrize(
    ("history", "diffs"),
    [([], [A]), ([entry(9, "RUN x"), entry(8, "RUN y")], [A]), ([entry(9, "RUN x")], [EMPTY_DIFF])],
    ids=["no history", "more bytes than layers", "bytes in an empty layer"],
)
def test_a_history_that_cannot_be_leaves_the_bytes_unknown(history: list[dict[str, Any]], diffs: list[str]) -> None:
    assert set(sizes(match_history(history, diffs))) == {None}


def test_only_the_word_of_a_command_is_kept() -> None:
    (layer,) = match_history([entry(7, "|1 TOKEN=hunter2 /bin/sh -c make")], [A])
    assert layer.word == "RUN"
    assert "hunter2" not in repr(layer)


class MissingError(Exception):
    status_code = 404


class FakeApi:
    """Two images, of which the second vanishes before it is looked at."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def images(self) -> list[dict[str, Any]]:
        self.asked.append("list")
        return [
            {"Id": A, "RepoTags": ["web:latest", "worker:latest"], "RepoDigests": None, "Labels": None, "Created": 5},
            {"Id": B, "RepoTags": ["gone:1"], "RepoDigests": ["gone@sha256:12"], "Labels": {"a": "b"}, "Created": 6},
            {"Id": C, "RepoTags": None, "RepoDigests": ["<none>@<none>"], "Created": 7},
        ]

    def inspect_image(self, image: str) -> dict[str, Any]:
        self.asked.append(f"inspect {image[7]}")
        if image == B:
            raise MissingError
        return {"RootFS": {"Layers": [A]}}

    def history(self, image: str) -> list[dict[str, Any]]:
        self.asked.append(f"history {image[7]}")
        return [entry(0, "CMD []"), entry(9, "ADD x /")]


def test_each_image_is_asked_once_whatever_its_names() -> None:
    api = FakeApi()
    found = read_image_layers(api, ("web", "worker:latest", "docker.io/library/web", "other", "web"))
    assert sorted(api.asked) == ["history a", "inspect a", "list"]
    web = found["web"]
    assert web is not None
    assert found == {"web": web, "worker:latest": web, "docker.io/library/web": web, "other": None}
    assert (web.id, web.bytes, web.created) == (A, 9, 5.0)
    assert web.references == ("web:latest", "worker:latest")


def test_an_image_that_vanishes_meanwhile_is_not_there() -> None:
    assert read_image_layers(FakeApi(), ("gone:1", "gone@sha256:12")) == {"gone:1": None, "gone@sha256:12": None}


def test_another_failure_is_told() -> None:
    class Broken(FakeApi):
        def history(self, image: str) -> list[dict[str, Any]]:
            raise ConnectionError("reset")

    with pytest.raises(ConnectionError):
        read_image_layers(Broken(), ("web",))


def test_nothing_wanted_asks_nothing() -> None:
    api = FakeApi()
    assert read_image_layers(api, ()) == {}
    assert api.asked == []
