"""One RUN of a Dockerfile with its commands and what holds while it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.dockerfile.files import CopyInstruction, find_mounts, iterate_with_folder
from builder.dockerfile.stages import parse_assignments, parse_flags, parse_run_commands, substitute_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.dockerfile import Instruction
    from builder.dockerfile.files import BuildFiles
    from builder.dockerfile.shell import ShellCommand
    from builder.dockerfile.stages import Stage


_CONFIG_SET = re.compile(
    r"pip\d*(?:\.\d+)?\s+config\s+(?:-\S+\s+)*set\s+(?:global|install)\.constraint\s+[\"']?([^\s\"';&|]+)"
)
"""``pip config set`` writes it down for the RUNs that follow, too."""


@dataclass(frozen=True)
class RunStep:
    """``commands`` with the words that the Dockerfile says: what a build argument puts in may be a secret."""

    stage: Stage
    run: Instruction
    commands: tuple[ShellCommand, ...]
    filled: tuple[ShellCommand, ...] = field(repr=False)
    """The same with ARG and ENV filled in: to see which packages are meant, never to show."""
    folder: str = "/"
    """The current one."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """ARG and ENV as far as they stand before it."""
    mounts: tuple[CopyInstruction, ...] = ()
    """What it binds in from the build context."""
    configured: tuple[str, ...] = ()
    """Constraints that ``pip config set`` has written down before it, or does itself."""

    def read_file(self, name: str, files: BuildFiles) -> str | None:
        """None: it is not known what the file holds."""
        return files.read_file(name, self.folder, self.mounts)

    def has_cache_mount(self, *words: str) -> bool:
        """Whether a cache mount's target has one of the words in it."""
        mounts = [flag for flag in parse_flags(self.run) if flag.startswith("--mount=") and "type=cache" in flag]
        return any(word in mount for mount in mounts for word in words)

    def has_tmpfs(self, word: str) -> bool:
        """Whether a folder with ``word`` in it is a tmpfs while this runs."""
        return any("type=tmpfs" in flag and word in flag for flag in parse_flags(self.run))


def list_run_steps(chain: tuple[Stage, ...], below: Mapping[str, str] | None = None) -> tuple[RunStep, ...]:
    """Every RUN of the stages, in order; ``below`` is the environment of the image that they begin with."""
    found: list[RunStep] = []
    later = _list_assigned_names(chain)
    known = dict(below or {})
    configured: list[str] = []
    for stage, instruction, folder in iterate_with_folder(chain):
        if instruction.name == "ENV":
            values = parse_assignments(instruction).items()
            context = {**dict(stage.arguments), **known}
            known |= {name: substitute_variables(value or "", context) for name, value in values}
        if instruction.name == "RUN":
            configured += _CONFIG_SET.findall(instruction.value)
            arguments = {name: value for name, value in stage.arguments if name not in later}
            found.append(_make_run_step(stage, instruction, folder, {**arguments, **known}, tuple(configured)))
    return tuple(found)


def _list_assigned_names(chain: tuple[Stage, ...]) -> frozenset[str]:
    """Names of ENV: their value at the end of a stage is not what an earlier RUN sees."""
    assigned = (one for stage in chain for one in stage.instructions if one.name == "ENV")
    return frozenset(name for one in assigned for name in parse_assignments(one))


def _make_run_step(
    stage: Stage, run: Instruction, folder: str, environment: Mapping[str, str], configured: tuple[str, ...]
) -> RunStep:
    said = parse_run_commands(run)
    variable = "$" in run.value or any("$" in heredoc.body for heredoc in run.heredocs)
    filled = parse_run_commands(run, dict(stage.arguments)) if variable else said
    mounts = tuple(find_mounts(stage, run, folder))
    return RunStep(stage, run, said, filled, folder, environment, mounts, configured)
