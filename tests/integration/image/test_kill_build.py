"""A build that is interrupted or killed leaves the old tags, and the next command repairs what it left."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from builder.engine.client import Engine

STEP = "/bin/busybox sleep 60"


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    """Read the process's messages until one has the words."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            return
    pytest.fail(f"{words!r} was not said:\n{''.join(seen)}")


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def running(folder: str) -> list[str]:
    """Processes that were given that folder."""
    listed = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if folder in line and "buildx" in line]


def wait_until_ended(folder: str) -> None:
    limit = time.monotonic() + 20
    while running(folder) and time.monotonic() < limit:
        time.sleep(0.2)
    assert running(folder) == []


def ids(engine: Engine, tiny: Any) -> set[str | None]:
    return {engine.find_image_id(reference) for reference in tiny.references}


def test_a_killed_build_is_swept_and_its_docker_client_ended(tiny: Any, engine: Engine) -> None:
    good = tiny.run("--content", "good").json
    process = tiny.start("--content", "new", "--run", STEP)
    wait_for(process, "] RUN")
    end(process, signal.SIGKILL)
    left = [path for path in tiny.contexts() if path.is_dir()]
    assert len(left) == 1
    assert ids(engine, tiny) == {good["id"]}
    done = tiny.run("--content", "new")
    assert f"removed {left[0]}: the build it belonged to was killed" in done.err
    assert ids(engine, tiny) == {done.json["id"]}
    assert tiny.contexts() == []
    wait_until_ended(str(left[0]))


def test_a_build_that_lives_is_not_swept(tiny: Any) -> None:
    process = tiny.start("--run", STEP, "--no-verify")
    try:
        wait_for(process, "] RUN")
        (alive,) = [path for path in tiny.contexts() if path.is_dir()]
        other = type(tiny)(f"{tiny.name}-b", tiny.home, tiny.busybox).start("--run", STEP, "--no-verify")
        try:
            wait_for(other, "] RUN")
            assert alive.is_dir()
            assert process.poll() is None
        finally:
            end(other, signal.SIGINT)
    finally:
        end(process, signal.SIGINT)


@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_promotion_killed_after_some_tags_is_finished_by_the_next_command(
    tiny: Any, engine: Engine, count: int
) -> None:
    old = tiny.run("--content", "old").json
    process = tiny.start("--content", "new", "--pause-after", str(count))
    assert process.stdout.readline() == "paused\n"
    end(process, signal.SIGKILL)
    assert len(ids(engine, tiny)) == (2 if count < len(tiny.references) else 1)
    done = tiny.run("--content", "new")
    assert done.json["recovered"] is True
    assert "finished now" in done.err
    assert ids(engine, tiny) == {done.json["id"]}
    assert [former.image_id for former in tiny.project(engine).superseded] == [old["id"]]
    assert tiny.run("--content", "new").json["recovered"] is False


def test_a_promotion_interrupted_after_some_tags_is_undone(tiny: Any, engine: Engine) -> None:
    old = tiny.run("--content", "old").json
    process = tiny.start("--content", "new", "--pause-after", "2")
    assert process.stdout.readline() == "paused\n"
    end(process, signal.SIGINT)
    assert ids(engine, tiny) == {old["id"]}
    assert tiny.run("--content", "new").json["recovered"] is False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_ends_its_docker_client_and_leaves_nothing(
    tiny: Any, images: Any, number: signal.Signals
) -> None:
    process = tiny.start("--run", STEP)
    wait_for(process, "] RUN")
    (folder,) = [path for path in tiny.contexts() if path.is_dir()]
    started = time.monotonic()
    code, err = end(process, number)
    assert code == 130
    assert time.monotonic() - started < 15
    assert "Traceback" not in err
    assert running(str(folder)) == []
    assert tiny.contexts() == []
    assert images(tiny.name) == ()


def test_an_interrupted_optbuild_says_what_stands(optbuild: Any, name: str, images: Any) -> None:
    """The real command in the middle of the real image."""
    process = optbuild.start("build", "--no-cache", "--verify")
    wait_for(process, "] RUN")
    started = time.monotonic()
    code, err = end(process, signal.SIGINT)
    assert code == 130
    assert "nothing was promoted: all tags stay as they were" in err
    assert time.monotonic() - started < 15
    assert images(name) == ()
