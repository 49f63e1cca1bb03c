"""What a person sees while something long goes on: bars on a terminal, plain lines elsewhere, nothing with --quiet.

Everything here goes to stderr; stdout is for data.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as RichBars
    from rich.progress import TaskID

STILL_RUNNING_SECONDS = 8.0
"""Without a terminal, a step that is silent for this long says that it still runs: on a busy machine the line comes
later, and nobody should wait for one longer than 10 s."""


class Task(Protocol):
    """One step that is under way."""

    def update(self, *, done: float | None = None, total: float | None = None, detail: str | None = None) -> None:
        """``done`` of ``total`` in any one unit; ``detail`` replaces the words behind the label."""
        ...


class Progress(Protocol):
    """Where stages report to. Safe to call from several threads."""

    def note(self, text: str) -> None:
        """A line that stays on the screen."""
        ...

    def task(self, label: str) -> contextlib.AbstractContextManager[Task]:
        """A step; leaving the block ends it, by an exception as failed."""
        ...


class SilentProgress:
    """``--quiet``, and the default of library calls."""

    def note(self, text: str) -> None:
        """Say nothing."""

    @contextlib.contextmanager
    def task(self, label: str) -> Iterator[Task]:  # noqa: ARG002 - the protocol's parameter
        yield _SilentTask()


class _SilentTask:
    def update(self, *, done: float | None = None, total: float | None = None, detail: str | None = None) -> None:
        """Say nothing."""


class LineProgress:
    """For CI and pipes: a line when a step starts, one when it ends with its seconds, and a sign of life between."""

    def __init__(self, stream: IO[str], *, beat_seconds: float = STILL_RUNNING_SECONDS) -> None:
        self._stream = stream
        self._beat_seconds = beat_seconds
        self._lock = threading.Lock()

    def note(self, text: str) -> None:
        with self._lock:
            self._stream.write(text + "\n")
            self._stream.flush()

    @contextlib.contextmanager
    def task(self, label: str) -> Iterator[Task]:
        self.note(f"=> {label}")
        started = time.monotonic()
        task = _LineTask()
        ended = threading.Event()
        beat = threading.Thread(target=self._print_heartbeat, args=(label, task, started, ended), daemon=True)
        beat.start()
        how = "failed after"
        try:
            yield task
            how = "done in"
        except Exception:
            raise
        except BaseException:  # Ctrl-C is not a failure
            how = "stopped after"
            raise
        finally:
            ended.set()
            beat.join()  # else its line could come behind the last one
            result = (
                task.format_detail() if how == "done in" else task.format_suffix()
            )  # what is done has no share that is done
            self.note(f"=> {label}: {how} {time.monotonic() - started:.1f} s{result}")

    def _print_heartbeat(self, label: str, task: _LineTask, started: float, ended: threading.Event) -> None:
        while not ended.wait(self._beat_seconds):
            self.note(f"   {label}: {time.monotonic() - started:.0f} s{task.format_suffix()}")


class _LineTask:
    def __init__(self) -> None:
        self._done: float | None = None
        self._total: float | None = None
        self._detail = ""

    def update(self, *, done: float | None = None, total: float | None = None, detail: str | None = None) -> None:
        self._done = self._done if done is None else done
        self._total = self._total if total is None else total
        self._detail = self._detail if detail is None else detail

    def format_suffix(self) -> str:
        share = f", {100 * (self._done or 0) / self._total:.0f} %" if self._total else ""
        return f"{share}{self.format_detail()}"

    def format_detail(self) -> str:
        return f", {self._detail}" if self._detail else ""


class BarProgress:
    """For a terminal: one live bar per step that is under way; ended steps become lines above them."""

    def __init__(self, stream: IO[str], *, color: bool = True) -> None:
        from rich.console import Console  # 40 ms that a command without progress need not pay

        self._console = Console(
            file=stream, force_terminal=True, no_color=not color, highlight=False, markup=False, emoji=False
        )
        self._bars: RichBars | None = None
        self._open = 0
        self._lock = threading.RLock()

    def note(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)

    @contextlib.contextmanager
    def task(self, label: str) -> Iterator[Task]:
        started = time.monotonic()
        bars, identity = self._begin(label)
        try:
            yield _BarTask(bars, identity)
        except BaseException:
            self.note(f"✗ {label} ({time.monotonic() - started:.1f} s)")
            raise
        else:
            self.note(f"✓ {label} ({time.monotonic() - started:.1f} s)")
        finally:
            self._end(identity)

    def _begin(self, label: str) -> tuple[RichBars, TaskID]:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        with self._lock:
            if self._bars is None:
                self._bars = Bars(
                    SpinnerColumn(),
                    TextColumn("{task.description}", markup=False),
                    BarColumn(bar_width=24),
                    TextColumn("{task.fields[detail]}", markup=False),
                    TimeElapsedColumn(),
                    console=self._console,
                    transient=True,
                )
                self._bars.start()
            self._open += 1
            return self._bars, self._bars.add_task(label, total=None, detail="")

    def _end(self, identity: TaskID) -> None:
        with self._lock:
            self._open -= 1
            if self._bars is None:
                return
            self._bars.remove_task(identity)
            if self._open == 0:
                self._bars.stop()
                self._bars = None


class _BarTask:
    def __init__(self, bars: RichBars, identity: TaskID) -> None:
        self._bars = bars
        self._identity = identity

    def update(self, *, done: float | None = None, total: float | None = None, detail: str | None = None) -> None:
        if detail is None:
            self._bars.update(self._identity, completed=done, total=total)
        else:
            self._bars.update(self._identity, completed=done, total=total, detail=detail)
