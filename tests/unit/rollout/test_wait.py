"""When a restarted service counts as up, as failed, and as not there yet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import StackError
from builder.engine.compose_containers import Container
from builder.rollout.journal import ContainerRecord, ServiceRecord
from builder.rollout.wait import SystemClock, WaitLimits, check_readiness, wait_for_services

if TYPE_CHECKING:
    from collections.abc import Callable

RUNNING = Container("c1", "demo-web-1", "web", 1, "sha256:1", "running", started=100.0)
WEB = ServiceRecord("web", (ContainerRecord("c0", "sha256:0", running=True),), start=True)
JOB = replace(WEB, completes=True)


@pytest.mark.parametrize(
    ("record", "box", "verdict"),
    [
        (WEB, replace(RUNNING, health="healthy"), "done"),
        (WEB, replace(RUNNING, health="starting"), "waiting"),
        (WEB, replace(RUNNING, health="unhealthy"), "waiting"),
        (replace(WEB, expects_health=False), replace(RUNNING, health="unhealthy"), "done"),
        (WEB, RUNNING, "done"),
        (WEB, replace(RUNNING, started=109.0), "waiting"),
        (WEB, replace(RUNNING, status="restarting"), "waiting"),
        (replace(WEB, expects_health=False), replace(RUNNING, status="restarting"), "done"),
        (replace(WEB, expects_health=False), replace(RUNNING, status="exited", restart_policy="always"), "done"),
        (replace(WEB, expects_health=False), replace(RUNNING, status="exited"), "failed"),
        (WEB, replace(RUNNING, status="created", started=None), "waiting"),
        (WEB, replace(RUNNING, status="exited"), "failed"),
        (WEB, replace(RUNNING, status="dead", exit_code=137), "failed"),
        (WEB, replace(RUNNING, status="exited", restart_policy="always"), "waiting"),
        (WEB, replace(RUNNING, status="exited", restart_policy="on-failure"), "failed"),
        (WEB, replace(RUNNING, status="exited", exit_code=1, restart_policy="on-failure"), "waiting"),
        (JOB, RUNNING, "waiting"),
        (JOB, replace(RUNNING, status="exited"), "done"),
        (JOB, replace(RUNNING, status="exited", exit_code=2), "failed"),
        (replace(WEB, start=False), replace(RUNNING, status="created"), "done"),
    ],
)
def test_each_state(record: ServiceRecord, box: Container, verdict: str) -> None:
    found = check_readiness(record, (box,), 110.0, 5.0)
    assert [found.done, bool(found.failed), bool(found.waiting)] == [
        verdict == word for word in ("done", "failed", "waiting")
    ]


def test_all_replicas_must_be_there_and_up() -> None:
    record = replace(WEB, containers=WEB.containers * 2)
    assert check_readiness(record, (RUNNING,), 110.0, 5.0).waiting == "1 of 2 containers"
    assert check_readiness(record, (RUNNING, replace(RUNNING, number=2)), 110.0, 5.0).done
    assert check_readiness(record, (RUNNING, replace(RUNNING, status="exited", exit_code=3)), 110.0, 5.0).failed


class FakeEngine:
    """Answers with the state at a time."""

    def __init__(self, at: Callable[[float], Container]) -> None:
        self.at = at
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def list_containers(self, project: str) -> tuple[Container, ...]:
        return (self.at(self.time),)

    def read_log(self, container: str, lines: int) -> tuple[str, ...]:
        return ("the last line",)

    def read_health_output(self, container: str) -> tuple[str, ...]:
        return ("curl: (7) Failed to connect",)


def waited(engine: Any, record: ServiceRecord = WEB) -> dict[str, float]:
    return dict(wait_for_services(engine, "demo", (record,), WaitLimits(timeout=30.0, steady=5.0), engine))


def test_it_waits_until_the_health_check_passes() -> None:
    engine = FakeEngine(lambda now: replace(RUNNING, health="healthy" if now >= 112 else "starting"))
    assert waited(engine)["web"] == pytest.approx(112, abs=0.3)


def test_a_time_out_says_what_it_waited_for() -> None:
    engine = FakeEngine(lambda _now: replace(RUNNING, health="starting"))
    with pytest.raises(StackError) as caught:
        waited(engine)
    assert "web did not come up: it was not up after 30 s: its health is starting" in caught.value.message
    assert "its health check reported:\n    curl: (7) Failed to connect\n" in caught.value.message
    assert "the end of its log:\n    the last line" in caught.value.message
    assert caught.value.hint == "`--timeout SECONDS` waits longer"
    assert engine.time == pytest.approx(130, abs=0.3)


def test_a_service_that_crashes_again_and_again_times_out() -> None:
    engine = FakeEngine(lambda now: replace(RUNNING, started=now - now % 3, restart_policy="always"))
    with pytest.raises(StackError, match="whether it keeps running"):
        waited(engine)


def test_an_end_fails_at_once() -> None:
    engine = FakeEngine(lambda _now: replace(RUNNING, status="exited", exit_code=3))
    with pytest.raises(StackError, match="it ended with 3") as caught:
        waited(engine)
    assert "health check" not in caught.value.message, "it has none"
    assert engine.time == 100.0


def test_the_system_clock_counts_since_1970() -> None:
    assert SystemClock().now() > 1_700_000_000
    SystemClock().sleep(0)
