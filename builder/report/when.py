"""Moments as machines read them: in UTC, the same wherever and whenever it is written."""

from __future__ import annotations

from datetime import UTC, datetime


def normalize_timestamp(text: str) -> str | None:
    """The same of what an image or a file says (RFC 3339, whatever its fractions and zone); None: it is not a time."""
    try:
        return format_iso_time(datetime.fromisoformat(text).timestamp())
    except (OverflowError, ValueError):
        return None


def format_iso_time(seconds: float | None) -> str | None:
    """The same for JSON, as Docker writes it (RFC 3339): ``2026-11-25T12:49:35Z``; None where no time is known."""
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None
