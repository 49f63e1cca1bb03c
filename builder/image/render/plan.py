"""What the Dockerfile must say, derived from spec and lock without the template: a second check after the types.

The rendered text is parsed again and compared with this. A value that broke out of its place would add, drop or change
an instruction, a label or a variable, and nothing is written then. ``builder.image.render.plans`` has a plan for each
kind of base.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import RenderMismatchError
from builder.dockerfile import parse_dockerfile

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class PlannedInstruction:
    """``value`` None: it may say anything here; variables and labels are compared by themselves."""

    name: str
    value: str | None = None


@dataclass(frozen=True)
class RenderPlan:
    """One Dockerfile: its template with the variables for it, and what the rendered text must say."""

    template: str
    variables: Mapping[str, object]
    environment: Mapping[str, str]
    """Of all ENV instructions."""
    labels: Mapping[str, str]
    instructions: tuple[PlannedInstruction, ...]
    """All of them, in order."""


def check_rendered(text: str, plan: RenderPlan) -> None:
    """Raise :class:`RenderMismatchError` unless ``text`` says exactly what was planned."""
    found = parse_dockerfile(text)
    names, planned = ([one.name for one in part] for part in (found.instructions, plan.instructions))
    if names != planned:
        raise RenderMismatchError("instructions", " ".join(planned), " ".join(names))
    for instruction, wanted in zip(found.instructions, plan.instructions, strict=True):
        if wanted.value is not None and instruction.value != wanted.value:
            raise RenderMismatchError(instruction.name, wanted.value, instruction.value)
    if found.environment != plan.environment:
        raise RenderMismatchError("ENV", repr(plan.environment), repr(found.environment))
    if found.labels != plan.labels:
        raise RenderMismatchError("LABEL", repr(plan.labels), repr(found.labels))
