"""A line of the doctor, and what its probes are given."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from builder.core.errors import ToolMissingError, ToolTimeoutError
from builder.core.naming import DEFAULT_DATABASE
from builder.core.process import Command
from builder.core.redact import mask_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from builder.core.process import ProcessResult, Runner

NEEDED_ENGINE = 23
"""First engine whose ``docker build`` is BuildKit, with the frontend that the Dockerfile needs built in."""
GET_AN_ENGINE = (
    f"install Docker Engine {NEEDED_ENGINE} or newer with buildx and start it (on Debian 12 and 13: `make engine`), "
    "or point DOCKER_HOST at one"
)
PROBE_SECONDS = 8.0
MAX_REASON = 90
"""Characters; of a longer reason only the innermost cause is shown."""
DEFAULT_RELEASE = "bookworm"


class FindingState(StrEnum):
    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True)
class MachineFinding:
    """One line. ``advice`` is empty when there is nothing to do."""

    name: str
    state: FindingState
    found: str
    advice: str = ""


@dataclass(frozen=True)
class ProbeContext:
    """What the probes are given of the runtime. ``free_bytes`` raises OSError for a folder that cannot be seen."""

    runner: Runner
    env: Mapping[str, str]
    free_bytes: Callable[[Path], int]
    database: str = DEFAULT_DATABASE
    release: str = DEFAULT_RELEASE
    """Debian's release that the base is made from."""
    base_image: str = ""
    """The image that ``[base]`` names; empty: the base is made here."""

    def ask(self, *argv: str, timeout: float = PROBE_SECONDS) -> ProcessResult | None:
        """The answer of a tool; None when it is missing or silent."""
        env = {**self.env, "DOCKER_CLI_HINTS": "false"}
        try:
            return self.runner.run(Command(argv, env=env, timeout=timeout))
        except (ToolMissingError, ToolTimeoutError):
            return None

    def has(self, tool: str) -> bool:
        return shutil.which(tool, path=self.env.get("PATH", "")) is not None


def find_reason(answer: ProcessResult) -> str:
    """The last line of what a tool said: docker ends with the cause."""
    lines = [line.strip() for line in (answer.err.strip() or answer.out.strip()).splitlines() if line.strip()]
    text = mask_addresses(lines[-1]).removeprefix("ERROR: ") if lines else f"exit code {answer.code}"
    return text.rpartition(": ")[2] if len(text) > MAX_REASON else text
