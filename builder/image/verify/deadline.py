"""How long a check waits: seconds of a machine that has a processor to spare. A busy machine is not a broken image."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_TIMES = 4
"""The hard limit: however busy the machine is, a wait ends after so many times its seconds by the clock."""
_PROC = Path("/proc")
_WAITED = re.compile(r"^some .*total=(\d+)", re.MULTILINE)
_STEAL_COLUMN = 8


class Deadline:
    """Over once ``seconds`` passed in which no process of this machine had to wait for a processor.

    On an idle machine those are seconds of the clock. ``read_lost`` gives the lost ones since the machine started.
    """

    def __init__(
        self,
        seconds: float,
        read_lost: Callable[[], float] | None = None,
        read_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._read_clock = seconds, read_clock
        self._read_lost = read_lost or read_lost_seconds
        self._started, self._lost_before = read_clock(), self._read_lost()

    @property
    def elapsed(self) -> float:
        """Seconds by the clock."""
        return self._read_clock() - self._started

    def is_over(self) -> bool:
        """Asks the machine only when the clock alone would say so."""
        elapsed = self.elapsed
        if elapsed < self._seconds:
            return False
        lost = self._read_lost() - self._lost_before
        return elapsed >= MOST_TIMES * self._seconds or elapsed - lost >= self._seconds


def read_lost_seconds(proc: Path = _PROC) -> float:
    """Seconds since its start in which a process of this machine waited for a processor, or the machine for its host.

    Sources: Linux's pressure stall information (Documentation/accounting/psi.rst: microseconds) and proc_stat(5), whose
    "steal" is summed over the processors. 0 where neither is told: a deadline is then one of the clock alone, as it is
    for an engine on another machine.
    """
    waited = _WAITED.search(_read_text(proc / "pressure/cpu"))
    columns = _read_text(proc / "stat").partition("\n")[0].split()
    stolen = int(columns[_STEAL_COLUMN]) if len(columns) > _STEAL_COLUMN else 0
    return (int(waited[1]) / 1e6 if waited else 0.0) + stolen / os.sysconf("SC_CLK_TCK") / (os.cpu_count() or 1)


def _read_text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
