"""The end of a verification: who is watched until then is told before anything is stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pytest

from builder.airflow.model import Role
from builder.airflow.releases import find_release
from builder.core.naming import LABEL_PROJECT
from builder.image.verify import roles, shutdown, starting
from builder.image.verify.bench import VerifyContext
from builder.image.verify.environment import NO_DATABASE
from builder.image.verify.plan import PlanBase, VerifyPlan
from builder.image.verify.scheduler import CheckFailure, CheckPassed, CheckScheduler, CheckTask, NotRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.image.verify.model import CheckResult

INIT, WEBSERVER, SCHEDULER = find_release("2.8.1").roles
QUIET = Role("worker", ("bash", "-c", "sleep infinity"), None)


class Box:
    """A role's container, which runs, or has ended with a code."""

    def __init__(self, code: int | None = None) -> None:
        self.code = code

    def find_exit_code(self) -> int | None:
        return self.code

    def read_logs(self) -> str:
        return "the end of its log"


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
        add_box(made, QUIET.name)
        return CheckPassed()

    monkeypatch.setattr(shutdown, "stop_roles", stop_roles)
    monkeypatch.setattr(shutdown, "wait_until_waiting", lambda *_: None)
    tasks = (CheckTask("stop", lambda: starting.check_stop(made)), CheckTask(QUIET.name, watch))
    board = CheckScheduler(tasks, Listener())
    made.wait_for_checks = board.wait_for
    board.run()
    return stopped


def add_box(made: VerifyContext, name: str, code: int | None = None) -> Any:
    """A role whose check passed."""
    box: Any = Box(code)
    made.boxes[name] = box
    return box


def test_a_watched_role_is_stopped_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(INIT, SCHEDULER, QUIET)
    box = add_box(made, "scheduler")
    assert stop(monkeypatch, made, healthy=True) == {
        "init": "init's box", "scheduler": box, "worker": made.boxes["worker"]
    }  # fmt: skip


def test_one_that_had_ended_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(INIT, SCHEDULER, QUIET)
    add_box(made, "scheduler")
    assert set(stop(monkeypatch, made, healthy=False)) == {"init", "scheduler"}


def test_nobody_is_watched_for_ever_where_stopping_fails_early(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(INIT, QUIET)

    def fail(*_: Any) -> None:
        raise CheckFailure("init ended")

    monkeypatch.setattr(shutdown, "wait_until_waiting", fail)
    with pytest.raises(CheckFailure, match="init ended"):
        starting.check_stop(made)
    assert made.stop_begins.is_set()


@pytest.mark.parametrize("contract", ["", "official"])
def test_an_official_entrypoint_that_does_not_wait_is_a_note(
    monkeypatch: pytest.MonkeyPatch, contract: Literal["", "official"]
) -> None:
    """Airflow 3's, for all but four commands; ours waits."""
    made = bench(INIT, SCHEDULER)
    base = PlanBase("apache/airflow:3.3.2", 1, contract)
    made.plan = replace(made.plan, base=base, labels=((LABEL_PROJECT, "demo"),))
    box = add_box(made, "scheduler")
    stopped = note_stopped(monkeypatch)

    def end(name: str, *_: Any) -> None:
        raise shutdown.NotWaitingError(name, 0, "its log")

    monkeypatch.setattr(shutdown, "wait_until_waiting", end)
    if not contract:
        with pytest.raises(CheckFailure, match="init ended with exit code 0 instead of waiting"):
            starting.check_stop(made)
        assert stopped == {}
        return
    [note] = starting.check_stop(made).notes
    assert "init does not wait for its database" in note
    assert "service_healthy" in note
    assert stopped == {"scheduler": box}


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


def withdrawn(made: VerifyContext) -> dict[str, CheckFailure]:
    """What is withdrawn from here on: role → why."""
    found: dict[str, CheckFailure] = {}
    made.withdraw = found.__setitem__
    return found


def note_stopped(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is stopped from here on, all of it well."""
    stopped: dict[str, Any] = {}

    def stop_roles(boxes: Any, *_: Any, **__: Any) -> CheckPassed:
        stopped.update(boxes)
        return CheckPassed("fine")

    monkeypatch.setattr(shutdown, "wait_until_waiting", lambda *_: None)
    monkeypatch.setattr(shutdown, "stop_roles", stop_roles)
    return stopped


def test_a_role_that_ended_since_is_withdrawn_and_the_others_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(INIT, WEBSERVER, SCHEDULER)
    add_box(made, "webserver", code=0)
    add_box(made, "scheduler")
    found = withdrawn(made)
    made.wait_for_checks = lambda _: None
    stopped = note_stopped(monkeypatch)
    assert starting.check_stop(made).message == "fine"
    assert set(stopped) == {"init", "scheduler"}
    [(name, failure)] = found.items()
    assert (name, failure.log) == ("webserver", "the end of its log")
    assert failure.message == "webserver had ended by itself with exit code 0 before SIGTERM"


def test_one_that_ends_between_the_two_looks_is_withdrawn_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(INIT, SCHEDULER)
    box, found = add_box(made, "scheduler"), withdrawn(made)
    monkeypatch.setattr(shutdown, "wait_until_waiting", lambda *_: None)

    def stop_roles(boxes: Any, *_: Any, **__: Any) -> CheckPassed:
        box.code = 9
        shutdown.refuse_ended({"scheduler": boxes["scheduler"]})
        return CheckPassed()

    monkeypatch.setattr(shutdown, "stop_roles", stop_roles)
    with pytest.raises(NotRun, match="follows from scheduler: scheduler had ended by itself with exit code 9"):
        starting.check_stop(made)
    assert set(found) == {"scheduler"}


def test_an_init_that_had_ended_is_still_a_matter_of_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(INIT, SCHEDULER)
    add_box(made, "scheduler")
    found = withdrawn(made)
    monkeypatch.setattr(shutdown, "wait_until_waiting", lambda *_: None)

    def stop_roles(*_: Any, **__: Any) -> CheckPassed:
        box: Any = Box(1)
        shutdown.refuse_ended({"init": box})
        return CheckPassed()

    monkeypatch.setattr(shutdown, "stop_roles", stop_roles)
    with pytest.raises(CheckFailure, match="init had ended by itself"):
        starting.check_stop(made)
    assert found == {}


CELERY = tuple(role for role in find_release("2.11.2").optional_roles if role.name == "worker")


@pytest.mark.parametrize("answers", [True, False])
def test_a_worker_is_asked_once_more_before_it_is_stopped(monkeypatch: pytest.MonkeyPatch, *, answers: bool) -> None:
    """Its container may stay while Celery is gone: what it answered once says nothing of now."""
    made = bench(*CELERY)
    box, found = add_box(made, "worker"), withdrawn(made)
    asked: list[Any] = []

    def wait_for_ping(role: Role, _app: str, box: Any, *_: Any) -> CheckPassed:
        asked.append((role.name, box))
        if not answers:
            raise CheckFailure("worker did not answer Celery's ping within 120 s", log="its log")
        return CheckPassed()

    monkeypatch.setattr(starting, "wait_for_ping", wait_for_ping)
    stopped = note_stopped(monkeypatch)
    if answers:
        assert starting.check_stop(made).message == "fine"
    else:
        with pytest.raises(NotRun):
            starting.check_stop(made)
        assert found["worker"].message.startswith("worker answered once and no more: worker did not answer")
    assert asked == [("worker", box)]
    assert ("worker" in stopped) is answers


@pytest.mark.parametrize("code", [None, 3])
def test_a_dag_that_fails_because_its_worker_ended_says_so(monkeypatch: pytest.MonkeyPatch, code: int | None) -> None:
    made = bench(SCHEDULER)
    add_box(made, "scheduler", code)
    found = withdrawn(made)
    made.observer = object()  # type: ignore[assignment] # nobody asks it
    made.observer_ready.set()

    def wait_for_dag(*_: Any, **__: Any) -> CheckPassed:
        raise CheckFailure("the run of the DAG: failed")

    monkeypatch.setattr(roles, "wait_for_dag", wait_for_dag)
    with pytest.raises(CheckFailure, match="the run of the DAG: failed"):
        starting.check_dag(made)
    assert set(found) == ({"scheduler"} if code else set())
