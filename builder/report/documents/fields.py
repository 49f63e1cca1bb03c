"""Words for the types of JSON documents: each field's type says what it measures, and beside it stands what it means.

The reference of the documents is made from these types, and mypy holds the writers to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Unit:
    """What a value counts or how a text is written, as the reference says it."""

    name: str


Bytes = Annotated[int, Unit("bytes")]
Seconds = Annotated[float, Unit("seconds")]
Percent = Annotated[float, Unit("percent")]
Timestamp = Annotated[str, Unit("time, RFC 3339 in UTC")]
Sha256 = Annotated[str, Unit("sha256, 64 hex digits")]
Digest = Annotated[str, Unit("`sha256:` and 64 hex digits")]
Version = Annotated[int, "Of this document: counted up when a field changes its meaning or goes."]
