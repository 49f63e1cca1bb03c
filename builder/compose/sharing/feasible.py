"""Which targets the files can be rewritten for: all together, or those that can be had, each other with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.compose.display import shown_where
from builder.compose.model import FileEdit, Project, Target
from builder.compose.sharing.options import Choice
from builder.core.errors import ComposeError
from builder.core.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

Rewrite = Callable[[Project, tuple[Target, ...]], tuple[FileEdit, ...]]
Other = Callable[[Target, ComposeError], Choice | None]
"""What to try where a target is refused."""


def fit(
    project: Project, chosen: Mapping[tuple[str, ...], Choice], rewrite: Rewrite, other: Other
) -> tuple[dict[tuple[str, ...], Choice], tuple[FileEdit, ...], tuple[str, ...]]:
    """The edits of all targets that can be had together; the choice of each other becomes its reason."""
    kept = dict(chosen)
    notes = []
    try:
        return kept, _rewritten(project, kept, rewrite), ()
    except ComposeError:
        pass
    for target in _targets(kept):
        try:
            rewrite(project, (target,))
        except ComposeError as error:
            instead = _allowed(project, other(target, error), rewrite)
            kept |= _without(kept, target, error) if instead is None else _with(kept, target, instead)
            notes += [_told(project, target, error)] if instead is None else []
    try:
        return kept, _rewritten(project, kept, rewrite), tuple(notes)
    except ComposeError as error:
        left = {key: value for target in _targets(kept) for key, value in _without(kept, target, error).items()}
        return {**kept, **left}, (), (*notes, f"no edit: {error.message}")


def _rewritten(project: Project, chosen: Mapping[tuple[str, ...], Choice], rewrite: Rewrite) -> tuple[FileEdit, ...]:
    targets = _targets(chosen)
    return rewrite(project, targets) if targets else ()


def _allowed(project: Project, choice: Choice | None, rewrite: Rewrite) -> Choice | None:
    """The choice, where the files can be rewritten for it."""
    if choice is None or choice.target is None:
        return None
    try:
        rewrite(project, (choice.target,))
    except ComposeError:
        return None
    return choice


def _targets(chosen: Mapping[tuple[str, ...], Choice]) -> tuple[Target, ...]:
    return tuple(choice.target for _, choice in sorted(chosen.items()) if choice.target is not None)


def _with(chosen: Mapping[tuple[str, ...], Choice], target: Target, instead: Choice) -> dict[tuple[str, ...], Choice]:
    return {key: instead for key, choice in chosen.items() if choice.target == target}


def _without(
    chosen: Mapping[tuple[str, ...], Choice], target: Target, error: ComposeError
) -> dict[tuple[str, ...], Choice]:
    return {
        key: replace(
            choice, target=None, reason=f"it cannot be changed safely: {error.message}", warnings=(), refused=True
        )
        for key, choice in chosen.items()
        if choice.target == target
    }


def _told(project: Project, target: Target, error: ComposeError) -> str:
    """On one line: a note is no error of its own, whose next step would stand below it."""
    place = "" if error.where is None else f"{shown_where(project, error.where)}: "
    step = "" if error.hint is None else f"; {error.hint}"
    return f"no edit for {listed(target.services)}: {place}{error.message}{step}"
