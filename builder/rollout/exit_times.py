"""When containers ended, asked again and again while that happens: an engine forgets soon."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from builder.core.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.engine.protocols import ProjectEngine
    from builder.rollout.wait import Clock

TURN_SECONDS = 1.0


@contextlib.contextmanager
def record_exit_times(
    engine: ProjectEngine, project: str, clock: Clock, *, turn_seconds: float = TURN_SECONDS
) -> Iterator[Mapping[str, float]]:
    """Container ID → when it ended, of those of the project that end inside the block; behind it, all that the engine
    could say.

    An engine remembers its last 256 events (moby, ``daemon/events``), and each health check of each container makes
    three. Asking only once a stack is up again is too late on an engine with a few stacks.
    """
    since = clock.now()
    found: dict[str, float] = {}
    ended = threading.Event()

    def ask() -> None:
        with contextlib.suppress(ToolError):
            found.update(engine.find_exit_times(project, since, clock.now()))

    def ask_again() -> None:
        while not ended.wait(turn_seconds):
            ask()

    asking = threading.Thread(target=ask_again, daemon=True)
    asking.start()
    try:
        yield found
    finally:
        ended.set()
        asking.join()
    ask()
