"""`verify`'s check of SIGTERM on real processes: gunicorn's worker that begins with the signal, and an older one."""

from __future__ import annotations

import os
import threading
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from builder.image.verify.containers import RunningContainer, wait_until
from builder.image.verify.scheduler import CheckFailure
from builder.image.verify.shutdown import stop_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.engine.client import Engine

YOUNG = """
end() { (exec -a 'gunicorn: worker [gunicorn]' sleep 4) & wait $!; exit 0; }
trap end TERM
sleep 300 &
echo ready
wait
"""
"""On SIGTERM its worker begins, and ends by itself: as gunicorn ends one that it waits for in vain."""
OLD = "trap : TERM; (exec -a 'gunicorn: worker [gunicorn]' sleep 300) & sleep 5; echo ready; while :; do wait; done"
"""Nobody passes SIGTERM on."""


@pytest.fixture
def boxes(engine: Engine, postgres_image: str, request: pytest.FixtureRequest) -> Iterator[dict[str, RunningContainer]]:
    container = engine.client.containers.run(
        postgres_image,
        ["bash", "-c", request.param],
        entrypoint=[],
        detach=True,
        name=f"optbuild-test-{uuid.uuid4().hex[:10]}",
        labels={"optbuild.test": f"{os.getpid()}-stop"},
        network_mode="none",
    )
    wrapped: Any = SimpleNamespace(get_wrapped_container=lambda: container)
    try:
        assert wait_until(lambda: b"ready" in container.logs() or None, 60, threading.Event())
        yield {"scheduler": RunningContainer(wrapped, ())}
    finally:
        container.remove(force=True)


@pytest.mark.parametrize("boxes", [YOUNG], indirect=True)
def test_a_worker_that_began_with_the_signal_is_waited_for(boxes: dict[str, RunningContainer]) -> None:
    outcome = stop_roles(boxes, 1.0, threading.Event())
    assert outcome.message.startswith("scheduler 0 in ")
    assert "gunicorn waited for a worker" in outcome.warnings[0]


@pytest.mark.parametrize("boxes", [OLD], indirect=True)
def test_an_older_worker_means_that_the_signal_was_not_passed_on(boxes: dict[str, RunningContainer]) -> None:
    with pytest.raises(CheckFailure, match="scheduler still runs 1 s after SIGTERM") as caught:
        stop_roles(boxes, 1.0, threading.Event())
    assert "gunicorn: worker" in caught.value.log
