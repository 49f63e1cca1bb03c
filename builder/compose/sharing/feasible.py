"""Which targets the files can be rewritten for: all together, or those that can be had, each other with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
Alternatives = Callable[[SharedTarget, ComposeError], Iterable[TargetDecision]]
"""What to try where a target is refused, the best first."""


def keep_feasible(
    project: Project, chosen: Mapping[tuple[str, ...], TargetDecision], rewrite: Rewrite, others: Alternatives
) -> tuple[dict[tuple[str, ...], TargetDecision], tuple[FileEdit, ...], tuple[str, ...]]:
    """The edits of all targets that can be had together; the choice of each other becomes its reason."""
    kept = dict(chosen)
    notes = []
    try:
        return kept, _rewrite_targets(project, kept, rewrite), ()
    except ComposeError:
        pass
    for target in list_targets(kept):
        try:
            rewrite(project, (target,))
        except ComposeError as error:
            instead = next((choice for choice in others(target, error) if is_feasible(project, choice, rewrite)), None)
            kept[target.services] = instead or _refuse_decision(kept[target.services], error)
            notes += [] if instead else [_format_note(project, target, error)]
    try:
        return kept, _rewrite_targets(project, kept, rewrite), tuple(notes)
    except ComposeError as error:
        kept |= {target.services: _refuse_decision(kept[target.services], error) for target in list_targets(kept)}
        return kept, (), (*notes, f"no edit: {error.message}")


def _rewrite_targets(
    project: Project, chosen: Mapping[tuple[str, ...], TargetDecision], rewrite: Rewrite
) -> tuple[FileEdit, ...]:
    targets = list_targets(chosen)
    return rewrite(project, targets) if targets else ()


def is_feasible(project: Project, choice: TargetDecision, rewrite: Rewrite) -> bool:
    """Whether the files can be rewritten for it."""
    try:
        _rewrite_targets(project, {(): choice}, rewrite)
    except ComposeError:
        return False
    return True


def list_targets(chosen: Mapping[tuple[str, ...], TargetDecision]) -> tuple[SharedTarget, ...]:
    """In the order of their services' names."""
    return tuple(choice.target for _, choice in sorted(chosen.items()) if choice.target is not None)


def _refuse_decision(choice: TargetDecision, error: ComposeError) -> TargetDecision:
    reason = f"it cannot be changed safely: {error.message}"
    return replace(choice, target=None, reason=reason, warnings=(), refused=True)


def _format_note(project: Project, target: SharedTarget, error: ComposeError) -> str:
    """On one line: a note is not an error of its own, which would have its next step below it."""
    place = "" if error.where is None else f"{make_where_relative(project, error.where)}: "
    step = "" if error.hint is None else f"; {error.hint}"
    return f"no edit for {join_names(target.services)}: {place}{error.message}{step}"
