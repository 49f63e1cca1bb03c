"""What an optimize is to do, as a value, and what other stages do for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.compose.model import FileEdit, Project, SharedTarget
    from builder.rollout.journal import Recipe


@dataclass(frozen=True)
class ImageBuilders:
    """What other stages do for us; ``cli/`` passes it in."""

    verify: Callable[[str, SharedTarget], None]
    """Prove an image (its ID) for these services. Raises CheckFailedError."""
    make_from_spec: Callable[[SharedTarget, Callable[[str], None]], str]
    """Build, prove and promote what the target's optbuild.toml describes; the image ID, which the second argument gets
    before the first name moves."""
    names_of_spec: Callable[[SharedTarget], tuple[str, ...]]
    """All names that this moves."""


@dataclass(frozen=True)
class RolloutRequest:
    """What is to be done, as a value. ``targets``: to be made or taken; ``rebuild``: also where the image is there."""

    run: str
    """8 hex digits that no other run has."""
    project: Project
    targets: tuple[SharedTarget, ...]
    edits: tuple[FileEdit, ...]
    rebuild: bool = False
    no_cache: bool = False
    file_only: bool = False
    """Neither image nor stack: only the files."""
    recipes: tuple[Recipe, ...] = ()
    """Of earlier runs."""

    @property
    def affected(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for target in self.targets for name in target.services))
