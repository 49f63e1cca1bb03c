"""Times as the engine, BuildKit and images write them."""

from __future__ import annotations

from datetime import datetime

_FIRST_YEAR_ENDS = -62e9
"""Seconds since 1970, roughly. The engine writes the first day of year 1 for a time that has not come."""


def parse_timestamp(text: object) -> float | None:
    """RFC 3339, as seconds since 1970: ``2024-05-01T10:00:00.123456789Z``; of nanoseconds Python reads six digits.

    None for a time that has not come, and for whatever is not a time with its zone.
    """
    try:
        found = datetime.fromisoformat(str(text))
        seconds = found.timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if found.tzinfo is not None and seconds > _FIRST_YEAR_ENDS else None
