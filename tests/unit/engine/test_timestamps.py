"""Times that others write."""

from __future__ import annotations

import pytest

from builder.engine.timestamps import parse_timestamp


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01T10:00:00Z", 1714557600.0),
        ("2024-05-01T12:00:00.123456789+02:00", 1714557600.123456789),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
        ("yesterday", None),
        ("2024-05-01T10:00:00", None),
        ("2024-05-01T10:00:00.5Z", 1714557600.5),
        ("1970-01-01T00:00:01Z", 1.0),
        ("9999-12-31T23:59:59-23:59", 253402387139.0),
        (5, None),
    ],
)
def test_times(text: object, expected: float | None) -> None:
    assert parse_timestamp(text) == (pytest.approx(expected) if expected is not None else None)
