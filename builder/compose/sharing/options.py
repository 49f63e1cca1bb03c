"""What a person asked a plan for, and what was chosen for a group of services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import SharedTarget


@dataclass(frozen=True)
class SharingOptions:
    """What the person asked for."""

    builder_service: str | None = None
    image_only: bool = False
    groups: tuple[str, ...] = ()
    """Service or image names: their groups are wanted even if they are not Airflow, or no duplicates."""
    spec_folder: Path | None = None
    spec_image: str | None = None
    """The name that the optbuild.toml in ``spec_folder`` gives, tag included."""
    spec_airflow: str | None = None
    """The version of Airflow in it."""


@dataclass(frozen=True)
class TargetDecision:
    """A target, or the reason why there is none. ``warnings``: what the person should know about the target."""

    target: SharedTarget | None
    reason: str = ""
    warnings: tuple[str, ...] = ()
    refused: bool = False
    """There would be a target, but no file can be edited for it safely."""
