"""What a container of a verification answers when it has ended, and when the engine refuses."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest

from builder.image.verify import containers
from builder.image.verify.containers import wait_until
from builder.image.verify.scheduler import NotRun


class Refusing:
    """The SDK's container whose every call the engine answers with ``status``."""

    def __init__(self, status: int) -> None:
        self._status = status

    def _refuse(self, *_: Any) -> None:
        from docker.errors import APIError  # noqa: PLC0415 - 150 ms for this test only

        response: Any = type("Response", (), {"status_code": self._status, "reason": "", "url": ""})
        raise APIError("refused", response)

    kill = exec_run = top = _refuse


def box_that(status: int) -> containers.RunningContainer:
    wrapped: Any = type("Wrapped", (), {"get_wrapped_container": lambda _: Refusing(status)})()
    return containers.RunningContainer(wrapped, ())


def test_a_container_that_has_ended_takes_no_signal_and_runs_nothing() -> None:
    box = box_that(409)
    assert box.terminate() is False
    assert box.execute("cat", "x") == (containers.NOT_RUNNING, "")
    assert box.list_processes() == ""


def test_another_refusal_of_the_engine_is_raised() -> None:
    from docker.errors import APIError  # noqa: PLC0415 - the SDK

    box = box_that(500)
    for ask in (box.terminate, box.list_processes, partial(box.execute, "x")):
        with pytest.raises(APIError):
            ask()


def test_waiting_ends_with_the_answer_the_time_or_the_cancellation() -> None:
    cancelled = threading.Event()
    assert wait_until(lambda: 0, 1, cancelled) == 0
    assert wait_until(lambda: None, 0, cancelled) is None
    cancelled.set()
    with pytest.raises(NotRun):
        wait_until(lambda: None, 10, cancelled)
