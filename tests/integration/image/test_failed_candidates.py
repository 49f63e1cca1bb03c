"""What a build left that failed or was killed goes with the next one, unless somebody needs it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from builder.engine.client import Engine

FAILED = "candidates of builds that failed or were killed: 1"


def leave_failed(tiny: Any) -> None:
    assert tiny.run("--content", "bad", "--failing").code == 1


def leave_killed(tiny: Any) -> None:
    process = tiny.start("--content", "bad", "--pause")
    assert process.stdout.readline() == "paused\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


@pytest.mark.parametrize("leave", [leave_failed, leave_killed])
def test_the_next_build_removes_it(leave: Any, tiny: Any, images: Any) -> None:
    """Also where nothing was ever promoted, and not what an unverified build left as it should be."""
    wanted = tiny.run("--content", "wanted", "--no-verify").json
    leave(tiny)
    (bad,) = set(images(tiny.name)) - {wanted["id"]}
    done = tiny.run("--content", "good")
    assert set(images(tiny.name)) == {wanted["id"], done.json["id"]}
    assert bad != done.json["id"]
    assert FAILED in done.err
    assert f"removed {tiny.name}:" in done.err


def test_the_same_content_may_be_proven_after_all(tiny: Any, images: Any) -> None:
    leave_failed(tiny)
    (bad,) = images(tiny.name)
    assert tiny.run("--content", "bad").json["id"] == bad
    done = tiny.run("--content", "good")
    assert FAILED not in done.err
    assert bad in images(tiny.name)


def test_what_somebody_uses_or_named_stays(tiny: Any, engine: Engine, images: Any) -> None:
    leave_failed(tiny)
    (bad,) = images(tiny.name)
    container = engine.client.api.create_container(bad, labels={"optbuild.test": f"{os.getpid()}-{tiny.name}"})["Id"]
    try:
        done = tiny.run("--content", "good")
        assert bad in images(tiny.name)
        assert "stays: container " in done.err
    finally:
        engine.client.api.remove_container(container)
    engine.tag(bad, f"{tiny.name}-mine:1")
    assert tiny.run("--content", "better").code == 0
    assert bad in images(tiny.name)
