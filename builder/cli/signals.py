"""Ctrl-C, SIGTERM and SIGHUP end optbuild, and all that it started, within ten seconds, whatever it does at the moment.

A handler of Python runs on the main thread, between two steps of the interpreter: not while a library looks up a name
or reads from a dead connection, and what it raises may be dropped where Python imports a module. So a thread watches
too, which the C level of Python tells of each signal at once.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from typing import TYPE_CHECKING

from builder.core.errors import ExitCode
from builder.core.interrupts import count_interrupts, forget_interrupts, is_ending, note_interrupt, raise_here
from builder.core.process import end_children, kill_children, terminate_children

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

STDERR = 2
LAST_SECONDS = 9.0
"""After the signal: whatever goes on then is cut off. Children get their grace before that."""


@contextlib.contextmanager
def end_on_signals() -> Iterator[None]:
    """Within the block such a signal raises KeyboardInterrupt (TerminatedError, which is one, but for Ctrl-C); a second
    one kills the children at once. At the end of the block nothing runs that the signal was to end."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored: nohup, which means to go on
        numbers.append(signal.SIGHUP)
    with _watch_signals(frozenset(numbers)):
        previous = {number: signal.signal(number, _interrupt) for number in numbers}
        try:
            yield
        finally:
            if count_interrupts():
                end_children()
            for number, handler in previous.items():
                signal.signal(number, handler)
            forget_interrupts()


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """Children first: workers wait for them, and the main thread for its workers."""
    again = is_ending()
    note_interrupt(number)
    if again:
        kill_children()
    else:
        terminate_children()
    raise_here()


@contextlib.contextmanager
def _watch_signals(numbers: frozenset[int]) -> Iterator[None]:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # as set_wakeup_fd wants it
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading, numbers), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)  # which ends the thread


def _watch(reading: int, numbers: frozenset[int]) -> None:
    """Until the pipe is closed, or the time after a signal is over."""
    end: float | None = None
    while True:
        ready, _, _ = select.select([reading], [], [], None if end is None else max(0.0, end - time.monotonic()))
        if ready:
            came = os.read(reading, 64)
            if not came:
                os.close(reading)
                return
            if not numbers.isdisjoint(came):
                end = time.monotonic() + LAST_SECONDS if end is None else end
                terminate_children()
        elif count_interrupts() and not is_ending():  # what was changed is being put back
            end = time.monotonic() + LAST_SECONDS
        else:
            _cut_off()


def _cut_off() -> None:
    kill_children()
    with contextlib.suppress(OSError):
        os.write(STDERR, f"optbuild: cut off {LAST_SECONDS:.0f} s after the signal\n".encode())
    os._exit(ExitCode.INTERRUPTED)
