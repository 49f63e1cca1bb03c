"""SIGKILL to the real process at every step of optimize and rollback: the next command finishes or undoes it."""

from __future__ import annotations

import signal
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from tiny_project import new_tiny

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tiny_project import Tiny

EVERY = 24
"""`make test` takes one of so many points, `make soak` all."""


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, postgres_image: str, orphans_removed: object
) -> Iterator[tuple[Tiny, dict[str, Any]]]:
    """A running stack, and what it was."""
    made = new_tiny(tmp_path_factory.mktemp("kill"), f"kill{uuid.uuid4().hex[:8]}", postgres_image)
    try:
        made.compose("up", "--detach", "--wait", "db", "web", "worker")
        yield made, made.snapshot()
    finally:
        made.remove()


def points(tiny: Tiny, log: Path, run: Callable[..., Any]) -> list[str]:
    """The steps of a run that nobody kills."""
    run(KILL_LOG=str(log))
    return log.read_text().splitlines()


def killed(tiny: Tiny, number: int, run: Callable[..., Any]) -> None:
    done = run(ok=False, KILL_AT=str(number))
    assert done.code == -signal.SIGKILL, f"{done.code}\n{done.out}\n{done.err}"


def check(tiny: Tiny, original: dict[str, Any], where: str) -> None:
    """All of the old or all of the new, and nothing left lying about."""
    now = tiny.snapshot()
    assert now["db"] == original["db"], where
    assert tiny.leftovers() == [], where
    assert {name: status for name, (_, status, _) in now["states"].items()} == {
        name: status for name, (_, status, _) in original["states"].items()
    }, where
    if now["files"]["compose.yaml"] == original["files"]["compose.yaml"]:
        assert now == original, where
        return
    shared = now["names"][tiny.shared]
    assert {image for name, (image, _, _) in now["states"].items() if name != "db-1"} == {shared}, where
    assert set(now["names"]) == {*original["names"], tiny.shared}, where
    assert set(now["files"]) == {*original["files"], "compose.yaml.bak"}, where
    tiny.rollback()
    assert tiny.snapshot() == original, where


def kill_at_each(
    stack: tuple[Tiny, dict[str, Any]], log: Path, run: str, next_command: str, chosen: Callable[[int], bool]
) -> tuple[int, int]:
    """How many points there are, and how many were tried."""
    tiny, original = stack
    tiny.optimize()  # a first run writes caches too: it has steps that no later one has
    tiny.rollback()
    command, repair = getattr(tiny, run), getattr(tiny, next_command)
    if run == "rollback":
        tiny.optimize()
    names = points(tiny, log, command)
    if run == "optimize":
        tiny.rollback()
    assert tiny.snapshot() == original
    tried = [number for number in range(1, len(names) + 1) if chosen(number)]
    for number in tried:
        if run == "rollback":
            tiny.optimize()
        killed(tiny, number, command)
        mixed = tiny.file.read_bytes()
        where = f"killed at {number} of {len(names)}: {names[number - 1]}"
        repair()
        check(tiny, original, where)
        assert mixed.startswith(b"# The file of a test: comments stay.\n"), where
        assert mixed.endswith(b"  data:\n"), where
    return len(names), len(tried)


def say(capsys: pytest.CaptureFixture[str], words: str) -> None:
    """The number of points belongs into the run's output."""
    with capsys.disabled():
        sys.stdout.write(f"\n{words}\n")


def some(number: int) -> bool:
    return number % EVERY == EVERY - 1


@pytest.mark.parametrize(("run", "next_command"), [("optimize", "rollback"), ("rollback", "rollback")])
def test_a_kill_at_some_steps(
    stack: tuple[Tiny, dict[str, Any]], tmp_path: Path, run: str, next_command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, tried = kill_at_each(stack, tmp_path / "log", run, next_command, some)
    say(capsys, f"{tried} of {found} kill points of {run}")
    assert found > 40


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)  # 120 points of some 10 s each, and more on a busy machine
@pytest.mark.parametrize(
    ("run", "next_command"), [("optimize", "rollback"), ("optimize", "optimize"), ("rollback", "rollback")]
)
def test_a_kill_at_every_step(
    stack: tuple[Tiny, dict[str, Any]], tmp_path: Path, run: str, next_command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, tried = kill_at_each(stack, tmp_path / "log", run, next_command, lambda _number: True)
    say(capsys, f"all {found} kill points of {run}, each followed by {next_command}")
    assert tried == found
