"""Signals that were noted: what may go on, and where they are raised."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import InterruptedByUserError
from builder.core.interrupts import (
    TerminatedError,
    allow_restoring,
    check_interrupts,
    forget_interrupts,
    hold_interrupts,
    is_ending,
    note_interrupt,
    raise_here,
)
from builder.core.process import Command, LocalRunner

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    yield
    forget_interrupts()


def test_after_a_signal_no_process_is_started() -> None:
    check_interrupts()
    note_interrupt(signal.SIGINT)
    assert is_ending()
    with pytest.raises(InterruptedByUserError):
        LocalRunner().run(Command(("sh",), timeout=1))


def test_what_puts_things_back_may_go_on_until_one_more_comes() -> None:
    note_interrupt(signal.SIGINT)
    with allow_restoring():
        check_interrupts()
        note_interrupt(signal.SIGINT)
        assert is_ending()
    assert is_ending()


def test_after_putting_things_back_nothing_new_begins() -> None:
    note_interrupt(signal.SIGINT)
    with allow_restoring():
        assert not is_ending()
    assert is_ending()


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, TerminatedError)], ids=["INT", "TERM"]
)
def test_a_signal_waits_for_the_end_of_what_must_not_be_left_half_way(
    number: signal.Signals, kind: type[KeyboardInterrupt]
) -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt) as caught, hold_interrupts():  # noqa: PT012 - both must be open
        note_interrupt(number)
        raise_here()
        reached.append(number)
    assert reached == [number]
    assert caught.type is kind
    with pytest.raises(kind):
        raise_here()


def test_another_thread_hears_of_it_as_an_error() -> None:
    found: list[BaseException] = []

    def work() -> None:
        try:
            with hold_interrupts():
                note_interrupt(signal.SIGINT)
        except InterruptedByUserError as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [str(error) for error in found] == ["interrupted"]
