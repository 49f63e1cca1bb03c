"""Moments as a page writes them: the same wherever and whenever it is made."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(seconds: float) -> str:
    """Of seconds since 1970, whatever a hostile image says they are."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return "at a time that no calendar has"
