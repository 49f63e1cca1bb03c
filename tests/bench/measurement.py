"""Figures of repeated measurements, and their ratios."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Figure:
    """Median, least and largest of some rounds."""

    median: float
    least: float
    largest: float
    rounds: int

    def divide(self, other: Figure) -> float | None:
        """Ratio of the medians; None where the other one is zero."""
        return self.median / other.median if other.median else None


def summarize(values: Sequence[float]) -> Figure:
    """Raises ValueError where nothing was measured: that is no figure, and least of all a zero."""
    if not values:
        raise ValueError("nothing was measured")
    return Figure(statistics.median(values), min(values), max(values), len(values))


def order_rounds(subjects: Sequence[str], rounds: int) -> tuple[tuple[int, str], ...]:
    """(round, subject): every other round runs backwards, so that no subject always comes after the same one."""
    return tuple(
        (number, subject)
        for number in range(rounds)
        for subject in (subjects if number % 2 == 0 else tuple(reversed(subjects)))
    )
