"""`make unit` has a process for each core: one collects all tests and forks, then each takes one file after another.

pytest-xdist gives out single tests: each of its processes collects all of them, and telling the others of each setup,
call and teardown took 2 ms of CPU for each of 11,000 tests. A fixed share of the files for each process left one core
idle for a fifth of the time, because nothing tells beforehand how long a file takes.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import pytest

COUNT_VARIABLE = "OPTBUILD_TEST_PROCESSES"
"""How many processes; not set: one."""
ASKS_SOURCES = b"from source_trees import"
"""In tests about the project's own files, which take seconds to parse: once, as they are all in one process."""
_NUMBER = 4
"""Bytes of a group's number in the pipe that hands them out."""


@dataclass
class Child:
    """A fork, what it has printed, and in the end its exit code."""

    process: int
    printed: IO[str]
    code: int = 0

    def read(self) -> str:
        self.printed.seek(0)
        return self.printed.read()


@dataclass
class Forks:
    """The other processes of this one, which all return from :meth:`run` as if each were alone."""

    count: int
    children: list[Child] = field(default_factory=list)

    def run(self, session: pytest.Session) -> bool | None:
        """Of the session's tests, those that this process gets. None: leave it to pytest."""
        if self.count < 2 or session.testsfailed or session.config.option.collectonly:
            return None
        groups = group_by_file(session.items)
        numbers, feed = os.pipe()
        os.write(feed, b"".join(number.to_bytes(_NUMBER, "big") for number in range(len(groups))))
        for _ in range(self.count - 1):
            if self._fork(session):
                break
        os.close(feed)
        run_items(session, chain.from_iterable(groups[number] for number in iterate_numbers(numbers)))
        session.testsfailed += sum(1 for child in self.children if self._wait(child))
        return True

    def show(self, reporter: pytest.TerminalReporter) -> None:
        """What the other processes printed; of one in which all passed, the last line."""
        for child in self.children:
            text = child.read()
            reporter.write(text if child.code else text[text.rstrip("\n").rfind("\n") + 1 :])
            if child.code:
                reporter.write_line(f"the process that printed this ended with {child.code}")

    def _fork(self, session: pytest.Session) -> bool:
        """Whether this is the child: it has no children, and prints into a file."""
        # By lines: what is alive when garbage collection is frozen is never closed, and its buffer never written.
        printed = tempfile.TemporaryFile("w+", encoding="utf-8", buffering=1)  # noqa: SIM115 - open until both have ended
        process = os.fork()
        if process:
            self.children.append(Child(process, printed))
            return False
        self.children.clear()
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        assert reporter is not None
        reporter._tw._file = printed  # pytest has no other way to say where it prints
        return True

    @staticmethod
    def _wait(child: Child) -> int:
        child.code = os.waitstatus_to_exitcode(os.waitpid(child.process, 0)[1])
        return child.code


def group_by_file(items: Sequence[pytest.Item]) -> list[list[pytest.Item]]:
    """The tests of each file, the largest first; before them as one group, the longest of all, those about sources."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    ordered = sorted(files, key=lambda file: (-file.stat().st_size, file))
    about_sources = [file for file in ordered if ASKS_SOURCES in file.read_bytes()]
    first = [item for file in about_sources for item in files[file]]
    return [*([first] if first else ()), *(files[file] for file in ordered if file not in about_sources)]


def iterate_numbers(numbers: int) -> Iterator[int]:
    """Those that no other process has taken from the pipe."""
    while number := os.read(numbers, _NUMBER):
        yield int.from_bytes(number, "big")


def run_items(session: pytest.Session, items: Iterable[pytest.Item]) -> None:
    """As pytest's own loop does; the next test is asked for before one is run, so that fixtures of a file live on."""
    waiting = iter(items)
    item = next(waiting, None)
    while item is not None:
        following = next(waiting, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following


def read_count(value: str | None) -> int:
    """Of processes. Raises ValueError."""
    with contextlib.suppress(ValueError):
        if value is None or int(value) > 0:
            return int(value or 1)
    raise ValueError(f"{COUNT_VARIABLE}={value}: write how many processes there shall be, like 2")
