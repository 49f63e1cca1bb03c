"""What a failure takes away from other checks, and what it does not."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING

import pytest

from builder.core.progress import LineProgress
from builder.image.verify import scheduler
from builder.image.verify.model import CheckResult, CheckStatus, VerifyReport
from builder.image.verify.run import LineListener
from builder.image.verify.scheduler import CheckFailure, CheckPassed, CheckScheduler, CheckTask, NotApplicable, NotRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Heard:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.checks: list[CheckResult] = []
        self.waiting: list[list[str]] = []

    def report_started(self, name: str) -> None:
        self.begun.append(name)

    def report_finished(self, check: CheckResult) -> None:
        self.checks.append(check)

    def report_waiting(self, names: Sequence[str]) -> None:
        self.waiting.append(list(names))


def passes(message: str = "") -> Callable[[], CheckPassed]:
    return lambda: CheckPassed(message)


def fails(message: str = "broken") -> Callable[[], CheckPassed]:
    def action() -> CheckPassed:
        raise CheckFailure(message, hint="repair it", log="the log")

    return action


def run(*tasks: CheckTask, fail_fast: bool = False) -> dict[str, CheckResult]:
    return {check.name: check for check in CheckScheduler(tasks, Heard(), fail_fast=fail_fast).run()}


def test_results_keep_the_order_of_the_tasks() -> None:
    assert list(run(CheckTask("b", passes()), CheckTask("a", passes(), after=("c",)), CheckTask("c", passes()))) == [
        "b",
        "a",
        "c",
    ]


def test_warnings_come_with_either_result() -> None:
    def warn() -> CheckPassed:
        return CheckPassed("fine", warnings=("but",))

    def fail() -> CheckPassed:
        raise CheckFailure("broken", warnings=("and",))

    done = run(CheckTask("a", warn), CheckTask("b", fail))
    assert (done["a"].warnings, done["b"].warnings) == (("but",), ("and",))


def test_a_note_is_as_good_as_a_pass_for_whoever_needs_it() -> None:
    noted = CheckPassed("goes on", notes=("so ...",), is_noted=True)
    done = run(CheckTask("a", lambda: noted), CheckTask("b", passes(), needs=("a",)))
    assert (done["a"].status, done["a"].notes) == (CheckStatus.NOTED, ("so ...",))
    assert done["b"].status is CheckStatus.PASSED
    assert report(*done.values()).passed


def test_a_line_is_written_for_each_result_warning_and_wait() -> None:
    out = io.StringIO()
    lines = LineListener(LineProgress(out))
    lines.report_started("dags")
    lines.report_waiting(["dags", "user"])
    lines.report_finished(CheckResult("dags", CheckStatus.PASSED, 1.0, "2 DAGs", warnings=("a.py:3: slow",)))
    lines.report_finished(CheckResult("init", CheckStatus.NOTED, 1.0, "goes on", notes=("so ...",)))
    assert out.getvalue().splitlines() == [
        "running  dags, user",
        "ok       dags                1.0 s  2 DAGs",
        "warning: dags: a.py:3: slow",
        "note     init                1.0 s  goes on",
        "note: init: so ...",
    ]


def test_a_failure_carries_message_hint_and_log() -> None:
    check = run(CheckTask("a", fails()))["a"]
    assert (check.status, check.message, check.hint, check.log) == (
        CheckStatus.FAILED,
        "broken",
        "repair it",
        "the log",
    )


def test_a_check_may_wait_for_others_while_it_runs() -> None:
    began, order = threading.Event(), list[str]()
    board: CheckScheduler

    def stop() -> CheckPassed:
        began.set()
        board.wait_for(("watched", "failed", "of no task"))
        order.append("stop")
        return CheckPassed()

    def watch() -> CheckPassed:
        assert began.wait(10)
        time.sleep(0.1)
        order.append("watched")
        return CheckPassed()

    board = CheckScheduler(
        (CheckTask("stop", stop), CheckTask("watched", watch), CheckTask("failed", fails())), Heard()
    )
    assert [check.status for check in board.run()] == [CheckStatus.PASSED, CheckStatus.PASSED, CheckStatus.FAILED]
    assert order == ["watched", "stop"]


def test_what_needs_a_failed_check_is_not_run_and_says_why() -> None:
    done = run(CheckTask("a", fails()), CheckTask("b", fails(), needs=("a",)), CheckTask("c", fails(), needs=("b",)))
    assert [done[name].status for name in "abc"] == [CheckStatus.FAILED, CheckStatus.NOT_RUN, CheckStatus.NOT_RUN]
    assert "needs a" in done["b"].message


def test_a_check_that_only_comes_after_a_failed_one_still_runs() -> None:
    assert run(CheckTask("a", fails()), CheckTask("b", passes(), after=("a",)))["b"].status is CheckStatus.PASSED


def test_a_failure_that_follows_from_another_is_not_counted_twice() -> None:
    def slow() -> CheckPassed:
        time.sleep(0.1)
        raise CheckFailure("the cause")

    done = run(CheckTask("role", fails("consequence"), blames=("imports",)), CheckTask("imports", slow))
    assert done["imports"].status is CheckStatus.FAILED
    assert done["role"].status is CheckStatus.NOT_RUN
    assert "follows from imports" in done["role"].message
    assert "consequence" in done["role"].message


def test_a_failure_whose_suspect_passed_is_its_own() -> None:
    assert (
        run(CheckTask("role", fails(), blames=("imports",)), CheckTask("imports", passes()))["role"].status
        is CheckStatus.FAILED
    )


def test_not_run_is_no_failure_and_keeps_its_reason() -> None:
    def action() -> CheckPassed:
        raise NotRun("nothing to stop")

    check = run(CheckTask("stop", action))["stop"]
    assert (check.status, check.message) == (CheckStatus.NOT_RUN, "nothing to stop")


def test_what_does_not_apply_is_excused_and_nothing_else_is() -> None:
    def action() -> CheckPassed:
        raise NotApplicable("no scheduler")

    done = run(CheckTask("a", passes()), CheckTask("dag", action))
    assert done["dag"].status is CheckStatus.NOT_RUN
    assert report(*done.values()).passed
    assert not report(done["dag"]).passed, "nothing was looked at"
    assert not report(*done.values(), CheckResult("b", CheckStatus.NOT_RUN, 0.0)).passed
    assert not report(*done.values(), CheckResult("b", CheckStatus.FAILED, 0.0)).passed


def report(*checks: CheckResult) -> VerifyReport:
    return VerifyReport("x:1", "sha256:1", "sqlite", checks, 1.0)


def test_seconds_of_the_check_itself_win_over_those_of_its_thread() -> None:
    assert run(CheckTask("a", lambda: CheckPassed("", 42.0)))["a"].seconds == 42.0


def test_what_is_no_finding_is_raised() -> None:
    def action() -> CheckPassed:
        raise OSError("the engine is gone")

    with pytest.raises(OSError, match="engine is gone"):
        run(CheckTask("a", action), CheckTask("b", passes(), needs=("a",)))


def test_fail_fast_starts_nothing_more() -> None:
    done = run(CheckTask("a", fails()), CheckTask("b", passes(), after=("a",)), fail_fast=True)
    assert done["b"].status is CheckStatus.NOT_RUN


def test_fail_fast_tells_what_runs_to_stop() -> None:
    board: list[CheckScheduler] = []

    def waits() -> CheckPassed:
        if board[0].cancelled.wait(10):
            raise NotRun("stopped")
        return CheckPassed()

    heard = Heard()
    board.append(CheckScheduler((CheckTask("a", waits), CheckTask("b", fails())), heard, fail_fast=True))
    assert [check.status for check in board[0].run()] == [CheckStatus.NOT_RUN, CheckStatus.FAILED]
    assert set(heard.begun) == {"a", "b"}


def test_tasks_run_at_the_same_time() -> None:
    meet = threading.Barrier(2, timeout=5)

    def action() -> CheckPassed:
        meet.wait()
        return CheckPassed()

    done = run(CheckTask("a", action), CheckTask("b", action))
    assert {name: check.status for name, check in done.items()} == {"a": CheckStatus.PASSED, "b": CheckStatus.PASSED}


def test_what_runs_is_told_when_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "QUIET_SECONDS", 0.0)
    heard, told = Heard(), threading.Event()
    waited: list[bool] = []
    heard.waiting = Told(told)

    def slow() -> CheckPassed:
        waited.append(told.wait(20))
        return CheckPassed()

    CheckScheduler((CheckTask("a", slow), CheckTask("b", passes(), needs=("a",))), heard).run()
    assert waited == [True]
    assert heard.waiting[0] == ["a"]


class Told(list[list[str]]):
    """A list that says when something is in it."""

    def __init__(self, event: threading.Event) -> None:
        super().__init__()
        self._event = event

    def append(self, item: list[str]) -> None:
        super().append(item)
        self._event.set()


def test_a_role_that_did_not_last_is_failed_and_told_again() -> None:
    heard = Heard()
    worked = CheckTask("worker", passes("answers"))

    def stop() -> CheckPassed:
        board.withdraw("worker", CheckFailure("it ended", hint="look", log="its log"))
        board.withdraw("stop", CheckFailure("it did not pass: there is nothing to withdraw"))
        board.withdraw("other", CheckFailure("there is no such check"))
        return CheckPassed("the others")

    board = CheckScheduler((worked, CheckTask("stop", stop, after=("worker",))), heard)
    worker, stopped = board.run()
    assert (worker.status, worker.message, worker.hint, worker.log) == (
        CheckStatus.FAILED,
        "it ended",
        "look",
        "its log",
    )
    assert stopped.status is CheckStatus.PASSED
    assert [(check.name, check.status) for check in heard.checks] == [
        ("worker", CheckStatus.PASSED),
        ("worker", CheckStatus.FAILED),
        ("stop", CheckStatus.PASSED),
    ]


def test_what_fails_because_a_role_did_not_last_follows_from_it() -> None:
    def run_dag() -> CheckPassed:
        board.withdraw("worker", CheckFailure("it ended"))
        raise CheckFailure("nobody ran the task")

    board = CheckScheduler((CheckTask("worker", passes()), CheckTask("dag", run_dag, needs=("worker",))), Heard())
    worker, dag = board.run()
    assert worker.status is CheckStatus.FAILED
    assert (dag.status, dag.message) == (CheckStatus.NOT_RUN, "follows from worker: nobody ran the task")


def test_a_role_that_did_not_last_ends_a_run_that_ends_at_the_first_failure() -> None:
    def find() -> CheckPassed:
        board.withdraw("worker", CheckFailure("it ended"))
        return CheckPassed()

    tasks = (CheckTask("worker", passes()), CheckTask("a", find, after=("worker",)), CheckTask("b", passes(), ("a",)))
    board = CheckScheduler(tasks, Heard(), fail_fast=True)
    assert [check.status for check in board.run()] == [CheckStatus.FAILED, CheckStatus.PASSED, CheckStatus.NOT_RUN]
