"""Who belongs to a child, in a made-up /proc. Real processes: tests/integration/test_process.py, test_signals.py."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from builder.core import process_tree
from builder.core.process_tree import ProcessTree, is_group_running

if TYPE_CHECKING:
    from pathlib import Path


class Kernel:
    """``put(pid, parent, group, session)``; ``sent``: who got which signal."""

    def __init__(self, proc: Path) -> None:
        self.proc = proc
        self.sent: list[tuple[str, int, int]] = []
        (proc / "self").mkdir()

    def put(self, pid: int, parent: int, group: int, session: int, *, state: str = "S", started: int = 7) -> None:
        (self.proc / str(pid)).mkdir(exist_ok=True)
        zeros = " ".join("0" * 15)
        text = f"{pid} (a ) b) {state} {parent} {group} {session} {zeros} {started} 0\n"
        (self.proc / str(pid) / "stat").write_text(text)

    def remove(self, pid: int) -> None:
        (self.proc / str(pid) / "stat").unlink()

    def killpg(self, group: int, number: int) -> None:
        self.sent.append(("group", group, number))

    def kill(self, pid: int, number: int) -> None:
        self.sent.append(("process", pid, number))


@pytest.fixture(autouse=True)
def _look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_tree, "LATELY_SECONDS", -1.0)


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel(tmp_path)
    monkeypatch.setattr(os, "killpg", made.killpg)
    monkeypatch.setattr(os, "kill", made.kill)
    made.put(1, 0, 1, 1)
    made.put(50, 1, 50, 50)  # ours
    made.put(100, 50, 100, 100)
    return made


def reached(kernel: Kernel, tree: ProcessTree) -> set[int]:
    """Who gets a signal."""
    kernel.sent.clear()
    tree.send(signal.SIGTERM)
    assert kernel.sent[0] == ("group", 100, signal.SIGTERM)
    return {pid for kind, pid, _ in kernel.sent if kind == "process"}


def test_only_the_child_and_all_below_it(kernel: Kernel) -> None:
    kernel.put(101, 100, 100, 100)  # its group gets it
    kernel.put(102, 101, 102, 102)  # a session of its own
    kernel.put(103, 102, 102, 102)
    kernel.put(104, 1, 104, 102)  # its parent is gone, its session is that of 102
    kernel.put(105, 1, 105, 105)  # somebody else
    kernel.put(106, 50, 106, 106)  # another child of ours
    assert reached(kernel, ProcessTree(100, proc=kernel.proc)) == {102, 103, 104}


def test_who_was_seen_once_stays_in_it(kernel: Kernel) -> None:
    kernel.put(102, 100, 102, 102)
    tree = ProcessTree(100, proc=kernel.proc)
    assert reached(kernel, tree) == {102}
    kernel.remove(100)
    kernel.put(102, 1, 102, 102)
    kernel.put(103, 102, 103, 103)  # a late one
    assert reached(kernel, tree) == {102, 103}
    assert tree.is_running()


def test_a_service_without_parent_group_and_session_is_found_by_its_mark(kernel: Kernel) -> None:
    for pid, environ in ((107, b"A=b\0OPTBUILD_CHILD=1.2\0"), (108, b"OPTBUILD_CHILD=1.23\0"), (109, b"")):
        kernel.put(pid, 1, pid, pid)
        (kernel.proc / str(pid) / "environ").write_bytes(environ)
    assert reached(kernel, ProcessTree(100, b"OPTBUILD_CHILD=1.2", kernel.proc)) == {107}
    assert reached(kernel, ProcessTree(100, proc=kernel.proc)) == set()


def test_a_number_that_somebody_else_has_now_is_left_alone(kernel: Kernel) -> None:
    kernel.put(102, 100, 102, 102)
    tree = ProcessTree(100, proc=kernel.proc)
    assert reached(kernel, tree) == {102}
    kernel.put(102, 1, 102, 102, started=8)
    assert reached(kernel, tree) == set()


def test_a_zombie_does_not_run(kernel: Kernel) -> None:
    tree = ProcessTree(100, proc=kernel.proc)
    assert tree.is_running()
    assert is_group_running(100, kernel.proc)
    kernel.put(100, 50, 100, 100, state="Z")
    assert not tree.is_running()
    assert not is_group_running(100, kernel.proc)
