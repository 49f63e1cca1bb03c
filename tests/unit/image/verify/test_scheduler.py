"""What a failure takes away from other checks, and what it does not."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from builder.image.verify.model import Check, Report, Status
from builder.image.verify.scheduler import Board, CheckFailure, NotApplicable, NotRun, Outcome, Task

if TYPE_CHECKING:
    from collections.abc import Callable


class Heard:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.checks: list[Check] = []

    def started(self, name: str) -> None:
        self.begun.append(name)

    def finished(self, check: Check) -> None:
        self.checks.append(check)


def passes(message: str = "") -> Callable[[], Outcome]:
    return lambda: Outcome(message)


def fails(message: str = "broken") -> Callable[[], Outcome]:
    def action() -> Outcome:
        raise CheckFailure(message, hint="repair it", log="the log")

    return action


def run(*tasks: Task, fail_fast: bool = False) -> dict[str, Check]:
    return {check.name: check for check in Board(tasks, Heard(), fail_fast=fail_fast).run()}


def test_results_keep_the_order_of_the_tasks() -> None:
    assert list(run(Task("b", passes()), Task("a", passes(), after=("c",)), Task("c", passes()))) == ["b", "a", "c"]


def test_a_failure_carries_message_hint_and_log() -> None:
    check = run(Task("a", fails()))["a"]
    assert (check.status, check.message, check.hint, check.log) == (Status.FAILED, "broken", "repair it", "the log")


def test_what_needs_a_failed_check_is_not_run_and_says_why() -> None:
    done = run(Task("a", fails()), Task("b", fails(), needs=("a",)), Task("c", fails(), needs=("b",)))
    assert [done[name].status for name in "abc"] == [Status.FAILED, Status.NOT_RUN, Status.NOT_RUN]
    assert "needs a" in done["b"].message


def test_a_check_that_only_comes_after_a_failed_one_still_runs() -> None:
    assert run(Task("a", fails()), Task("b", passes(), after=("a",)))["b"].status is Status.PASSED


def test_a_failure_that_follows_from_another_is_not_counted_twice() -> None:
    def slow() -> Outcome:
        time.sleep(0.1)
        raise CheckFailure("the cause")

    done = run(Task("role", fails("consequence"), blames=("imports",)), Task("imports", slow))
    assert done["imports"].status is Status.FAILED
    assert done["role"].status is Status.NOT_RUN
    assert "follows from imports" in done["role"].message
    assert "consequence" in done["role"].message


def test_a_failure_whose_suspect_passed_is_its_own() -> None:
    assert run(Task("role", fails(), blames=("imports",)), Task("imports", passes()))["role"].status is Status.FAILED


def test_not_run_is_no_failure_and_keeps_its_reason() -> None:
    def action() -> Outcome:
        raise NotRun("nothing to stop")

    check = run(Task("stop", action))["stop"]
    assert (check.status, check.message) == (Status.NOT_RUN, "nothing to stop")


def test_what_does_not_apply_is_excused_and_nothing_else_is() -> None:
    def action() -> Outcome:
        raise NotApplicable("no scheduler")

    done = run(Task("a", passes()), Task("dag", action))
    assert done["dag"].status is Status.NOT_RUN
    assert report(*done.values()).passed
    assert not report(done["dag"]).passed, "nothing was looked at"
    assert not report(*done.values(), Check("b", Status.NOT_RUN, 0.0)).passed
    assert not report(*done.values(), Check("b", Status.FAILED, 0.0)).passed


def report(*checks: Check) -> Report:
    return Report("x:1", "sha256:1", "sqlite", checks, 1.0)


def test_seconds_of_the_check_itself_win_over_those_of_its_thread() -> None:
    assert run(Task("a", lambda: Outcome("", 42.0)))["a"].seconds == 42.0


def test_what_is_no_finding_is_raised() -> None:
    def action() -> Outcome:
        raise OSError("the engine is gone")

    with pytest.raises(OSError, match="engine is gone"):
        run(Task("a", action), Task("b", passes(), needs=("a",)))


def test_fail_fast_starts_nothing_more() -> None:
    done = run(Task("a", fails()), Task("b", passes(), after=("a",)), fail_fast=True)
    assert done["b"].status is Status.NOT_RUN


def test_fail_fast_tells_what_runs_to_stop() -> None:
    board: list[Board] = []

    def waits() -> Outcome:
        if board[0].cancelled.wait(10):
            raise NotRun("stopped")
        return Outcome()

    heard = Heard()
    board.append(Board((Task("a", waits), Task("b", fails())), heard, fail_fast=True))
    assert [check.status for check in board[0].run()] == [Status.NOT_RUN, Status.FAILED]
    assert set(heard.begun) == {"a", "b"}


def test_tasks_run_at_the_same_time() -> None:
    meet = threading.Barrier(2, timeout=5)

    def action() -> Outcome:
        meet.wait()
        return Outcome()

    done = run(Task("a", action), Task("b", action))
    assert {name: check.status for name, check in done.items()} == {"a": Status.PASSED, "b": Status.PASSED}
