"""SIGTERM and what may be said to it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from builder.image.verify import shutdown as stopping
from builder.image.verify.scheduler import CheckFailure, NotRun


class Fake:
    """A container: its exit codes one after the other (None: it runs), and whether SIGTERM still reaches it."""

    def __init__(self, *codes: int | None, log: str = "", reached: bool = True) -> None:
        self._codes, self._log, self._reached = list(codes), log, reached
        self.terminated = 0
        self.ages: tuple[tuple[int, str], ...] = ((60, "gunicorn: master"), (60, "gunicorn: worker"))

    def find_exit_code(self) -> int | None:
        return self._codes.pop(0) if len(self._codes) > 1 else self._codes[0]

    def terminate(self) -> bool:
        self.terminated += 1
        return self._reached

    def read_logs(self) -> str:
        return self._log

    def list_processes(self) -> str:
        return "1 sleep"

    def list_process_ages(self) -> tuple[tuple[int, str], ...]:
        return self.ages


def stopped(preparing: tuple[str, ...] = (), seconds: float = 0.3, **boxes: Any) -> str:
    return stopping.stop_roles(boxes, seconds, threading.Event(), preparing=preparing).message


@pytest.mark.parametrize("code", [0, 143])
def test_documented_exit_codes_are_clean(code: int) -> None:
    assert stopped(webserver=Fake(None, code)).startswith(f"webserver {code} in 0.")


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ((None,), "scheduler still runs 0 s after SIGTERM"),
        ((None, 1), "scheduler ended with exit code 1"),
        ((None, 137), "scheduler ended with exit code 137"),
    ],
)
def test_a_role_that_does_not_stop_is_named_with_its_log(codes: tuple[int | None, ...], words: str) -> None:
    with pytest.raises(CheckFailure, match=words) as caught:
        stopped(webserver=Fake(None, 0, log="w"), scheduler=Fake(*codes, log="s"))
    assert caught.value.log == "s\n1 sleep"


@pytest.mark.parametrize(("age", "is_waited_for"), [(1, True), (60, False)])
def test_gunicorn_gets_its_time_for_a_worker_that_began_with_the_signal(age: int, is_waited_for: bool) -> None:
    """Such a worker loses SIGTERM in every image; one that is older means that nobody passed it on."""
    scheduler = Fake(*[None] * 6, 0)
    scheduler.ages = ((60, "gunicorn: master"), (age, "[ready] gunicorn: worker"))
    boxes: Any = {"scheduler": scheduler, "webserver": Fake(None, 0)}
    if is_waited_for:
        outcome = stopping.stop_roles(boxes, 0.3, threading.Event())
        assert outcome.message.startswith("webserver 0 in 0.")
        assert "scheduler 0 in " in outcome.message
        (warning,) = outcome.warnings
        assert "scheduler ended only" in warning
    else:
        with pytest.raises(CheckFailure, match="scheduler still runs 0 s after SIGTERM"):
            stopping.stop_roles(boxes, 0.3, threading.Event())


@pytest.mark.parametrize("code", [0, 1, 143])
def test_a_role_that_had_ended_before_was_not_stopped(code: int) -> None:
    webserver, scheduler = Fake(code, log="it died"), Fake(None, 0)
    with pytest.raises(CheckFailure, match=f"webserver had ended by itself with exit code {code} before SIGTERM") as at:
        stopped(webserver=webserver, scheduler=scheduler)
    assert at.value.log == "it died"
    assert webserver.terminated == scheduler.terminated == 0


def test_a_role_that_ends_in_the_moment_before_the_signal_is_named_too() -> None:
    with pytest.raises(CheckFailure, match="webserver had ended by itself with exit code 0"):
        stopped(webserver=Fake(None, 0, reached=False))


def test_a_role_that_still_prepares_must_end_by_the_signal() -> None:
    """It would end with 0 by itself: that it ignored the signal must not look like success."""
    assert stopped(preparing=("init",), init=Fake(None, 143)).startswith("init 143")
    with pytest.raises(CheckFailure, match="init ended with exit code 0, not 143"):
        stopped(preparing=("init",), init=Fake(None, 0))


def test_no_role_to_stop_is_not_a_pass() -> None:
    with pytest.raises(NotRun):
        stopped()


class Starting(Fake):
    """A container whose log says more each time that it is read."""

    def __init__(self, *logs: str) -> None:
        super().__init__(None)
        self._logs, self.reads = list(logs), 0

    def read_logs(self) -> str:
        self.reads += 1
        return self._logs.pop(0) if len(self._logs) > 1 else self._logs[0]


class Patience(threading.Event):
    """Never set; whoever waits on it waits no time, and more than a few rounds are an error."""

    def wait(self, timeout: float | None = None) -> bool:
        assert self.rounds < 20, "it waits although the log shows that the container waits"
        self.rounds += 1
        return False

    rounds = 0


WAITING = "entrypoint: waiting for the database at 127.0.0.1:1, try 1 of 600: refused"


def test_the_signal_is_sent_once_the_log_shows_that_it_waits() -> None:
    box: Any = Starting("", "entrypoint: user airflow", f"entrypoint: user airflow\n{WAITING}")
    patience = Patience()
    stopping.wait_until_waiting("init", box, patience, 60.0)
    assert (box.reads, patience.rounds) == (3, 2)


def test_an_entrypoint_that_waits_without_a_word_is_believed_after_a_while() -> None:
    box: Any = Starting("entrypoint: user airflow")
    stopping.wait_until_waiting("init", box, threading.Event(), 0.0)
    assert box.reads


def test_a_role_that_does_not_wait_for_its_database_is_named() -> None:
    box: Any = Fake(1, log="could not connect")
    with pytest.raises(CheckFailure, match="init ended with exit code 1 instead of waiting") as caught:
        stopping.wait_until_waiting("init", box, threading.Event(), 1.0)
    assert caught.value.log == "could not connect"


def test_nobody_listens_where_it_waits_and_it_waits_long() -> None:
    made = stopping.make_waiting_environment()
    assert made["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].endswith("@127.0.0.1:1/airflow")
    assert int(made["CONNECTION_CHECK_MAX_COUNT"]) * int(made["CONNECTION_CHECK_SLEEP_TIME"]) > 300
