"""Which targets the files can be rewritten for: all together, or those that can be had, each other with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.compose.display import make_where_relative
from builder.compose.model import FileEdit, Project, SharedTarget
from builder.compose.sharing.options import TargetDecision
from builder.core.errors import ComposeError
from builder.core.phrases import join_names

if TYPE_CHECKING:
    from collections.abc import Mapping

Rewrite = Callable[[Project, tuple[SharedTarget, ...]], tuple[FileEdit, ...]]
Alternative = Callable[[SharedTarget, ComposeError], TargetDecision | None]
"""What to try where a target is refused."""


def keep_feasible(
    project: Project, chosen: Mapping[tuple[str, ...], TargetDecision], rewrite: Rewrite, other: Alternative
) -> tuple[dict[tuple[str, ...], TargetDecision], tuple[FileEdit, ...], tuple[str, ...]]:
    """The edits of all targets that can be had together; the choice of each other becomes its reason."""
    kept = dict(chosen)
    notes = []
    try:
        return kept, _rewrite_targets(project, kept, rewrite), ()
    except ComposeError:
        pass
    for target in _list_targets(kept):
        try:
            rewrite(project, (target,))
        except ComposeError as error:
            instead = _check_feasible(project, other(target, error), rewrite)
            kept |= (
                _refuse_decision(kept, target, error) if instead is None else _replace_decision(kept, target, instead)
            )
            notes += [_format_note(project, target, error)] if instead is None else []
    try:
        return kept, _rewrite_targets(project, kept, rewrite), tuple(notes)
    except ComposeError as error:
        left = {
            key: value for target in _list_targets(kept) for key, value in _refuse_decision(kept, target, error).items()
        }
        return {**kept, **left}, (), (*notes, f"no edit: {error.message}")


def _rewrite_targets(
    project: Project, chosen: Mapping[tuple[str, ...], TargetDecision], rewrite: Rewrite
) -> tuple[FileEdit, ...]:
    targets = _list_targets(chosen)
    return rewrite(project, targets) if targets else ()


def _check_feasible(project: Project, choice: TargetDecision | None, rewrite: Rewrite) -> TargetDecision | None:
    """The choice, where the files can be rewritten for it."""
    if choice is None or choice.target is None:
        return None
    try:
        rewrite(project, (choice.target,))
    except ComposeError:
        return None
    return choice


def _list_targets(chosen: Mapping[tuple[str, ...], TargetDecision]) -> tuple[SharedTarget, ...]:
    return tuple(choice.target for _, choice in sorted(chosen.items()) if choice.target is not None)


def _replace_decision(
    chosen: Mapping[tuple[str, ...], TargetDecision], target: SharedTarget, instead: TargetDecision
) -> dict[tuple[str, ...], TargetDecision]:
    return {key: instead for key, choice in chosen.items() if choice.target == target}


def _refuse_decision(
    chosen: Mapping[tuple[str, ...], TargetDecision], target: SharedTarget, error: ComposeError
) -> dict[tuple[str, ...], TargetDecision]:
    return {
        key: replace(
            choice, target=None, reason=f"it cannot be changed safely: {error.message}", warnings=(), refused=True
        )
        for key, choice in chosen.items()
        if choice.target == target
    }


def _format_note(project: Project, target: SharedTarget, error: ComposeError) -> str:
    """On one line: a note is not an error of its own, which would have its next step below it."""
    place = "" if error.where is None else f"{make_where_relative(project, error.where)}: "
    step = "" if error.hint is None else f"; {error.hint}"
    return f"no edit for {join_names(target.services)}: {place}{error.message}{step}"
