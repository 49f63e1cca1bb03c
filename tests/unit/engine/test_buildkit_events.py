"""BuildKit's stream, as buildx 0.13 prints it (over several lines) and as later ones do (on one)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.engine.buildkit_events import Event, EventDecoder, PlainLine, StepLog, StepStatus, Vertex, mask_event_line

DOCUMENT: dict[str, Any] = {
    "vertexes": [
        {
            "digest": "sha256:a",
            "name": "[2/2] RUN echo {}",
            "started": "2026-11-23T22:40:01.720329554Z",
            "completed": "2026-11-23T22:40:03.220329Z",
            "error": "exit code: 3",
        }
    ],
    "statuses": [{"id": "transferring context:", "vertex": "sha256:a", "current": 5, "total": 9}],
    "logs": [{"vertex": "sha256:a", "stream": 2, "data": "b25lCg=="}],
}


def feed(text: str) -> list[Event]:
    decoder = EventDecoder()
    return [event for line in text.split("\n") for event in decoder.feed(line)] + list(decoder.take_rest())


@pytest.mark.parametrize("indent", [None, 2], ids=["one line", "several lines"])
def test_every_kind_of_event_is_read(indent: int | None) -> None:
    vertex, status, log = feed(json.dumps(DOCUMENT, indent=indent))
    assert isinstance(vertex, Vertex)
    assert (vertex.digest, vertex.name, vertex.error, vertex.cached) == (
        "sha256:a",
        "[2/2] RUN echo {}",
        "exit code: 3",
        False,
    )
    assert vertex.started is not None
    assert vertex.completed is not None
    assert vertex.completed - vertex.started == pytest.approx(1.5)
    assert status == StepStatus("sha256:a", "transferring context:", 5, 9, completed=False)
    assert log == StepLog("sha256:a", b"one\n")


def test_words_between_documents_are_kept() -> None:
    document = json.dumps(DOCUMENT, indent=2)
    events = feed(f"WARNING: before\n{document}\nERROR: failed to solve\n")
    assert [event.text for event in events if isinstance(event, PlainLine)] == [
        "WARNING: before",
        "ERROR: failed to solve",
    ]
    assert len(events) == 5


def test_a_stream_that_breaks_off_shows_what_it_had() -> None:
    assert feed('{\n  "vertexes": [') == [PlainLine("{"), PlainLine('  "vertexes": [')]


@pytest.mark.parametrize(
    "document",
    [
        '{"vertexes": [{}]}',
        '{"logs": [{"data": "not base64"}]}',
        '{"statuses": [{"current": "x"}]}',
        '{"vertexes": [{"started": "yesterday"}]}',
        '{"vertexes": null}',
    ],
)
def test_fields_that_are_not_as_expected_break_nothing(document: str) -> None:
    for event in feed(document):
        assert not isinstance(event, PlainLine)


def test_a_line_is_masked_within_its_base64_too_and_stays_an_event() -> None:
    data = base64.b64encode("is DB_PWD=abc hunter2 ü\n".encode()).decode()
    line = json.dumps({"vertexes": [{"name": "RUN hunter2"}], "logs": [{"vertex": "hunting", "data": data}]})
    masked = mask_event_line(line, ("hunter2",))
    (step, log) = feed(masked)
    assert isinstance(step, Vertex)
    assert isinstance(log, StepLog)
    assert (step.name, log.data.decode()) == ("RUN ***", "is DB_PWD=*** *** ü\n")
    assert mask_event_line(line, ("absent",)).count("hunter2") == 1


@given(st.text(alphabet='{}[]":,\n abc'))
def test_no_input_breaks_the_decoder(text: str) -> None:
    feed(text)
