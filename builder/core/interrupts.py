"""Signals that tell this process to end: how many came, and whether work that puts things back may go on all the same.

Global because signals are. A handler notes them here; who starts processes asks here.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import InterruptedByUserError

if TYPE_CHECKING:
    from collections.abc import Iterator


class TerminatedError(KeyboardInterrupt):
    """SIGTERM, or SIGHUP of a closed terminal. Like Ctrl-C not an ``Exception``: no broad ``except`` catches it."""


@dataclass
class _Interrupts:
    """``answered``: so many of them led to the work that goes on now."""

    noted: int = 0
    answered: int = 0
    number: int = signal.SIGINT
    """The last one."""
    holding: bool = False
    """The main thread must not be left where it is."""


_state = _Interrupts()


def note_interrupt(number: int) -> None:
    """A signal to end came."""
    _state.number = number
    _state.noted += 1


def forget_interrupts() -> None:
    """The command line that they ended is over."""
    _state.noted = _state.answered = 0


def count_interrupts() -> int:
    return _state.noted


def is_ending() -> bool:
    """Whether nothing new may be begun."""
    return _state.noted > _state.answered


@contextlib.contextmanager
def allow_restoring() -> Iterator[None]:
    """Within the block the signals that came so far do not count: what was changed is put back. One more does."""
    before, _state.answered = _state.answered, _state.noted
    try:
        yield
    finally:
        _state.answered = before


def raise_here() -> None:
    """For signal handlers: raises KeyboardInterrupt or TerminatedError, or leaves that to the end of
    :func:`hold_interrupts`."""
    if not _state.holding:
        raise _make_interrupt()


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """No signal leaves the block half way: a process that was started and not yet written down would never be ended.

    Raises what a signal would have raised, at the end; on other threads InterruptedByUserError.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        check_interrupts()
        return
    before, _state.holding = _state.noted, True
    try:
        yield
    finally:
        _state.holding = False
        if _state.noted > before:
            raise _make_interrupt()


def check_interrupts() -> None:
    """Raises InterruptedByUserError where nothing new may be begun."""
    if is_ending():
        raise InterruptedByUserError("interrupted")


def _make_interrupt() -> KeyboardInterrupt:
    return KeyboardInterrupt() if _state.number == signal.SIGINT else TerminatedError()
