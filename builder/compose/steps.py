"""One RUN of a Dockerfile with its commands: what the advice looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.compose.installed import runs
from builder.dockerfile.stages import flags, run_commands

if TYPE_CHECKING:
    from builder.compose.facts import DockerfileFacts
    from builder.dockerfile import Instruction
    from builder.dockerfile.shell import ShellCommand
    from builder.dockerfile.stages import Stage


@dataclass(frozen=True)
class Step:
    """``user``: who runs it, as far as the Dockerfile says; None: the base image's own user."""

    stage: Stage
    run: Instruction
    commands: tuple[ShellCommand, ...]
    user: str | None = None

    def has_cache_mount(self, *words: str) -> bool:
        """Whether a cache mount's target has one of the words in it."""
        mounts = [flag for flag in flags(self.run) if flag.startswith("--mount=") and "type=cache" in flag]
        return any(word in mount for mount in mounts for word in words)

    def has_tmpfs(self, word: str) -> bool:
        """Whether a folder with ``word`` in it is a tmpfs while this runs."""
        return any("type=tmpfs" in flag and word in flag for flag in flags(self.run))


def steps_of(facts: DockerfileFacts) -> tuple[Step, ...]:
    """Every RUN of the target's stages, in order."""
    found = []
    for stage, run in runs(facts.chain):
        found.append(Step(stage, run, run_commands(run, dict(stage.arguments)), _user_before(facts, run)))
    return tuple(found)


def _user_before(facts: DockerfileFacts, run: Instruction) -> str | None:
    user = None
    for instruction in facts.instructions:
        if instruction is run:
            break
        if instruction.name == "USER":
            user = instruction.value.strip()
    return user
