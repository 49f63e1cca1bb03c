"""Whether pruning lost a module: every module of two images is imported, of one with all files and of the pruned one.

Takes minutes, so no ordinary build does it; the check of each build reads imports instead, see
``templates/scripts/check.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import ToolFailedError
from builder.core.process import Command
from builder.core.resources import read_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.core.runtime import Runtime

SCRIPT = "every_module.py"
SECONDS = 3600.0


@dataclass(frozen=True)
class LostModule:
    """It could be imported in the image with all files; ``problem`` is what the pruned one says now."""

    distribution: str
    module: str
    problem: str


def import_every_module(runtime: Runtime, image: str) -> dict[str, dict[str, str | None]]:
    """Distribution → module → None, or why it cannot be imported in ``image``. Raises ToolFailedError."""
    folder = "/tmp/optbuild"  # noqa: S108 - inside the container
    write = f"mkdir {folder} && cat >{folder}/{SCRIPT} && exec python {folder}/{SCRIPT}"
    argv = (
        "docker",
        "run",
        "--rm",
        "--interactive",
        "--network",
        "none",
        "--entrypoint",
        "/bin/bash",
        image,
        "-c",
        write,
    )
    command = Command(argv, env=runtime.env, stdin=read_template(f"verify/{SCRIPT}"), timeout=SECONDS)
    result = runtime.runner.run(command)
    if not result.ok:
        raise ToolFailedError("docker run", result.code, result.err, hint=f"start {image} by hand to see why")
    answer: dict[str, dict[str, str | None]] = json.loads(result.out)
    return answer


def find_lost_modules(
    before: Mapping[str, Mapping[str, str | None]], after: Mapping[str, Mapping[str, str | None]]
) -> tuple[LostModule, ...]:
    """Modules that the pruned image has and cannot import, and that could be imported before."""
    return tuple(
        LostModule(distribution, module, problem)
        for distribution, modules in after.items()
        for module, problem in modules.items()
        if problem is not None and before.get(distribution, {}).get(module, problem) is None
    )
