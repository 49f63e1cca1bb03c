"""What is wrong with a spec, as a value that the reader gives a line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SpecProblem:
    """Something wrong at ``path`` (keys and array indexes from the root)."""

    path: tuple[str | int, ...]
    message: str
    hint: str | None = None
