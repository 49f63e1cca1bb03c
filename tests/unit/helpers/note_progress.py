"""What a build says while it runs, kept for tests."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class NoteProgress:
    """Keeps notes and the labels of tasks, in order."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.tasks: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    @contextlib.contextmanager
    def task(self, label: str) -> Iterator[Any]:
        self.tasks.append(label)
        yield self

    def update(self, **_values: object) -> None:
        """Figures of a task."""
