"""Lists of names in messages: whole while they are short, counted when they are not; numbers and moments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHOWN = 8


def join_names(names: Sequence[str]) -> str:
    """``a``; ``a and b``; ``a, b and c``; of many the first few and how many more there are."""
    if len(names) > SHOWN + 1:
        return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def format_short_list(names: Iterable[str], most: int = 3) -> str:
    """``a, b, c and 12 more``, each name once."""
    unique = tuple(dict.fromkeys(names))
    more = f" and {len(unique) - most:,} more" if len(unique) > most else ""
    return ", ".join(unique[:most]) + more


def choose_verb(names: Sequence[str], one: str, several: str) -> str:
    """The form of a verb that agrees with the number of ``names``."""
    return one if len(names) == 1 else several


def format_times(number: int) -> str:
    """``twice``, ``3 times``."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def format_exact_bytes(count: int) -> str:
    """``6,100,000 bytes (6.1 MB)``: where a limit is compared, every byte counts."""
    return f"{count:,} bytes" if count < 1_000_000 else f"{count:,} bytes ({count / 1e6:,.1f} MB)"


def format_both_or_all(number: int) -> str:
    """``both``, ``all 3``."""
    return "both" if number == 2 else f"all {number}"


def format_moment(seconds: float) -> str:
    """Of seconds since 1970, whatever a hostile image says they are: ``2026-11-25 12:49 UTC``, the same wherever it is
    written."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return "at a time that no calendar has"
