"""A registry as buildx sees it: with the credentials of ``docker login`` and the builder's own certificates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from builder.core.errors import EngineFailedError
from builder.core.limits import DOCKER_LIMIT
from builder.core.process import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.core.process import Runner


def query_manifest(runner: Runner, env: Mapping[str, str], builder: str, reference: str) -> dict[str, Any]:
    """The manifest that the registry has under ``reference``. Raises EngineFailedError."""
    argv = ("docker", "buildx", "imagetools", "inspect", "--builder", builder, "--raw", reference)
    done = runner.run(Command(argv, env=env, timeout=DOCKER_LIMIT.read(env)))
    try:
        found = json.loads(done.out) if done.ok else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        reason = (done.err.strip() or done.out.strip() or "no answer")[-300:]
        raise EngineFailedError(
            f"{reference} was pushed, but its manifest cannot be read from the registry: {reason}",
            hint="may you pull from it (`docker login`)? Then push again",
        )
    return found
