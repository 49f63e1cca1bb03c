"""Runs optbuild as a process that kills itself at one step: for tests of what SIGKILL leaves.

Environment: KILL_AT is the number of the step (none: never); KILL_LOG gets the name of each step, a line each. A step
is the moment before and after each write to disk, rename, link and removal of a file, each tag, each removal of a name
or image, each process; and two moments while Compose makes containers.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from builder.cli import main as cli
from builder.cli.runtime import make_local_runtime
from builder.core.process import LocalRunner
from builder.engine.client import Engine
from builder.engine.compose_containers import StackEngine
from builder.operations import project_lock
from builder.rollout.wait import WaitLimits

STEADY_SECONDS = 0.3
WHILE_SECONDS = (0.15, 0.35)
"""After the start of Compose: in the middle of its work on the containers of a tiny stack."""


class Killer:
    """Counts the steps of this process."""

    def __init__(self, at: int, log: Path | None) -> None:
        self.at = at
        self.count = 0
        self.log = log

    def step(self, name: str, delay: float = 0.0) -> None:
        self.count += 1
        if self.log is not None:
            with self.log.open("a") as stream:
                stream.write(name + "\n")
        if self.count == self.at:
            if delay:
                threading.Timer(delay, _die).start()
            else:
                _die()

    def wrap(self, owner: Any, name: str) -> None:
        """A step before and one after each call."""
        real = getattr(owner, name)

        @functools.wraps(real)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.step(f"before {name}")
            found = real(*args, **kwargs)
            self.step(f"after {name}")
            return found

        setattr(owner, name, counted)

    def wrap_runner(self) -> None:
        real = LocalRunner.run

        def counted(runner: Any, command: Any, **kwargs: Any) -> Any:
            words = [word for word in command.argv if word in {"build", "config", "up", "version"}]
            name = words[0] if words else command.argv[0]
            self.step(f"before {name}")
            for seconds in WHILE_SECONDS if name == "up" else ():
                self.step(f"{seconds} s into {name}", seconds)
            found = real(runner, command, **kwargs)
            self.step(f"after {name}")
            return found

        setattr(LocalRunner, "run", counted)  # noqa: B010 - what a type checker would refuse


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    log = os.environ.get("KILL_LOG")
    killer = Killer(int(os.environ.get("KILL_AT") or 0), Path(log) if log else None)
    for name in ("replace", "unlink", "hardlink_to"):
        killer.wrap(Path, name)
    killer.wrap(os, "fsync")
    for name in ("tag", "untag"):
        killer.wrap(Engine, name)
    killer.wrap(StackEngine, "remove")
    killer.wrap_runner()
    vars(project_lock)["WaitLimits"] = functools.partial(WaitLimits, steady=STEADY_SECONDS)
    sys.exit(cli.run(sys.argv[1:], make_local_runtime))


if __name__ == "__main__":
    main()
