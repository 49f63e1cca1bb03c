"""A registry as buildx sees it: with the credentials of ``docker login`` and the builder's own certificates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from builder.core.errors import EngineFailedError, ToolTimeoutError
from builder.core.limits import DOCKER_LIMIT
from builder.core.process import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.core.process import Runner


def ask_manifest(
    runner: Runner, env: Mapping[str, str], reference: str, *, builder: str = "", seconds: float | None = None
) -> tuple[dict[str, Any] | None, str]:
    """The manifest or index that the registry has under ``reference``; or None, and what was said instead.

    ``builder``: the one whose certificates count, else the client's own. ``seconds``: not longer than this.
    """
    chosen = ("--builder", builder) if builder else ()
    argv = ("docker", "buildx", "imagetools", "inspect", *chosen, "--raw", reference)
    try:
        done = runner.run(Command(argv, env=env, timeout=DOCKER_LIMIT.read(env) if seconds is None else seconds))
    except ToolTimeoutError as error:
        if seconds is None:
            raise
        return None, error.message
    try:
        found = json.loads(done.out) if done.ok else None
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found, ""
    return None, (done.err.strip() or done.out.strip() or "no answer")[-300:]


def query_manifest(runner: Runner, env: Mapping[str, str], builder: str, reference: str) -> dict[str, Any]:
    """The manifest of what was pushed as ``reference``. Raises EngineFailedError."""
    found, reason = ask_manifest(runner, env, reference, builder=builder)
    if found is None:
        raise EngineFailedError(
            f"{reference} was pushed, but its manifest cannot be read from the registry: {reason}",
            hint="may you pull from it (`docker login`)? Then push again",
        )
    return found
