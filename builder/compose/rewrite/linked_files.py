"""Files to be edited that have another name than the one at hand: said before anybody agrees to the edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from builder.compose.model import FileEdit


def describe_linked_files(edits: Iterable[FileEdit], folder: Path) -> tuple[str, ...]:
    """A line for each file of the project in ``folder`` that is reached by a symbolic link, or has several names."""
    return tuple(text for edit in edits if edit.changes for text in _describe_links(edit.path, folder))


def find_linked_target(path: Path, folder: Path) -> Path | None:
    """The file that a link leads to; None where ``path`` is not reached by one, or only because all of ``folder`` is.

    Raises nothing: a file that is not there has no target.
    """
    try:
        real, real_folder = path.resolve(), folder.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return None
    same = path.is_relative_to(folder) and real == real_folder / path.relative_to(folder)
    return None if same or real == path else real


def _describe_links(path: Path, folder: Path) -> Iterable[str]:
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path
    if (real := find_linked_target(path, folder)) is not None:
        outside = "" if real.is_relative_to(folder.resolve()) else ", outside of this project: others may read it too"
        yield f"{shown} is reached by a symbolic link: the file that is edited is {real}{outside}; the link stays"
    if (names := _count_names(path)) > 1:
        yield (f"{shown} has {names} names (hard links): only this one gets the new bytes")


def _count_names(path: Path) -> int:
    try:
        return path.stat().st_nlink
    except OSError:
        return 1
