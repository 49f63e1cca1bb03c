"""Runs checks at the same time where they can, and decides what a failure takes away from others."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from builder.image.verify.model import CheckResult, CheckStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


QUIET_SECONDS = 8.0
"""After so long without a result, what runs is told: nobody should wonder whether anything happens."""


@dataclass(frozen=True)
class CheckPassed:
    """A check passed. ``seconds`` where the time of the check itself is known better than that of its thread."""

    message: str = ""
    seconds: float | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_noted: bool = False
    """The check itself found what our own images do otherwise: its status says so."""

    @property
    def status(self) -> CheckStatus:
        return CheckStatus.NOTED if self.is_noted else CheckStatus.PASSED


class CheckFailure(Exception):  # noqa: N818 - a finding about the image, not an error of the program
    """The image does not keep its promise."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        log: str = "",
        seconds: float | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message, self.hint, self.log, self.seconds, self.warnings = message, hint, log, seconds, warnings


class NotRun(Exception):  # noqa: N818 - as above
    """What the check needs is not there; the words say why."""


class NotApplicable(NotRun):
    """The plan has nothing that the check could look at; the words say what is missing."""


@dataclass(frozen=True)
class CheckTask:
    """One check to run. It starts when all ``needs`` passed and all ``after`` ended.

    When it fails and one of ``blames`` failed too, that one is the cause and this check counts as not run.
    """

    name: str
    action: Callable[[], CheckPassed]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    blames: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    """What has to run at the same time, wherever this is asked for."""

    @property
    def required(self) -> tuple[str, ...]:
        """The checks without which this one cannot run."""
        return (*self.needs, *self.beside)


class CheckListener(Protocol):
    """Who watches a verification. Called from several threads."""

    def report_started(self, name: str) -> None:
        """The check began."""

    def report_finished(self, check: CheckResult) -> None:
        """The check ended, or will not run."""

    def report_waiting(self, names: Sequence[str]) -> None:
        """Nothing ended for QUIET_SECONDS; these run."""


class CheckScheduler:
    """Holds the results while checks run, each on its own thread."""

    def __init__(self, tasks: Sequence[CheckTask], listener: CheckListener, *, fail_fast: bool = False) -> None:
        self._tasks = {task.name: task for task in tasks}
        self._listener = listener
        self._fail_fast = fail_fast
        self._checks: dict[str, CheckResult] = {}
        self._running: list[str] = []
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self.cancelled = threading.Event()

    def run(self) -> tuple[CheckResult, ...]:
        """All results in the order of the tasks. Raises what a task raised that is not a finding."""
        for task in self._tasks.values():
            threading.Thread(target=self._run_task, args=(task,), name=task.name, daemon=True).start()
        try:
            self._wait_for_all()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self.cancelled.set()
        if self._error is not None:
            raise self._error
        return tuple(self._checks[name] for name in self._tasks)

    def wait_for(self, names: tuple[str, ...]) -> None:
        """Until the checks of these names ended; a name that is not a task's is left out."""
        with self._changed:
            while any(name in self._tasks and name not in self._checks for name in names):
                if self.cancelled.is_set() and self._error is not None:
                    return
                self._changed.wait(0.5)

    def withdraw(self, name: str, failure: CheckFailure) -> None:
        """A check that passed and whose role did not last: it failed, and is told once more."""
        with self._changed:
            passed = self._checks.get(name)
            if passed is None or not passed.is_good:
                return
            check = _make_failed_result(name, failure, passed.seconds)
            self._checks[name] = check
        if self._fail_fast:
            self.cancelled.set()
        self._listener.report_finished(check)

    def _wait_for_all(self) -> None:
        done, since = 0, time.monotonic()
        with self._changed:
            while len(self._checks) < len(self._tasks) and self._error is None:
                self._changed.wait(0.2)  # a wait without a limit would hold back signals
                if len(self._checks) > done:
                    done, since = len(self._checks), time.monotonic()
                elif time.monotonic() - since > QUIET_SECONDS:
                    self._listener.report_waiting([name for name in self._running if name not in self._checks])
                    since = time.monotonic()

    def _run_task(self, task: CheckTask) -> None:
        started = time.monotonic()
        try:
            check = self._run_check(task)
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            check = CheckResult(task.name, CheckStatus.NOT_RUN, time.monotonic() - started, "interrupted")
            if not self.cancelled.is_set():
                self._error = self._error or error
        with self._changed:
            self._checks[task.name] = check
            self._changed.notify_all()
        if check.status is CheckStatus.FAILED and self._fail_fast:
            self.cancelled.set()
        if self._error is None:
            self._listener.report_finished(check)

    def _run_check(self, task: CheckTask) -> CheckResult:
        self.wait_for((*task.needs, *task.after))
        if missing := self._list_not_passed(task.needs):
            return CheckResult(task.name, CheckStatus.NOT_RUN, 0.0, f"needs {missing}, which did not pass")
        if self.cancelled.is_set():
            return CheckResult(task.name, CheckStatus.NOT_RUN, 0.0, "stopped after the first failure")
        self._running.append(task.name)
        self._listener.report_started(task.name)
        started = time.monotonic()
        try:
            done = task.action()
        except NotRun as reason:
            excused = isinstance(reason, NotApplicable)
            return CheckResult(task.name, CheckStatus.NOT_RUN, time.monotonic() - started, str(reason), excused=excused)
        except CheckFailure as failure:
            return self._judge_failure(task, failure, time.monotonic() - started)
        seconds = time.monotonic() - started if done.seconds is None else done.seconds
        return CheckResult(task.name, done.status, seconds, done.message, warnings=done.warnings, notes=done.notes)

    def _judge_failure(self, task: CheckTask, failure: CheckFailure, elapsed: float) -> CheckResult:
        seconds = elapsed if failure.seconds is None else failure.seconds
        self.wait_for(task.blames)
        if cause := self._list_not_passed((*task.needs, *task.blames)):  # what it needs may have been withdrawn
            return CheckResult(task.name, CheckStatus.NOT_RUN, seconds, f"follows from {cause}: {failure.message}")
        if self.cancelled.is_set():
            return CheckResult(task.name, CheckStatus.NOT_RUN, seconds, "stopped after the first failure")
        return _make_failed_result(task.name, failure, seconds)

    def _list_not_passed(self, names: tuple[str, ...]) -> str:
        with self._changed:
            checks = [self._checks[name] for name in names if name in self._checks]
        return ", ".join(check.name for check in checks if not check.is_good)


def _make_failed_result(name: str, failure: CheckFailure, seconds: float) -> CheckResult:
    return CheckResult(
        name, CheckStatus.FAILED, seconds, failure.message, failure.hint, failure.log, warnings=failure.warnings
    )
