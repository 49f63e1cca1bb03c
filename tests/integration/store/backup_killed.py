"""Runs optbuild as a process that kills itself at one step: for tests of what SIGKILL leaves of a backup.

Environment: KILL_AT is the number of the step (0: never), KILL_LOG gets the name of each step, a line each. A step is
the moment before and after each fsync, rename and removal of a file, and each piece that the engine sends.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.cli import main as cli
from builder.cli.runtime import make_local_runtime
from builder.engine.socket_api import SocketApi

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 200_000


class Killer:
    """Counts the steps of this process."""

    def __init__(self, at: int, log: Path) -> None:
        self.at, self.log, self.count = at, log, 0

    def step(self, name: str) -> None:
        self.count += 1
        with self.log.open("a") as stream:
            stream.write(name + "\n")
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

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

    def wrap_sending(self) -> None:
        real = SocketApi.get_image

        def pieces(api: SocketApi, image: str, chunk_size: int = 0) -> Iterator[bytes]:
            for chunk in real(api, image):
                for start in range(0, len(chunk), PIECE):
                    self.step("a piece")
                    yield chunk[start : start + PIECE]

        setattr(SocketApi, "get_image", pieces)  # noqa: B010 - what a type checker would refuse


def main() -> None:
    killer = Killer(int(os.environ["KILL_AT"]), Path(os.environ["KILL_LOG"]))
    for name in ("replace", "unlink"):
        killer.wrap(Path, name)
    killer.wrap(os, "fsync")
    killer.wrap_sending()
    sys.exit(cli.run(sys.argv[1:], make_local_runtime))


if __name__ == "__main__":
    main()
