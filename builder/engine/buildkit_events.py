"""BuildKit's own events: the stream of ``docker buildx build --progress rawjson``, as values.

The stream is a sequence of JSON documents, each a part of a SolveStatus (moby/buildkit, ``client/graph.go``): buildx up
to 0.13 prints each over several lines, later ones on one. Words that are not JSON (warnings, the closing error) stand
between them.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.core.redact import mask_addresses, mask_output, mask_values
from builder.engine.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator


_ENCODED = re.compile(r"""(?<=")(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?(?=")""")
"""A text in base64, as the stream holds what processes wrote and what warnings say."""


@dataclass(frozen=True)
class Vertex:
    """One step. ``started`` and ``completed`` in seconds since 1970; a step may start and complete more than once."""

    digest: str
    name: str
    started: float | None
    completed: float | None
    cached: bool
    error: str


@dataclass(frozen=True)
class StepStatus:
    """A part of a step that counts something; ``current`` of ``total`` bytes, 0 where it is not known."""

    vertex: str
    id: str
    current: int
    total: int
    completed: bool


@dataclass(frozen=True)
class StepLog:
    """Bytes that a step's process wrote; lines may be cut anywhere."""

    vertex: str
    data: bytes


@dataclass(frozen=True)
class PlainLine:
    """A line that is not an event: a warning of buildx, or the error with which it ends."""

    text: str


Event = Vertex | StepStatus | StepLog | PlainLine


class EventDecoder:
    """Lines in, events out. Holds back the lines of a document until it is whole."""

    def __init__(self) -> None:
        self._held: list[str] = []

    def feed(self, line: str) -> tuple[Event, ...]:
        if not self._held and not line.startswith("{"):
            return (PlainLine(line),) if line.strip() else ()
        self._held.append(line)
        if not line.startswith("}") and not (len(self._held) == 1 and line.rstrip().endswith("}")):
            return ()
        held, self._held = self._held, []
        try:
            document = json.loads("\n".join(held))
        except ValueError:
            return tuple(PlainLine(text) for text in held)
        return tuple(_iterate_events(document)) if isinstance(document, dict) else ()

    def take_rest(self) -> tuple[Event, ...]:
        """What a stream that broke off left behind."""
        held, self._held = self._held, []
        return tuple(PlainLine(text) for text in held)


def mask_event_line(line: str, hidden: tuple[str, ...]) -> str:
    """A line of the stream without the ``hidden`` values, also those within its base64; it stays JSON."""
    return _ENCODED.sub(lambda found: _mask_encoded(found[0], hidden), mask_addresses(mask_values(line, hidden)))


def _mask_encoded(encoded: str, hidden: tuple[str, ...]) -> str:
    try:
        text = _decode_bytes(encoded).decode()
    except UnicodeDecodeError:  # a word that only looks so, or bytes that no value is in
        text = _decode_bytes(encoded).decode("latin-1")
        shown = mask_values(text, hidden)
        return encoded if shown == text else base64.b64encode(shown.encode("latin-1")).decode()
    shown = mask_output(text, hidden)
    return encoded if shown == text else base64.b64encode(shown.encode()).decode()


def _iterate_events(document: dict[str, Any]) -> Iterator[Event]:
    for item in document.get("vertexes") or ():
        yield Vertex(
            str(item.get("digest", "")),
            str(item.get("name", "")),
            parse_timestamp(item.get("started")),
            parse_timestamp(item.get("completed")),
            bool(item.get("cached")),
            str(item.get("error") or ""),
        )
    for item in document.get("statuses") or ():
        yield StepStatus(
            str(item.get("vertex", "")),
            str(item.get("id", "")),
            _parse_count(item.get("current")),
            _parse_count(item.get("total")),
            bool(item.get("completed")),
        )
    for item in document.get("logs") or ():
        yield StepLog(str(item.get("vertex", "")), _decode_bytes(item.get("data")))
    for item in document.get("warnings") or ():
        short = _decode_bytes(item.get("short")).decode("utf-8", "replace")
        if short:
            yield PlainLine(f"warning: {short}")


def _parse_count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _decode_bytes(value: object) -> bytes:
    try:
        return base64.b64decode(str(value or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""
