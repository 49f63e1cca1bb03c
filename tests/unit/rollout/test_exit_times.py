"""An engine that forgets: who asks only at the end does not hear when a container ended."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import EngineFailedError
from builder.rollout.exit_times import record_exit_times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Clock:
    def now(self) -> float:
        return 100.0

    def sleep(self, seconds: float) -> None: ...


class Forgetful:
    """Remembers a death for one question only."""

    def __init__(self, *answers: Callable[[], Mapping[str, float]]) -> None:
        self.answers = list(answers)
        self.asked = threading.Event()

    def find_exit_times(self, project: str, since: float, until: float) -> Mapping[str, float]:
        assert (project, since, until) == ("demo", 100.0, 100.0)
        answer = self.answers.pop(0) if self.answers else dict
        if not self.answers:
            self.asked.set()
        return answer()


def fails() -> Mapping[str, float]:
    raise EngineFailedError("busy")


def noted(engine: Any) -> dict[str, float]:
    with record_exit_times(engine, "demo", Clock(), turn_seconds=0.001) as found:
        assert engine.asked.wait(10)
    return dict(found)


def test_a_death_that_the_engine_forgets_meanwhile_is_known() -> None:
    assert noted(Forgetful(lambda: {"old": 101.0})) == {"old": 101.0}


def test_a_question_that_fails_is_asked_again() -> None:
    assert noted(Forgetful(fails, lambda: {"old": 101.0})) == {"old": 101.0}


def test_a_short_block_is_asked_about_once() -> None:
    engine: Any = Forgetful(lambda: {"old": 101.0})
    with record_exit_times(engine, "demo", Clock(), turn_seconds=60) as found:
        pass
    assert found == {"old": 101.0}


def test_what_cannot_be_asked_at_the_end_is_not_known() -> None:
    """The services are up then: a figure is no reason to undo that."""
    engine: Any = Forgetful(lambda: {"old": 101.0}, fails)
    with record_exit_times(engine, "demo", Clock(), turn_seconds=60) as found:
        pass
    assert found == {"old": 101.0}
    with record_exit_times(engine, "demo", Clock(), turn_seconds=60) as found:
        pass
    assert found == {}


def test_what_failed_inside_stays_what_it_was() -> None:
    engine: Any = Forgetful(fails)
    with pytest.raises(ZeroDivisionError), record_exit_times(engine, "demo", Clock(), turn_seconds=60):
        raise ZeroDivisionError
