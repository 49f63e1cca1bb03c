"""Waiting for a role through the observer, and giving up as soon as nothing more can come."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from builder.airflow.model import HttpHealth, JobHealth
from builder.image.verify import roles, web
from builder.image.verify.deadline import Deadline
from builder.image.verify.observer import Observer
from builder.image.verify.scheduler import CheckFailure, NotRun

if TYPE_CHECKING:
    from collections.abc import Iterator

HEALTH = HttpHealth("/health", 8080, ("metadatabase",))
ELSEWHERE = "  sl  local_address\n   0: 00000000:1F91 00000000:0000 0A 0\n   1: 0B00007F:A1B2 00000000:0000 0A 0\n"
HERE = ELSEWHERE + "   2: 00000000:1F90 00000000:0000 0A 0\n"


class Runs:
    """A role's container that stays."""

    def __init__(self, sockets: str = "") -> None:
        self.sockets, self.looks = sockets, 0

    def find_exit_code(self) -> int | None:
        return None

    def read_logs(self, tail: int = 40) -> str:
        return "the role's log"

    def execute(self, *_: str) -> tuple[int, str]:
        self.looks += 1
        return 0, self.sockets


class Watcher:
    """The observer's container: says its lines, then ends with a code, or stays (None)."""

    def __init__(self, code: int | None, *events: tuple[str, bool, str]) -> None:
        self._code, self._events = code, events

    def iterate_lines(self) -> Iterator[str]:
        for event, ok, detail in self._events:
            yield "optbuild: " + json.dumps({"event": event, "ok": ok, "detail": detail})
        if self._code is None:
            threading.Event().wait(30)

    def find_exit_code(self) -> int | None:
        return self._code

    def read_logs(self) -> str:
        return "Traceback of the observer"


def observer(code: int | None, *events: tuple[str, bool, str]) -> Observer:
    box: Any = Watcher(code, *events)
    return Observer(box)


def wait_for(health: JobHealth | HttpHealth, box: Runs, watcher: Observer, seconds: float = 20.0) -> str:
    role: Any = type("Role", (), {"name": "it", "health": health})
    anybox: Any = box
    return roles.wait_for_server(role, anybox, watcher, seconds, threading.Event()).message


@pytest.mark.parametrize("health", [JobHealth("SchedulerJob"), HEALTH])
def test_an_observer_that_crashed_is_named_at_once_and_not_the_role(health: JobHealth | HttpHealth) -> None:
    began = time.monotonic()
    with pytest.raises(CheckFailure, match=r"nothing is known about it: verify's observer.*exit code 137") as caught:
        wait_for(health, Runs(), observer(137))
    assert caught.value.log == "Traceback of the observer"
    assert time.monotonic() - began < 5


def test_so_it_is_while_the_dag_runs() -> None:
    box: Any = Runs()
    with pytest.raises(CheckFailure, match="nothing is known about the DAG"):
        roles.wait_for_dag(observer(1), box, 20.0, threading.Event())


def test_what_it_said_before_it_ended_counts() -> None:
    assert wait_for(JobHealth("SchedulerJob"), Runs(), observer(1, ("job:it", True, ""))) == "its SchedulerJob is alive"
    box: Any = Runs()
    assert "success" in roles.wait_for_dag(observer(1, ("dag", True, "success")), box, 5, threading.Event()).message


def test_a_healthy_answer_is_believed() -> None:
    answer = '200 {"metadatabase": {"status": "healthy"}}'
    said = wait_for(HEALTH, Runs(), observer(None, ("http:it", True, answer)))
    assert said == "port 8080/health: metadatabase is healthy"


def test_who_listens_elsewhere_only_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(web, "ELSEWHERE_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(CheckFailure, match="nothing answers; the container listens on 8081 instead"):
        wait_for(HEALTH, Runs(ELSEWHERE), observer(None))
    assert 0.2 <= time.monotonic() - began < 5


def test_a_busy_machine_gets_more_time_until_the_right_port_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only seconds in which it had a processor to spare count."""
    monkeypatch.setattr(web, "LOOK_SECONDS", 0.0)
    clock, lost = iter((0.0, 20.0, 40.0)), iter((0.0, 19.0, 19.0))
    deadline = Deadline(15, lambda: next(lost), lambda: next(clock))
    monkeypatch.setattr(web, "Deadline", lambda _seconds: deadline)
    box: Any = Runs(ELSEWHERE)
    ports = web.OtherPorts(box, 8080)
    assert [ports.is_permanent() for _ in range(2)] == [False, True]


@pytest.mark.parametrize("sockets", [HERE, ""])
def test_who_listens_here_or_nowhere_yet_is_waited_for(sockets: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(web, "ELSEWHERE_SECONDS", 0.0)
    began = time.monotonic()
    with pytest.raises(CheckFailure, match=r"nothing answers$"):
        wait_for(HEALTH, Runs(sockets), observer(None), seconds=0.2)
    assert time.monotonic() - began >= 0.2


class Lasts(Runs):
    """A role's container that ends with a code at one of the looks."""

    def __init__(self, looks: int, code: int) -> None:
        super().__init__()
        self._left, self._code = looks, code

    def find_exit_code(self) -> int | None:
        self._left -= 1
        return self._code if self._left < 0 else None


def watch(box: Runs, until: threading.Event, cancelled: threading.Event | None = None) -> str:
    anybox: Any = box
    return roles.watch_role("it", anybox, until, cancelled or threading.Event()).message


def test_a_role_without_a_health_check_is_watched_until_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "SETTLED_SECONDS", 0.0)
    until = threading.Event()
    timer = threading.Timer(0.3, until.set)
    timer.start()
    began = time.monotonic()
    assert "it has no health check" in watch(Runs(), until)
    assert time.monotonic() - began >= 0.3
    timer.join()


def test_it_runs_for_a_while_also_where_nobody_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "SETTLED_SECONDS", 0.3)
    told, began = threading.Event(), time.monotonic()
    told.set()
    watch(Runs(), told)
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(("looks", "code"), [(0, 0), (3, 7)])
def test_it_fails_when_it_ends_by_itself_whatever_it_says(looks: int, code: int) -> None:
    with pytest.raises(CheckFailure, match=f"it ended by itself after [01] s with exit code {code}") as caught:
        watch(Lasts(looks, code), threading.Event())
    assert caught.value.log == "the role's log"


def test_what_had_ended_when_it_was_told_has_ended_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "SETTLED_SECONDS", 0.0)
    told = threading.Event()
    told.set()
    with pytest.raises(CheckFailure, match="exit code 1"):
        watch(Lasts(0, 1), told)


def test_the_watch_ends_with_the_verification() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(NotRun):
        watch(Runs(), threading.Event(), cancelled)
