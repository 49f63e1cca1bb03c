"""One RUN of a Dockerfile with its commands: what the advice looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.dockerfile.stages import parse_flags, parse_run_commands

if TYPE_CHECKING:
    from builder.dockerfile import Instruction
    from builder.dockerfile.shell import ShellCommand
    from builder.dockerfile.stages import Stage


@dataclass(frozen=True)
class RunStep:
    """``commands`` with the words that the Dockerfile says: what a build argument puts in may be a secret."""

    stage: Stage
    run: Instruction
    commands: tuple[ShellCommand, ...]
    filled: tuple[ShellCommand, ...] = field(repr=False)
    """The same with ARG and ENV filled in: to see which packages are meant, never to show."""

    def has_cache_mount(self, *words: str) -> bool:
        """Whether a cache mount's target has one of the words in it."""
        mounts = [flag for flag in parse_flags(self.run) if flag.startswith("--mount=") and "type=cache" in flag]
        return any(word in mount for mount in mounts for word in words)

    def has_tmpfs(self, word: str) -> bool:
        """Whether a folder with ``word`` in it is a tmpfs while this runs."""
        return any("type=tmpfs" in flag and word in flag for flag in parse_flags(self.run))


def list_run_steps(chain: tuple[Stage, ...]) -> tuple[RunStep, ...]:
    """Every RUN of the stages, in order."""
    return tuple(_make_run_step(stage, one) for stage in chain for one in stage.instructions if one.name == "RUN")


def _make_run_step(stage: Stage, run: Instruction) -> RunStep:
    said = parse_run_commands(run)
    variable = "$" in run.value or any("$" in heredoc.body for heredoc in run.heredocs)
    return RunStep(stage, run, said, parse_run_commands(run, dict(stage.arguments)) if variable else said)
