"""A process and all that it started, also what left its group or lost its parent meanwhile: to end them together."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LATELY_SECONDS = 0.1


@dataclass(frozen=True)
class _Process:
    """A line of ``/proc/PID/stat``, see proc(5). ``started``: ticks since boot, which tell apart who had one number."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    ended: bool
    """A zombie: nobody may ever wait for an orphan in a container."""


def list_processes(proc: Path = PROC) -> tuple[_Process, ...]:
    """All that this machine shows; none where there is no such file system."""
    return tuple(found for entry in proc.glob("[0-9]*/stat") if (found := _read_process(entry)) is not None)


_latest: dict[Path, tuple[float, tuple[_Process, ...]]] = {}
"""The last look: many threads may wait for their children to end at the same time."""


def list_processes_lately(proc: Path = PROC) -> tuple[_Process, ...]:
    """As they were within the last :data:`LATELY_SECONDS`."""
    at, found = _latest.get(proc, (0.0, ()))
    if time.monotonic() - at > LATELY_SECONDS:
        found = list_processes(proc)
        _latest[proc] = time.monotonic(), found
    return found


def _read_process(stat: Path) -> _Process | None:
    try:
        state, *fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        parent, group, session = (int(text) for text in fields[:3])
        return _Process(int(stat.parent.name), parent, group, session, int(fields[18]), state in "ZX")
    except (OSError, ValueError, IndexError):  # it ended meanwhile
        return None


class ProcessTree:
    """Of a child that leads a group and a session of its own. Whoever was seen in it once stays in it.

    ``mark``: what all of them have in their environment, and nobody else (``NAME=value``).
    """

    def __init__(self, pid: int, mark: bytes = b"", proc: Path = PROC) -> None:
        self._pid = pid
        self._mark = mark
        self._proc = proc
        own = _read_process(proc / str(pid) / "stat")
        self._seen: dict[int, int] = {} if own is None else {pid: own.started}
        """PID → when it was started."""

    def send(self, number: int) -> None:
        """The signal, to all that run now."""
        members = self._find_members(list_processes(self._proc), self._find_marked())
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, number)
        for member in members:
            if member.group != self._pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(member.pid, number)

    def is_running(self) -> bool:
        """Whether any of them still runs."""
        try:
            os.killpg(self._pid, 0)
        except (ProcessLookupError, PermissionError):
            pass
        else:
            if not (self._proc / "self").exists():  # no Linux: what the kernel said is all there is
                return True
        return bool(self._find_members(list_processes_lately(self._proc), set()))

    def _find_marked(self) -> set[int]:
        return {int(entry.parent.name) for entry in self._proc.glob("[0-9]*/environ") if self._has_mark(entry)}

    def _has_mark(self, environ: Path) -> bool:
        try:
            return bool(self._mark) and self._mark in environ.read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile, or is somebody else's
            return False

    def _find_members(self, listed: tuple[_Process, ...], marked: set[int]) -> list[_Process]:
        """Those that run, found by group, session, parent and mark, or because they were seen before."""
        processes = {one.pid: one for one in listed if one.pid != os.getpid()}
        known = {pid for pid, started in self._seen.items() if pid in processes and processes[pid].started == started}
        found, groups = known | (marked & processes.keys()), {self._pid}
        while True:
            more = {one.pid for one in processes.values() if one.parent in found or one.session in groups}
            more |= {one.pid for one in processes.values() if one.group in groups}
            if more <= found:
                break
            found |= more
            groups |= {processes[pid].session for pid in more} | {processes[pid].group for pid in more}
        members = [processes[pid] for pid in found if pid in processes]
        self._seen.update({one.pid: one.started for one in members})
        return [one for one in members if not one.ended]


def is_group_running(group: int, proc: Path = PROC) -> bool:
    """Whether a process of the group runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if not (proc / "self").exists():  # no Linux: what the kernel said is all there is
        return True
    return any(one.group == group and not one.ended for one in list_processes(proc))
