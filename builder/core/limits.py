"""How long a call of another program may take: every limit, what is waited for, and the variable that changes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import TimeLimitError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Timeout:
    """The limit of one call. ``advice``: what to do once it has passed."""

    seconds: float
    purpose: str = ""
    """What is waited for."""
    advice: str | None = None


@dataclass(frozen=True)
class TimeLimit:
    """The limit of one kind of call. ``seconds`` unless the variable says otherwise."""

    variable: str
    seconds: float
    purpose: str
    cause: str
    """What to look at before waiting longer."""

    def read(self, env: Mapping[str, str]) -> Timeout:
        """Raises TimeLimitError for a value of the variable that is not a number of seconds."""
        text = env.get(self.variable, "")
        seconds = _parse_seconds(text) if text else self.seconds
        if seconds is None:
            raise TimeLimitError(self.variable, text, self.seconds)
        return Timeout(seconds, self.purpose, f"{self.cause}; {self.variable}={seconds * 5:g} waits longer")


def _parse_seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if seconds > 0 and not math.isnan(seconds) else None


CONFIG_LIMIT = TimeLimit(
    "OPTBUILD_COMPOSE_SECONDS",
    60,
    "for Compose to say what the files mean",
    "look in the compose files for aliases (*name) of what holds aliases itself, and in .env for variables that name "
    "others several times: each level multiplies the one before it",
)
"""It takes a tenth of a second."""
DOCKER_LIMIT = TimeLimit(
    "OPTBUILD_DOCKER_SECONDS", 60, "for the docker client to answer", "see whether `docker version` answers"
)
STACK_LIMIT = TimeLimit(
    "OPTBUILD_STACK_SECONDS",
    1800,
    "for Compose to make and start containers",
    "see `docker compose ps`, and whether the engine is busy",
)
"""Old containers get their grace period first."""
BUILD_LIMIT = TimeLimit(
    "OPTBUILD_BUILD_SECONDS", 4 * 3600, "for a build to end", "see which of its steps waits, and for what"
)
LOCK_LIMIT = TimeLimit(
    "OPTBUILD_LOCK_SECONDS",
    1800,
    "for the package lists and what they lead to",
    "see whether the index and the mirror that this machine uses answer",
)
LIMITS = (CONFIG_LIMIT, DOCKER_LIMIT, STACK_LIMIT, BUILD_LIMIT, LOCK_LIMIT)


def check_limits(env: Mapping[str, str]) -> None:
    """Raises TimeLimitError: before any work, not when the first call needs its limit."""
    for limit in LIMITS:
        limit.read(env)
