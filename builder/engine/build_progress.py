"""BuildKit's events → what a person sees (a task per step), and, when it fails, which step and the end of its log."""

from __future__ import annotations

import contextlib
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.core.errors import BuildFailedError
from builder.core.redact import mask_output
from builder.engine.buildkit_events import Event, EventDecoder, PlainLine, StepLog, StepStatus, Vertex
from builder.engine.diagnosis import diagnose_failure

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from builder.core.progress import Progress, Task

LOG_TAIL_LINES = 30
SHOWN_BYTES = 100_000
"""Fewer bytes are not worth showing."""
NAME_LENGTH = 200
LABEL_LENGTH = 48
"""What leaves room for a bar and its figures on a terminal of 80 columns."""

_COUNTED = re.compile(r"optbuild-progress (\d{1,9})/(\d{1,9}) (\w{1,40})")
"""How the scripts of a build say how far they are: done, total, and what they count."""


@dataclass
class _BuildStep:
    name: str
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_TAIL_LINES))
    partial: str = ""
    counted: dict[str, tuple[int, int]] = field(default_factory=dict)
    manager: AbstractContextManager[Task] | None = None
    task: Task | None = None
    shown: bool = False
    cached: bool = False
    error: str = ""

    @property
    def label(self) -> str:
        """The name as it is shown; errors give the whole one."""
        return shorten_name(self.name, LABEL_LENGTH)


class StepReporter:
    """Takes the stream line by line. ``show_logs``: every line of every step is shown, as ``--progress plain`` asks."""

    def __init__(self, progress: Progress, *, hidden: tuple[str, ...] = (), show_logs: bool = False) -> None:
        self._progress = progress
        self._hidden = hidden
        self._show_logs = show_logs
        self._decoder = EventDecoder()
        self._steps: dict[str, _BuildStep] = {}
        self._words: deque[str] = deque(maxlen=LOG_TAIL_LINES)
        self._lock = threading.Lock()

    def read_line(self, text: str) -> None:
        with self._lock:
            for event in self._decoder.feed(text):
                self._apply_event(event)

    def close(self) -> None:
        """End what is still open: an interrupted build leaves steps behind."""
        with self._lock:
            for event in self._decoder.take_rest():
                self._apply_event(event)
            for step in self._steps.values():
                self._end_task(step, "stopped" if step.manager else "")

    def list_cached_steps(self) -> tuple[str, ...]:
        """Names of those that BuildKit did not run."""
        return tuple(step.name for step in self._steps.values() if step.cached)

    def make_failure(self) -> BuildFailedError:
        """The error of the step that failed; of a build that failed outside of any step, buildx's last words."""
        step = next((step for step in self._steps.values() if step.error and "canceled" not in step.error), None)
        words = tuple(self._words)
        if step is None:
            reason = next((word for word in reversed(words) if word.startswith("ERROR")), "no reason was given")
            return _make_failed_error(None, reason, words)
        tail = tuple(step.tail) or words
        return _make_failed_error(step.name, step.error, tail)

    def _apply_event(self, event: Event) -> None:
        if isinstance(event, Vertex):
            self._apply_vertex(event)
        elif isinstance(event, StepStatus):
            self._apply_status(event)
        elif isinstance(event, StepLog):
            self._apply_log(event)
        else:
            self._record_message(event)

    def _apply_vertex(self, event: Vertex) -> None:
        step = self._steps.setdefault(event.digest, _BuildStep(shorten_name(self._mask(event.name))))
        if event.error:
            step.error = self._mask(event.error)
        if event.cached:
            step.cached = True
            self._show_once(step, f"=> {step.label}: cached")
        elif event.completed is not None and step.manager is None:
            # so fast that start and end came together; BuildKit's own small steps do this, twice
            if event.started is not None and not step.name.startswith("[internal]"):
                self._show_once(step, f"=> {step.label}: done in {event.completed - event.started:.1f} s")
        elif event.completed is not None:
            self._end_task(step, step.error)
        elif event.started is not None and step.manager is None:
            self._begin(step)

    def _begin(self, step: _BuildStep) -> None:
        step.manager = self._progress.task(step.label)
        step.task = step.manager.__enter__()
        step.shown = True

    def _show_once(self, step: _BuildStep, text: str) -> None:
        if not step.shown:
            self._progress.note(text)
        step.shown = True

    def _apply_status(self, event: StepStatus) -> None:
        step = self._steps.get(event.vertex)
        if step is None:
            return
        step.counted[event.id] = (event.current, event.total)
        done = sum(current for current, _total in step.counted.values())
        total = sum(total for _current, total in step.counted.values())
        if step.task is not None and done >= SHOWN_BYTES:
            step.task.update(done=done, total=total or None, detail=f"{done / 1e6:.1f} MB")

    def _apply_log(self, event: StepLog) -> None:
        step = self._steps.setdefault(event.vertex, _BuildStep(event.vertex))
        lines = (step.partial + event.data.decode("utf-8", "replace")).split("\n")
        step.partial = lines.pop()
        for line in lines:
            self._record_line(step, line)

    def _record_line(self, step: _BuildStep, raw: str) -> None:
        line = self._mask(raw.rstrip("\r").rpartition("\r")[2])
        if counted := _COUNTED.fullmatch(line.strip()):
            _show_count(step, *counted.groups())
            return
        step.tail.append(line)
        if step.task is not None and line.strip():
            step.task.update(detail=line.strip()[:80])
        if self._show_logs:
            self._progress.note(f"   {line}")

    def _end_task(self, step: _BuildStep, error: str) -> None:
        """Leave the step's task, as failed where there is an error."""
        if step.partial:
            self._record_line(step, step.partial)
        manager, step.manager, step.task, step.partial = step.manager, None, None, ""
        if manager is None:
            return
        failure = RuntimeError(error) if error else None
        with contextlib.suppress(RuntimeError):
            manager.__exit__(type(failure) if failure else None, failure, None)

    def _record_message(self, event: PlainLine) -> None:
        text = self._mask(event.text)
        self._words.append(text)
        if text.lower().startswith("warning"):
            self._progress.note(text)

    def _mask(self, text: str) -> str:
        return mask_output(text, self._hidden)


def shorten_name(name: str, length: int = NAME_LENGTH) -> str:
    """A step in one line: the instruction without its mounts, which are most of a long RUN."""
    words = " ".join(re.sub(r"--mount=\S+", "", name).split())
    return words if len(words) <= length else words[: length - 1] + "…"


def _show_count(step: _BuildStep, done: str, total: str, what: str) -> None:
    """``117/154 distributions`` beside the step; such a line says nothing of why a step failed, so its log lacks it."""
    if step.task is not None:
        step.task.update(done=int(done), total=int(total), detail=f"{done}/{total} {what}")


def _make_failed_error(step: str | None, reason: str, log: tuple[str, ...]) -> BuildFailedError:
    found = diagnose_failure("\n".join((reason, *log)))
    return BuildFailedError(step, reason, log, cause=found.cause, hint=found.hint)
