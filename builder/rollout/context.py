"""What the stages of optimize and rollback are given beside their own values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.compose.load.interpolate import read_project_variables
from builder.core.redact import find_secret_values
from builder.rollout.journal_file import resolve_journal_path, resolve_open_path
from builder.rollout.wait import SystemClock, WaitLimits

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import ProjectFiles
    from builder.core.runtime import Runtime
    from builder.engine.protocols import ProjectEngine
    from builder.rollout.wait import Clock


@dataclass(frozen=True)
class RolloutContext:
    """``engine`` None: none is used (``--file-only``); ``compose``: the words that start Compose."""

    runtime: Runtime
    engine: ProjectEngine | None
    compose: tuple[str, ...]
    clock: Clock = field(default_factory=SystemClock)
    limits: WaitLimits = field(default_factory=WaitLimits)
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """Secrets of package indexes, masked in what a build says."""

    def secrets_of(self, files: ProjectFiles) -> tuple[str, ...]:
        """What is masked in the words of Compose and of its builds: also what the project's variables hold."""
        return (*self.hidden, *find_secret_values(read_project_variables(files, self.runtime.env)))

    def committed(self, files: ProjectFiles) -> Path:
        """The journal of the last run that went well."""
        return resolve_journal_path(self.runtime.state_folder, files)

    def opened(self, files: ProjectFiles) -> Path:
        """The journal of a run that goes on, or was killed."""
        return resolve_open_path(self.committed(files))

    def overlay(self, files: ProjectFiles) -> Path:
        """The file that a build adds; a killed run leaves it."""
        return self.committed(files).with_suffix(".overlay.json")

    def lock(self, files: ProjectFiles) -> Path:
        """Held while the project is changed."""
        return self.committed(files).with_suffix(".lock")
