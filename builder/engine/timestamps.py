"""Times as the engine, BuildKit and images write them."""

from __future__ import annotations

from datetime import datetime

_FIRST_YEAR_ENDS = -62e9
"""Seconds since 1970, roughly. The engine writes the first day of year 1 for a time that has not come."""

_EARLIEST = 315619200
"""2 January 1980: no container engine is as old; the first of 1980 is what ZIP archives can hold."""


def is_set_date(text: object) -> bool:
    """Whether a time in RFC 3339 was given to the image (SOURCE_DATE_EPOCH, kaniko, Bazel), and not read off a clock.

    A clock has nanoseconds; what is given has whole seconds, and often is the first day of 1970, of 1980 or of year 1.
    """
    seconds = parse_timestamp(text)
    return seconds is None or seconds < _EARLIEST or "." not in str(text)


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
