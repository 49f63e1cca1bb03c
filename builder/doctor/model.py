"""A line of the doctor, and what its probes are given."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

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
    _asking: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def ask(self, *argv: str, timeout: float = PROBE_SECONDS) -> ProcessResult | None:
        """The answer of a tool; None when it is missing or silent."""
        env = {**self.env, "DOCKER_CLI_HINTS": "false"}
        try:
            return self.runner.run(Command(argv, env=env, timeout=timeout))
        except (ToolMissingError, ToolTimeoutError):
            return None

    @property
    def engine_info(self) -> dict[str, Any]:
        """What the engine says of itself, asked once for all probes: the client starts each of its plugins for it.
        Empty where it does not answer."""
        with self._asking:
            return self._engine_info

    @cached_property
    def _engine_info(self) -> dict[str, Any]:
        answer = self.ask("docker", "info", "--format", "{{json .}}") if self.has("docker") else None
        return parse_object(answer.out) if answer and answer.ok else {}

    def has(self, tool: str) -> bool:
        return shutil.which(tool, path=self.env.get("PATH", "")) is not None


def parse_object(text: str) -> dict[str, Any]:
    """A JSON object; empty for whatever is not one."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def find_reason(answer: ProcessResult) -> str:
    """The last line of what a tool said: docker ends with the cause."""
    lines = [line.strip() for line in (answer.err.strip() or answer.out.strip()).splitlines() if line.strip()]
    text = mask_addresses(lines[-1]).removeprefix("ERROR: ") if lines else f"exit code {answer.code}"
    return text.rpartition(": ")[2] if len(text) > MAX_REASON else text
