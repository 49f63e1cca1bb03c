"""A Runtime below one folder, for tests that need no machine."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any

from builder.core.progress import SilentProgress
from builder.core.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class RefusingRunner:
    """Starts no process: a test that comes to one has to give a runner of its own."""

    def run(self, command: Any, **_more: object) -> Any:
        raise AssertionError(command)


def make_runtime(
    folder: Path,
    env: Mapping[str, str] | None = None,
    *,
    runner: Any = None,
    progress: Any = None,
    out: IO[str] | None = None,
    err: IO[str] | None = None,
    color: bool = False,
) -> Runtime:
    """In ``folder``; state in ``state/optbuild``, cache in ``cache/optbuild``, unless ``env`` says otherwise."""
    folders = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
    return Runtime(
        folders | dict(env or {}),
        folder,
        io.StringIO() if out is None else out,
        io.StringIO() if err is None else err,
        RefusingRunner() if runner is None else runner,
        SilentProgress() if progress is None else progress,
        color,
    )
