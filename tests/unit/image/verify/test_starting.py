"""The end of a verification: who is watched until then is told before anything is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.airflow.model import Role
from builder.airflow.releases import find_release
from builder.image.verify import roles, shutdown, starting
from builder.image.verify.bench import VerifyContext
from builder.image.verify.environment import NO_DATABASE
from builder.image.verify.plan import VerifyPlan
from builder.image.verify.scheduler import CheckFailure, CheckPassed, CheckScheduler, CheckTask, NotRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.image.verify.model import CheckResult

INIT, _, SCHEDULER = find_release("2.8.1").roles
QUIET = Role("worker", ("bash", "-c", "sleep infinity"), None)


class Listener:
    def report_started(self, name: str) -> None:
        """Nobody looks."""

    def report_finished(self, check: CheckResult) -> None:
        """Nobody looks."""

    def report_waiting(self, names: Sequence[str]) -> None:
        """Nobody looks."""


def bench(*plan: Any) -> VerifyContext:
    nothing: Any = None
    yard: Any = type("Yard", (), {"start": lambda _self, _start: "init's box"})()
    return VerifyContext(VerifyPlan("2.8.1", (), plan, "sqlite"), {}, nothing, yard, NO_DATABASE, {}, nothing, "x_y")


def stop(monkeypatch: pytest.MonkeyPatch, made: VerifyContext, *, healthy: bool) -> dict[str, Any]:
    """Runs `stop` beside a role that is watched; what was stopped."""
    stopped: dict[str, Any] = {}

    def stop_roles(boxes: Any, *_: Any, **__: Any) -> CheckPassed:
        stopped.update(boxes)
        return CheckPassed()

    def watch() -> CheckPassed:
        assert made.stop_begins.wait(10)
        if not healthy:
            raise CheckFailure("it ended by itself")
        made.boxes[QUIET.name] = "its box"  # type: ignore[assignment] # nobody opens it
        return CheckPassed()

    monkeypatch.setattr(shutdown, "stop_roles", stop_roles)
    monkeypatch.setattr(shutdown, "wait_until_waiting", lambda *_: None)
    tasks = (CheckTask("stop", lambda: starting.check_stop(made)), CheckTask(QUIET.name, watch))
    board = CheckScheduler(tasks, Listener())
    made.wait_for_checks = board.wait_for
    board.run()
    return stopped


def test_a_watched_role_is_stopped_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(INIT, SCHEDULER, QUIET)
    made.boxes["scheduler"] = "the scheduler's box"  # type: ignore[assignment] # nobody opens it
    assert stop(monkeypatch, made, healthy=True) == {
        "init": "init's box", "scheduler": "the scheduler's box", "worker": "its box"
    }  # fmt: skip


def test_one_that_had_ended_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(INIT, SCHEDULER, QUIET)
    made.boxes["scheduler"] = "the scheduler's box"  # type: ignore[assignment] # nobody opens it
    assert set(stop(monkeypatch, made, healthy=False)) == {"init", "scheduler"}


def test_nobody_is_watched_for_ever_where_stopping_fails_early(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(INIT, QUIET)

    def fail(*_: Any) -> None:
        raise CheckFailure("init ended")

    monkeypatch.setattr(shutdown, "wait_until_waiting", fail)
    with pytest.raises(CheckFailure, match="init ended"):
        starting.check_stop(made)
    assert made.stop_begins.is_set()


def test_a_role_without_a_health_check_counts_as_running_once_it_was_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(QUIET)
    monkeypatch.setattr(roles, "watch_role", lambda *_: CheckPassed("still ran"))
    assert starting.check_server(made, QUIET).message == "still ran"
    assert list(made.boxes) == ["worker"]

    def ended(*_: Any) -> CheckPassed:
        raise CheckFailure("ended")

    gone = bench(QUIET)
    monkeypatch.setattr(roles, "watch_role", ended)
    with pytest.raises(CheckFailure):
        starting.check_server(gone, QUIET)
    assert list(gone.boxes) == []


def test_no_role_to_stop_is_not_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(SCHEDULER)
    monkeypatch.setattr(shutdown, "stop_roles", lambda *_, **__: CheckPassed("nothing"))
    with pytest.raises(NotRun, match="no role runs that could be stopped"):
        starting.check_stop(made)
