"""CPU seconds of an engine, its containers and its clients together: from a control group that holds them all.

Version 1 (the ``cpuacct`` hierarchy) and version 2 are read. Processes stand in one part of the group and containers in
another, because version 2 allows no processes beside groups. As root only.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROCESSES, CONTAINERS = "processes", "containers"
EMPTY_SECONDS = 20
"""How long the processes of an ended engine may take to leave the group."""


@dataclass(frozen=True)
class Cost:
    """What one call took: CPU seconds of all processes in the group, and wall seconds."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class ControlGroup:
    """``folder`` is the group's own, in the hierarchy that counts CPU time."""

    folder: Path

    @property
    def containers(self) -> str:
        """For dockerd's ``--cgroup-parent``, with the driver ``cgroupfs``."""
        return f"/{self.folder.name}/{CONTAINERS}"

    def read_cpu_seconds(self) -> float:
        usage = self.folder / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text()) / 1e9
        return parse_cpu_stat((self.folder / "cpu.stat").read_text())

    def measure(self, call: Callable[[], object]) -> Cost:
        started, before = time.monotonic(), self.read_cpu_seconds()
        call()
        return Cost(round(self.read_cpu_seconds() - before, 2), round(time.monotonic() - started, 2))


def parse_cpu_stat(text: str) -> float:
    """CPU seconds of a version 2 group: the line ``usage_usec N`` of its cpu.stat."""
    fields = dict(line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return int(fields["usage_usec"]) / 1e6


def find_hierarchy(mounts: str) -> Path:
    """Where groups that count CPU time are made, by the text of /proc/mounts. Raises LookupError."""
    rows = [line.split() for line in mounts.splitlines()]
    for _, point, kind, options, *_ in rows:
        if kind == "cgroup" and "cpuacct" in options.split(","):
            return Path(point)
    for _, point, kind, *_ in rows:
        if kind == "cgroup2":
            return Path(point)
    raise LookupError("no cgroup hierarchy that counts CPU time is mounted: mount cgroup2 on /sys/fs/cgroup")


@contextlib.contextmanager
def enter_control_group() -> Iterator[ControlGroup]:
    """A new group with this process in it: what it starts is counted too. It is left and removed at the end."""
    hierarchy = find_hierarchy(Path("/proc/mounts").read_text())
    remove_dead_groups(hierarchy)
    folder = hierarchy / f"optbuild-bench-{os.getpid()}"
    processes = folder / PROCESSES
    processes.mkdir(parents=True)
    home = _find_own_group(hierarchy)
    try:
        (processes / "cgroup.procs").write_text(str(os.getpid()))
        yield ControlGroup(folder)
    finally:
        (home / "cgroup.procs").write_text(str(os.getpid()))
        _remove(folder)


def remove_dead_groups(hierarchy: Path) -> None:
    """Groups of killed runs."""
    for folder in hierarchy.glob("optbuild-bench-*"):
        if not Path("/proc", folder.name.rpartition("-")[2]).exists():
            _remove(folder)


def _find_own_group(hierarchy: Path) -> Path:
    """The group of this process in the hierarchy mounted there."""
    version2 = (hierarchy / "cgroup.controllers").exists()
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if (version2 and number == "0") or (not version2 and "cpuacct" in controllers.split(",")):
            return hierarchy / path.lstrip("/")
    return hierarchy


def _remove(folder: Path) -> None:
    """A group goes by rmdir, the innermost first, when its last process has ended."""
    end = time.monotonic() + EMPTY_SECONDS
    while folder.exists() and time.monotonic() < end:
        for inner, _, _ in os.walk(folder, topdown=False):
            with contextlib.suppress(OSError):  # a process still ends
                Path(inner).rmdir()
        time.sleep(0.2 if folder.exists() else 0)
