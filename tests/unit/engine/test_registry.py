"""A manifest is read back through buildx, or it is said why not."""

from __future__ import annotations

from typing import Any

import pytest

from builder.core.errors import EngineFailedError
from builder.core.process import Command, ProcessResult
from builder.engine.registry import query_manifest


class AnsweringRunner:
    def __init__(self, code: int, out: str, err: str = "") -> None:
        self.answer = (code, out, err)
        self.asked: list[tuple[str, ...]] = []

    def run(self, command: Command, **_callbacks: Any) -> ProcessResult:
        self.asked.append(command.argv)
        return ProcessResult(command, *self.answer)


def test_the_builder_is_asked_for_the_bytes_of_the_manifest() -> None:
    runner = AnsweringRunner(0, '{"layers": []}')
    assert query_manifest(runner, {}, "b", "r.example/a:1@sha256:d") == {"layers": []}
    assert runner.asked == [
        ("docker", "buildx", "imagetools", "inspect", "--builder", "b", "--raw", "r.example/a:1@sha256:d")
    ]


@pytest.mark.parametrize("answer", [(1, "", "ERROR: 401 Unauthorized"), (0, "no JSON", ""), (0, "[]", ""), (1, "", "")])
def test_a_manifest_that_cannot_be_read_is_said(answer: tuple[int, str, str]) -> None:
    with pytest.raises(
        EngineFailedError, match=r"r\.example/a:1 was pushed, but its manifest cannot be read"
    ) as caught:
        query_manifest(AnsweringRunner(*answer), {}, "b", "r.example/a:1")
    assert answer[2] in str(caught.value)
    assert "docker login" in str(caught.value.hint)
