"""Sums of layers, some of whose bytes may not be known: then a lower bound, with words that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.report.units import UNKNOWN, format_size, pluralize

if TYPE_CHECKING:
    from builder.store.model import Amount


def format_amount(amount: Amount) -> str:
    """``990 MB``, or ``at least 990 MB``; ``—`` where nothing of it is known."""
    if not amount.unknown:
        return format_size(amount.known)
    return f"at least {format_size(amount.known)}" if amount.known else UNKNOWN


def format_unknown_part(amount: Amount) -> str:
    """What the amount lacks, to follow it; empty: nothing."""
    return (
        f"; and {pluralize(amount.unknown, 'image')} whose layers the engine does not report" if amount.unknown else ""
    )
