"""The look at an engine without the SDK, as far as it needs no engine."""

from __future__ import annotations

from typing import Any

import pytest

from builder.engine.asking import AnswerError
from builder.engine.quick import parse_answer
from builder.engine.usage import projects_by_image


def test_an_answer_is_its_body() -> None:
    assert parse_answer("/x", b'HTTP/1.0 200 OK\r\nA: b\r\n\r\n{"a": [1]}\n') == {"a": [1]}


def test_a_refusal_says_what_the_engine_said() -> None:
    with pytest.raises(AnswerError, match="404 to /images/x/json: No such image: x") as caught:
        parse_answer("/images/x/json", b'HTTP/1.1 404 Not Found\r\n\r\n{"message": "No such image: x"}')
    assert caught.value.status_code == 404


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.0 200 OK\r\n\r\n{", b"HTTP/1.0 x\r\n\r\n"])
def test_what_is_no_answer_is_an_error_of_the_engine(answer: bytes) -> None:
    with pytest.raises(AnswerError):
        parse_answer("/info", answer)


def test_projects_are_known_by_the_labels_of_their_containers() -> None:
    label = "com.docker.compose.project"
    containers: list[dict[str, Any]] = [
        {"Image": "web:latest", "Labels": {label: "shop"}},
        {"Image": "web:latest", "Labels": {label: "other"}},
        {"Image": "alone", "Labels": None},
    ]
    assert projects_by_image(containers) == {"web:latest": frozenset({"shop", "other"})}
