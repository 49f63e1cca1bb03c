"""The broker beside the roles, the worker's ping, and a DAG that must have run where the worker is."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from builder.airflow.model import PingHealth, Role
from builder.airflow.releases import find_release
from builder.image.spec.roles import choose_broker_image
from builder.image.verify import broker, roles
from builder.image.verify.observer import Observer
from builder.image.verify.scheduler import CheckFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKER = Role("worker", ("celery", "worker"), PingHealth())
NOW = threading.Event()


class Box:
    """A container whose commands are answered one after the other; the last answer again and again."""

    def __init__(self, *answers: tuple[int, str], ended: int | None = None) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._answers, self._ended = list(answers), ended

    def execute(self, *words: str) -> tuple[int, str]:
        self.asked.append(words)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def find_exit_code(self) -> int | None:
        return self._ended

    def read_logs(self, tail: int = 40) -> str:
        return "the end of its log"


class Yard:
    def __init__(self, box: Box) -> None:
        self.box, self.started = box, ""

    def start(self, _: object, *, image: str) -> Box:
        self.started = image
        return self.box


def ping(box: Any, seconds: float = 0.0) -> str:
    return broker.wait_for_ping(WORKER, "the.app", box, seconds, NOW).message


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "PING_PAUSE_SECONDS", 0.0)


def test_a_worker_is_believed_when_it_answers() -> None:
    box = Box((69, "Error: No nodes replied within time constraint"), (0, "->  celery@worker: OK\n        pong"))
    assert ping(box, 5.0) == "answers Celery's ping"
    assert len(box.asked) == 2
    assert 'celery --app the.app inspect ping --timeout 5 -d "celery@$(hostname)"' in box.asked[0][-1]


def test_one_that_runs_and_does_not_answer_fails_with_the_pings_own_words() -> None:
    with pytest.raises(CheckFailure, match=r"did not answer Celery's ping within 0 s;.*No nodes replied") as caught:
        ping(Box((69, "warning\nError: No nodes replied within time constraint\n")))
    assert caught.value.log == "the end of its log"


def test_one_that_ended_is_not_waited_for() -> None:
    with pytest.raises(CheckFailure, match="worker ended with exit code 1"):
        ping(Box((0, "pong"), ended=1), 30.0)


@pytest.mark.parametrize(
    ("box", "said"),
    [(Box((1, "Could not connect")), "redis:7 did not answer within 0 s"), (Box((0, "")), "did not answer")],
)
def test_a_broker_that_does_not_answer_fails(box: Any, said: str) -> None:
    yard: Any = Yard(box)
    with pytest.raises(CheckFailure, match=said):
        broker.check_broker(yard, "redis:7", "", 0.0, NOW)
    assert yard.started == "redis:7"


def test_a_broker_that_answers_is_told_with_what_is_special_about_it() -> None:
    yard: Any = Yard(Box((0, "PONG\n")))
    assert broker.check_broker(yard, "redis:7", "", 0.0, NOW).message == "redis:7 answers"
    assert broker.check_broker(yard, "optbuild-redis:7", "made here", 0.0, NOW).message == "made here"


def test_only_roles_of_celery_need_one() -> None:
    known = find_release("2.11.2")
    assert choose_broker_image(None, known.roles) is None
    assert choose_broker_image(None, (*known.roles, WORKER)) == "redis:7"
    assert choose_broker_image("valkey/valkey:8", (*known.roles, WORKER)) == "valkey/valkey:8"


class Watcher(Box):
    def __init__(self, detail: str, *, ok: bool = True) -> None:
        super().__init__((0, ""))
        self._line = "optbuild: " + json.dumps({"event": "dag", "ok": ok, "detail": detail})

    def iterate_lines(self) -> Iterator[str]:
        yield self._line
        NOW.wait(5)


def run_dag(detail: str) -> str:
    watcher: Any = Watcher(detail)
    box: Any = Box((0, ""))
    return roles.wait_for_dag(Observer(watcher), box, 5.0, NOW, runner="worker", expected_host="worker-ab").message


def test_the_dag_ran_on_the_worker() -> None:
    said = run_dag("success; import_requirements is success on worker-ab")
    assert said == "its run reached success on worker-ab; the task imported every requirement"


def test_a_dag_that_ran_elsewhere_proves_nothing_of_the_worker() -> None:
    with pytest.raises(CheckFailure, match=r"succeeded, but not on worker-ab: .* on scheduler-ab"):
        run_dag("success; import_requirements is success on scheduler-ab")


def test_a_refused_token_is_named_as_what_it_is() -> None:
    box: Any = Box((0, "httpx.HTTPStatusError: Invalid auth token: Signature verification failed"))
    watcher: Any = Watcher("failed; import_requirements is failed", ok=False)
    with pytest.raises(CheckFailure, match="do not share AIRFLOW__API_AUTH__JWT_SECRET"):
        roles.wait_for_dag(Observer(watcher), box, 5.0, NOW)
    other: Any = Box((0, "ModuleNotFoundError: pandas"))
    with pytest.raises(CheckFailure) as caught:
        roles.wait_for_dag(Observer(watcher), other, 5.0, NOW)
    assert "JWT" not in caught.value.message
