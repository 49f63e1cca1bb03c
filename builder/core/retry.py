"""Trying again what failed for a reason that passes: longer each time, and never for all at the same moment."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")
MOST_ATTEMPTS = 5
FIRST_SECONDS = 1.0
LONGEST_SECONDS = 20.0


@dataclass(frozen=True)
class RetryPolicy:
    """Before attempt n+1 it waits between half and all of ``first * 2**(n-1)`` seconds ("equal jitter"; Amazon's
    Builders' Library, "Timeouts, retries, and backoff with jitter"). ``sleep`` and ``draw`` (0 to 1) are the world."""

    attempts: int = MOST_ATTEMPTS
    first: float = FIRST_SECONDS
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random

    def compute_delay(self, attempt: int) -> float:
        """Seconds after the failed ``attempt``, which counts from 1."""
        whole: float = min(self.first * 2 ** (attempt - 1), LONGEST_SECONDS)
        return whole / 2 + whole / 2 * self.draw()


DEFAULT_POLICY = RetryPolicy()


def call_with_retries(
    call: Callable[[], _Result],
    is_transient: Callable[[Exception], bool],
    note: Callable[[str], None],
    policy: RetryPolicy = DEFAULT_POLICY,
) -> _Result:
    """What ``call`` returns. An error that is not transient, and that of the last attempt, is raised as it is.

    ``note`` gets a line for each further attempt.
    """
    for attempt in range(1, policy.attempts):
        try:
            return call()
        except Exception as error:
            if not is_transient(error):
                raise
            delay = policy.compute_delay(attempt)
            reason = getattr(error, "message", None) or str(error)
            note(f"attempt {attempt} of {policy.attempts} failed, the next in {delay:.1f} s: {reason}")
        policy.sleep(delay)
    return call()
