"""Putting a lock together: what is preferred, what is said, and the Debian half alone."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import threading
from typing import TYPE_CHECKING, Any

import pytest
from runtime_factory import make_runtime

from builder.airflow.releases import find_release
from builder.core.errors import LockError, UnsatisfiableError, Where
from builder.image.lock import make
from builder.image.lock.constraints import ConstraintsFile
from builder.image.lock.foundation import ReadFoundation
from builder.image.lock.make import (
    _find_constraints,
    _locate_conflicts,
    _read_meanwhile,
    refresh_debian,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.core.process import Command
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

SAME = ConstraintsFile("2.8.1/3.11", "ab" * 32, {"pandas": "2.1.4"})
"""The constraints that the lock of the tests was made with."""
SHA = "ef" * 32
PANDAS = hashlib.sha256(b"pandas==2.1.4\n").hexdigest()


def test_contradicting_requirements_are_placed() -> None:
    places = {"pandas==2.0.3": Where("optbuild.toml", 7, "python.requirements[0]")}
    message = r"optbuild.toml:7: python.requirements\[0\]: pandas==2.0.3"
    with pytest.raises(UnsatisfiableError, match=message), _locate_conflicts(places):
        raise UnsatisfiableError("because", ("pandas==2.0.3", "numpy==1"))


UNMET = "we can conclude that your requirements are unsatisfiable."
NO_PYTHON = "Because the requested Python version (>=3.11) does not satisfy Python>=3.12 and scipy==1.18.0 depends on"
NOT_FOUND = "Because git was not found in the package\nregistry and"
NO_VERSION = "Because there is no version of"
REASONS = {
    "a name": (
        f"{NOT_FOUND} you require git, {UNMET}",
        "the package index does not have git",
        "correct the name, or let",
    ),
    "a name that something needs": (
        f"{NOT_FOUND} a==1 depends on git, we can conclude b.\nAnd because you require a, {UNMET}",
        "the package index does not have git",
        "correct the name, or let",
    ),
    "a name among other causes": (
        f"{NOT_FOUND} a depends on git or b, c.\nAnd because b==2 depends on d and you require a and b, {UNMET}",
        "no set of versions meets all requirements",
        "correct the name, or let",
    ),
    "another system": (
        f"Because pywin32==306 has no wheels with a matching platform tag (e.g., `x`) and you require it, {UNMET}",
        "pywin32==306 has no file for the platform of the image",
        "a package of another system",
    ),
    "a local version": (
        f"{NO_VERSION} torch==2.2.0+cpu and you require torch==2.2.0+cpu, {UNMET}",
        "the package index does not have torch==2.2.0+cpu",
        "`+cpu` marks a build that its publisher has on an index of its own: let UV_INDEX name that one, or ask",
    ),
    "a version": (
        f"{NO_VERSION} pandas==99.0 and you require pandas==99.0, {UNMET}",
        "the package index does not have pandas==99.0",
        "ask for a version that it has",
    ),
    "another Python": (
        f"{NO_PYTHON} Python>=3.12, it cannot be used.\nAnd because you require scipy==1.18.0, {UNMET}",
        "scipy==1.18.0 does not run with the Python of the image",
        "ask for a version that does",
    ),
    "no wheel for this Python": (
        f"Because tensorflow==2.10.0 has no wheels with a matching Python ABI tag and you require it, {UNMET}",
        "tensorflow==2.10.0 has no file for the Python of the image",
        "ask for a version that has one",
    ),
    "two pins": (
        f"Because pandas==2.0.3 depends on numpy>=1.20.3 and you require numpy==1.19.0, {UNMET}",
        "no set of versions meets all requirements",
        "loosen or remove one",
    ),
    "two pins, by way of a version that is not there": (
        f"{NO_VERSION} a==2 and b==1 depends on it or a==3, c.\nAnd because you require a==1 and b==1, {UNMET}",
        "no set of versions meets all requirements",
        "loosen or remove one",
    ),
}


@pytest.mark.parametrize("name", REASONS)
def test_title_and_next_step_follow_from_the_reason(name: str) -> None:
    reason, title, hint = REASONS[name]
    error = UnsatisfiableError(reason, ())
    assert error.message.startswith(f"{title}:\n    Because")
    assert (error.hint or "").startswith(hint)


def test_refreshing_debian_asks_for_the_same_and_leaves_python(
    fake_runner: Any, spec: Spec, lock: Lock, tmp_path: Path
) -> None:
    asked: list[str] = []

    def answer(command: Command) -> tuple[int, str, str]:
        assert command.argv[0] in ("apt-get", "apt-cache")
        if "install" not in command.argv:
            return 0, "", ""
        names = [name for name in command.argv[command.argv.index("install") + 1 :] if name != "?essential"]
        asked.extend(names)
        return 0, "".join(f"'u' {name}_9_amd64.deb 7 SHA256:{SHA}\n" for name in names), ""

    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/sources.list").write_text("deb http://mirror.example/debian bookworm main\n")
    runtime = make_runtime(tmp_path, runner=fake_runner(answer))
    release = find_release("2.8.1")
    new = refresh_debian(runtime, spec, lock, release, etc_apt=tmp_path / "etc")
    assert (new.python, new.inputs, new.shared_libraries) == (lock.python, lock.inputs, lock.shared_libraries)
    assert {"libgomp1", "zlib1g", "gosu", "curl", "usr-is-merged"} <= {one.name for one in new.runtime}
    assert "binutils" in {one.name for one in new.build}
    assert {one.version for one in new.runtime} == {"9"}
    assert "binutils" in asked


def test_refreshing_debian_on_a_foundation_needs_the_image_that_the_lock_stands_on(
    fake_runner: Any, spec: Spec, founded: Lock, foundation: Foundation, tmp_path: Path
) -> None:
    asked: list[tuple[str, ...]] = []

    def answer(command: Command) -> tuple[int, str, str]:
        if "install" in command.argv:
            asked.append(command.argv[command.argv.index("install") + 1 :])
        return 0, "", ""

    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/sources.list").write_text("deb http://mirror.example/debian bookworm main\n")
    runtime, release = make_runtime(tmp_path, runner=fake_runner(answer)), find_release("2.8.1")
    other = ReadFoundation(dataclasses.replace(foundation, digest=f"sha256:{SHA}"), "")
    for wrong in (None, other):
        with pytest.raises(LockError, match="stands on another image"):
            refresh_debian(runtime, spec, founded, release, etc_apt=tmp_path / "etc", foundation=wrong)
    assert asked == []
    read = ReadFoundation(foundation, "Package: curl\n")
    new = refresh_debian(runtime, spec, founded, release, etc_apt=tmp_path / "etc", foundation=read)
    assert (new.runtime, new.build, new.python) == ((), (), founded.python)
    assert all("?essential" not in names and "python3" not in names and "curl" in names for names in asked)


class TaskLog:
    """The labels of all tasks and all notes, in order."""

    def __init__(self, begun: threading.Event | None = None) -> None:
        self.said: list[str] = []
        self.begun = begun or threading.Event()

    def note(self, text: str) -> None:
        self.said.append(text)

    @contextlib.contextmanager
    def task(self, label: str) -> Iterator[Any]:
        self.said.append(label)
        self.begun.set()
        yield None


@pytest.mark.parametrize("slow", [True, False])
def test_a_failure_that_waits_for_the_mirror_says_so(slow: bool) -> None:
    waiting = threading.Event()
    progress = TaskLog(waiting)

    def read() -> Any:
        assert not slow or waiting.wait(60)

    def fail() -> None:
        with _read_meanwhile(progress, read) as lists:
            if not slow:
                lists.result()
            raise LockError("it contradicts itself")

    with pytest.raises(LockError):
        fail()
    assert progress.said == (["finish reading the package lists"] if slow else [])


def test_fetching_the_constraints_is_shown(spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = TaskLog()
    monkeypatch.setattr(make, "fetch_bytes", lambda _url: b"pandas==2.1.4\n")
    runtime = make_runtime(tmp_path, progress=progress)
    assert [_find_constraints(runtime, spec, None) for _ in range(2)] == [
        ConstraintsFile("2.8.1/3.11", PANDAS, {"pandas": "2.1.4"})
    ] * 2
    assert progress.said == ["fetch the constraints"]  # once: then it is in the cache


def test_constraints_of_another_airflow_are_warned_of(spec: Spec, tmp_path: Path) -> None:
    progress = TaskLog()
    (tmp_path / "c.txt").write_text("# https://x.example/constraints-2.10.3/constraints-3.11.txt\npandas==2.1.4\n")
    _find_constraints(make_runtime(tmp_path, progress=progress), spec, tmp_path / "c.txt")
    (warning,) = progress.said
    assert warning.startswith("warning: these constraints were published for Airflow 2.10.3")
