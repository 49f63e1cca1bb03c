"""Several processes that share a list of work. Runs inside the build; standard library only."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_Job = TypeVar("_Job")
_NUMBER = 4
"""Bytes of a job's number in the pipe that hands them out."""


def run_jobs(
    work: Callable[[_Job], None],
    jobs: Sequence[_Job],
    say: Callable[[int], None] = lambda _begun: None,
    end: Callable[[], None] = lambda: None,
) -> None:
    """Each job once, by as many forks as there are processors; ``say`` is told, in a fork, how many have been begun.

    ``end`` is called in each fork when no job is left. Raises SystemExit once all have ended, where one failed: its
    error stands in the output.
    """
    sys.stdout.flush()  # a fork would have a copy of what waits, and write it too
    numbers, feed = os.pipe()

    def take_jobs() -> None:
        while number := os.read(numbers, _NUMBER):
            place = int.from_bytes(number, "big")
            work(jobs[place])
            say(place + 1)
        end()

    forks = [_fork(take_jobs, feed) for _ in range(min(len(os.sched_getaffinity(0)), len(jobs)))]
    os.close(numbers)
    try:
        for number in range(len(jobs)):
            os.write(feed, number.to_bytes(_NUMBER, "big"))
    except BrokenPipeError:  # no fork is left
        pass
    os.close(feed)
    codes = [os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]) for fork in forks]
    if failed := [code for code in codes if code]:
        raise SystemExit(f"a worker failed with exit code {failed[0]}: its error stands above")


def report_compiled() -> None:
    """Name the standard library's modules that had no bytecode: what this process compiled, all others do too."""
    found = []
    for name, module in [*sys.modules.items()]:
        cached = getattr(module, "__cached__", None)
        is_standard = name.partition(".")[0] in sys.stdlib_module_names
        if is_standard and cached is not None and not os.path.exists(cached):
            found.append(name)
    if found:
        say_line(f"optbuild-compiled {' '.join(found)}")


def say_line(text: str) -> None:
    """Of a fork: in one write, so that no line of another stands within it."""
    os.write(1, f"{text}\n".encode())


def _fork(run: Callable[[], None], feed: int) -> int:
    process = os.fork()
    if process == 0:
        os.close(feed)
        _run_and_exit(run)
    return process


def _run_and_exit(run: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        gc.disable()  # what is made is dropped with its job; a search for cycles in it takes a tenth of the time
        run()
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, it must not return into the caller
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
