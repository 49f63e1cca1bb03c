"""Processes that a killed run left behind."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from builder.rollout.containers import RUN_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from builder.rollout.context import RolloutContext

ORPHAN_SECONDS = 30.0
"""How long the Compose of a killed run may take to end by itself: stopping it half way leaves more behind."""
ORPHAN_TURN_SECONDS = 0.2


def wait_for_orphans(context: RolloutContext, run: str, proc: Path) -> None:
    """A killed run cannot end its children: let Compose come to an end before anybody starts another."""
    end = context.clock.now() + ORPHAN_SECONDS
    while (orphans := _find_orphans(run, proc)) and context.clock.now() < end:
        context.clock.sleep(ORPHAN_TURN_SECONDS)
    for pid in orphans:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _find_orphans(run: str, proc: Path) -> tuple[int, ...]:
    """Processes that the run started; Linux only, see proc(5)."""
    mark = f"{RUN_VARIABLE}={run}".encode()
    found = []
    for name in os.listdir(proc) if proc.is_dir() else ():  # noqa: PTH208 - hundreds of processes, each with a Path
        if not name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            if mark in (proc / name / "environ").read_bytes().split(b"\0"):
                found.append(int(name))
    return tuple(found)
