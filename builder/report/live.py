"""The table that fills while a verification runs on a terminal."""

from __future__ import annotations

import threading
import time
from typing import IO, TYPE_CHECKING, Self

from builder.report.verification import make_check_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from rich.table import Table

    from builder.image.verify.model import CheckResult


class LiveTable:
    """A listener of a verification. Outside its block nothing of it is on the screen."""

    def __init__(self, stream: IO[str], *, color: bool) -> None:
        from rich.console import Console  # 40 ms
        from rich.live import Live

        self._checks: dict[str, CheckResult] = {}
        self._running: dict[str, float] = {}
        self._lock = threading.Lock()
        console = Console(file=stream, force_terminal=True, no_color=not color, highlight=False)
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def report_started(self, name: str) -> None:
        """A row with running seconds. The first one opens the table: what comes before has its own progress."""
        with self._lock:
            if not self._running and not self._checks:
                self._live.start()
            self._running[name] = time.monotonic()

    def report_finished(self, check: CheckResult) -> None:
        """The row gets its result, or another one: a role that worked may end later."""
        with self._lock:
            self._running.pop(check.name, None)
            self._checks[check.name] = check

    def report_waiting(self, names: Sequence[str]) -> None:
        """Nothing: their seconds are seen running."""

    def _render(self) -> Table:
        from rich.box import SIMPLE_HEAD  # 40 ms

        now = time.monotonic()
        running = [(name, now - since) for name, since in self._running.copy().items()]
        return make_check_table(tuple(self._checks.values()), SIMPLE_HEAD, running=running)
