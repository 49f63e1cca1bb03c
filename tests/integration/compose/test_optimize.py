"""optimize and rollback on a real stack: tiny services, the real engine, the real Compose."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING

import pytest
from tiny_project import DRIVER, SHARERS, new_tiny

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tiny_project import Tiny


@pytest.fixture
def tiny(tmp_path: Path, postgres_image: str, orphans_removed: object) -> Iterator[Tiny]:
    made = new_tiny(tmp_path, f"tiny{uuid.uuid4().hex[:8]}", postgres_image)
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
def stack(tiny: Tiny) -> Tiny:
    """The same, running, as a person starts it."""
    tiny.compose("up", "--detach", "--wait", "db", "web", "worker")
    return tiny


def of_sharers(images: dict[str, str]) -> set[str]:
    return {image for name, image in images.items() if not name.startswith("db")}


def test_optimize_rollback_optimize(stack: Tiny) -> None:
    before = stack.snapshot()
    assert len(of_sharers(stack.images())) == 3
    done = json.loads(stack.optimize("--format", "json").out)
    after = stack.snapshot()
    assert of_sharers(stack.images()) == {done["images"][stack.shared]}
    assert after["db"] == before["db"]
    assert after["states"]["init-1"][1:] == ("exited", 0)
    assert {name: status for name, (_, status, _) in after["states"].items()} == {
        name: status for name, (_, status, _) in before["states"].items()
    }
    assert stack.leftovers() == []
    (web,) = [one for one in done["services"] if one["name"] == "web"]
    assert 0 < web["stopped_seconds"] < web["up_after_seconds"] < 60

    stack.rollback()
    assert stack.snapshot() == before
    assert "nothing to roll back" in stack.rollback().out

    stack.optimize()
    assert stack.file.read_bytes() == after["files"]["compose.yaml"]


def test_the_next_plain_up_restarts_nothing(stack: Tiny) -> None:
    for change in (stack.optimize, stack.rollback):
        change()
        ids = {name: one["Id"] for name, one in stack.containers().items()}
        stack.compose("up", "--detach")
        assert {name: one["Id"] for name, one in stack.containers().items()} == ids


def test_a_second_optimize_does_nothing(stack: Tiny) -> None:
    stack.optimize()
    before = stack.snapshot()
    assert "Nothing to do" in stack.optimize().out
    assert stack.snapshot() == before


def test_without_a_terminal_and_without_yes_nothing_is_done(stack: Tiny) -> None:
    before = stack.snapshot()
    done = stack.optbuild("optimize", "--group", "web", ok=False)
    assert done.code == 2
    assert "--yes" in done.err
    assert stack.snapshot() == before


def test_a_dry_run_does_nothing(stack: Tiny) -> None:
    before = stack.snapshot()
    done = stack.optimize("--dry-run")
    assert "restart  init, web, worker" in done.out or "restart  init, worker, web" in done.out
    assert stack.snapshot() == before


def test_a_health_check_that_never_turns_healthy_is_rolled_back(stack: Tiny) -> None:
    before = stack.snapshot()
    dockerfile = stack.folder / "Dockerfile"
    good = dockerfile.read_text()
    dockerfile.write_text(good.replace("CMD ", "RUN touch /broken\nCMD "))
    before["files"]["Dockerfile"] = dockerfile.read_bytes()
    done = stack.optimize("--timeout", "5", ok=False)
    assert done.code == 1
    assert "web did not come up" in done.err
    assert "as they were" in done.err
    assert stack.snapshot() == before


def test_a_secret_that_only_the_old_images_set_is_not_lost(tiny: Tiny) -> None:
    """Every container would come up without it."""
    dockerfile = tiny.folder / "Dockerfile"
    bare = dockerfile.read_text()
    dockerfile.write_text(f"{bare}ENV AIRFLOW__API_AUTH__JWT_SECRET=hunter2\n")
    tiny.compose("up", "--build", "--detach", "--wait", "db", "web", "worker")
    dockerfile.write_text(f"{bare}ENV ELSE=1\n")
    before = tiny.snapshot()
    started = tiny.containers()["web-1"]["State"]["StartedAt"]
    done = tiny.optimize(ok=False)
    assert done.code == 1
    assert "init, web and worker would lose AIRFLOW__API_AUTH__JWT_SECRET" in done.err
    assert "as they were" in done.err
    assert "hunter2" not in done.out + done.err
    assert tiny.snapshot() == before
    assert tiny.containers()["web-1"]["State"]["StartedAt"] == started, "nothing was stopped"


def test_a_build_that_fails_changes_nothing(stack: Tiny) -> None:
    dockerfile = stack.folder / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("CMD ", "RUN exit 7\nCMD "))
    before = stack.snapshot()
    done = stack.optimize(ok=False)
    assert done.code == 3
    assert "exit 7" in done.err
    assert stack.snapshot() == before
    assert stack.containers()["web-1"]["RestartCount"] == 0


def test_a_scaled_and_a_stopped_service_stay_so(stack: Tiny) -> None:
    stack.compose("up", "--detach", "--scale", "worker=3", "worker")
    stack.compose("stop", "--timeout", "0", "web")
    stack.optimize()
    states = stack.states()
    assert [states[f"worker-{number}"][1] for number in (1, 2, 3)] == ["running"] * 3
    assert states["web-1"][1] == "created"
    assert len(of_sharers(stack.images())) == 1
    stack.rollback()
    states = stack.states()
    assert [states[f"worker-{number}"][1] for number in (1, 2, 3)] == ["running"] * 3
    assert states["web-1"][1] == "created"


def test_what_was_scaled_down_by_hand_stays_so(tiny: Tiny) -> None:
    """A service that restarts, and one that it depends on."""
    text = tiny.file.read_text()
    for name, key in (
        ("worker", "deploy: { replicas: 3 }"),
        ("db", "scale: 2"),
        ("web", "container_name: " + tiny.name),
    ):
        text = text.replace(f"  {name}:\n", f"  {name}:\n    {key}\n")
    tiny.file.write_text(text)
    tiny.compose("up", "--detach", "--wait", "--scale", "worker=1", "--scale", "db=1", "db", "web", "worker")
    before = tiny.snapshot()
    for change in (tiny.optimize, tiny.rollback):
        change()
        ids = {name: one["Id"] for name, one in tiny.containers().items()}
        assert set(ids) == set(before["states"])
        tiny.compose("up", "--detach", "--scale", "worker=1", "--scale", "db=1")
        assert {name: one["Id"] for name, one in tiny.containers().items()} == ids
    assert tiny.snapshot() == before


def test_a_file_that_was_edited_since_is_not_overwritten(stack: Tiny) -> None:
    stack.optimize()
    stack.file.write_bytes(stack.file.read_bytes() + b"# mine\n")
    before = stack.snapshot()
    done = stack.rollback(ok=False)
    assert done.code == 1
    assert "was edited since" in done.err
    assert stack.snapshot() == before


def test_clean_removes_the_old_images_and_a_rollback_builds_them_again(stack: Tiny) -> None:
    old = set(stack.names().values())
    done = stack.optimize("--clean")
    left = stack.names()
    assert "removed 2 old images" in done.out, "the third is what the shared build made again, from the cache"
    assert len(old & set(left.values())) == 1
    assert set(left.values()) == {left[stack.shared]}
    before = stack.containers()["db-1"]["Id"]
    rolled = stack.rollback()
    assert "build    the old images again" in rolled.out
    assert {f"{stack.name}-{name}:latest" for name in SHARERS} == set(stack.names())
    assert stack.containers()["db-1"]["Id"] == before
    assert stack.states()["web-1"][1] == "running"


def test_clean_keeps_what_somebody_else_uses(stack: Tiny) -> None:
    stack.run("docker", "tag", f"{stack.name}-web:latest", f"{stack.name}-mine:v1")
    stack.run("docker", "create", "--label", "optbuild.test=1-x", "--name", f"{stack.name}-x", f"{stack.name}-worker")
    try:
        stack.optimize("--clean")
        assert set(stack.names()) == {
            stack.shared,
            f"{stack.name}-init:latest",
            f"{stack.name}-mine:v1",
            f"{stack.name}-web:latest",
            f"{stack.name}-worker:latest",
        }
    finally:
        stack.run("docker", "rm", f"{stack.name}-x")


def test_where_nothing_runs_nothing_is_started(tiny: Tiny) -> None:
    tiny.optimize()
    assert tiny.containers() == {}
    assert tiny.shared in tiny.names()
    tiny.rollback()
    assert tiny.shared not in tiny.names()


def test_file_only(tiny: Tiny) -> None:
    names, original = tiny.names(), tiny.file.read_bytes()
    tiny.optimize("--file-only")
    assert tiny.file.read_bytes() != original
    assert tiny.names() == names
    tiny.rollback()
    assert tiny.file.read_bytes() == original


def test_file_only_is_refused_while_the_stack_has_containers(stack: Tiny) -> None:
    before = stack.snapshot()
    done = stack.optimize("--file-only", ok=False)
    assert done.code == 2
    assert "--file-only" in done.err
    assert stack.snapshot() == before


@pytest.mark.parametrize("choice", [(), ("--image-only",)])
def test_a_rebuild_makes_a_new_image_and_restarts_its_users(stack: Tiny, choice: tuple[str, ...]) -> None:
    stack.optimize(*choice)
    first = stack.names()[stack.shared]
    dockerfile = stack.folder / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("CMD ", "RUN echo two > /two\nCMD "))
    stack.optimize("--rebuild", *choice, "web")
    second = stack.names()[stack.shared]
    assert second != first
    assert of_sharers(stack.images()) == {second}


def test_a_rebuild_can_be_undone_and_then_the_optimize(stack: Tiny) -> None:
    before = stack.snapshot()
    stack.optimize()
    first = stack.snapshot()
    dockerfile = stack.folder / "Dockerfile"
    old = dockerfile.read_bytes()
    dockerfile.write_bytes(old.replace(b"CMD ", b"RUN echo two > /two\nCMD "))
    stack.optimize("--rebuild")
    made = stack.names()[stack.shared]
    dockerfile.write_bytes(old)
    assert "can be undone too" in stack.rollback().out
    assert stack.snapshot() == first
    assert stack.run("docker", "image", "inspect", made, ok=False).code != 0, "nobody would know whose it is"
    stack.rollback()
    assert stack.snapshot() == before


def test_clean_keeps_the_image_that_the_rollback_of_a_rebuild_goes_back_to(stack: Tiny) -> None:
    """No file builds it any more: the Dockerfile is another one by now."""
    stack.optimize()
    first = before = stack.names()[stack.shared]
    dockerfile = stack.folder / "Dockerfile"
    text = dockerfile.read_text()
    for number in range(2):
        before = stack.names()[stack.shared]
        dockerfile.write_text(text.replace("RUN echo", f"RUN echo {number}"))
        assert "`optbuild rollback` returns to it" in stack.optimize("--rebuild", "--clean").out
    assert stack.run("docker", "image", "inspect", first, ok=False).code != 0, "of two rebuilds, one can be undone"
    stack.rollback()
    assert stack.names()[stack.shared] == before
    assert of_sharers(stack.images()) == {before}


def test_a_rebuild_is_not_undone_without_the_image_of_before(stack: Tiny) -> None:
    stack.optimize()
    first = stack.names()[stack.shared]
    dockerfile = stack.folder / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("CMD ", "RUN echo two > /two\nCMD "))
    stack.optimize("--rebuild")
    stack.run("docker", "image", "rm", *[name for name, image in stack.names().items() if image == first] or [first])
    before = stack.snapshot()
    for _ in range(2):
        done = stack.rollback(ok=False)
        assert done.code == 1
        assert f"{first} was removed, and nothing builds it again" in done.err
        assert stack.snapshot() == before


def test_a_service_that_crashes_all_the_time_keeps_nobody_waiting(tiny: Tiny) -> None:
    """A stack that is partly down: it is no worse afterwards, and a rollback does not wait for it either."""
    text = tiny.file.read_text()
    tiny.file.write_text(text.replace("  worker:\n", "  worker:\n    restart: always\n    command: ['false']\n"))
    tiny.compose("up", "--detach", "--wait", "db", "web")
    tiny.compose("up", "--detach", "worker")
    before = tiny.images()
    tiny.optimize("--timeout", "10")
    assert len(of_sharers(tiny.images())) == 1
    tiny.rollback()
    assert tiny.images() == before


def interrupt(stack: Tiny, number: signal.Signals, delay: float) -> str:
    """Send it so many seconds after web is about to be restarted; what was said. The exit code must be 130."""
    process = subprocess.Popen(
        [sys.executable, str(DRIVER), "optimize", "--group", "web", "--yes"],
        cwd=stack.folder,
        env=stack.env,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "restarting" in line and "web" in line:
            break
    time.sleep(delay)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    return err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_services_restart_puts_everything_back(stack: Tiny, number: signal.Signals) -> None:
    before = stack.snapshot()
    assert "as they were" in interrupt(stack, number, 0.2)
    assert stack.snapshot() == before


@pytest.mark.soak
def test_interrupts_at_many_moments(stack: Tiny) -> None:
    before = stack.snapshot()
    for step in range(16):
        interrupt(stack, signal.SIGINT, step * 0.04)
        assert stack.snapshot() == before, step


def test_two_at_a_time_wait_for_each_other(stack: Tiny) -> None:
    argv = [sys.executable, str(DRIVER), "optimize", "--group", "web", "--yes"]
    both = [
        subprocess.Popen(
            argv, cwd=stack.folder, env=stack.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("Nothing to do" in out for out, _ in said) == 1
    assert sum("waiting: one optimize or rollback" in err for _, err in said) == 1
