"""Targets whose edit leaves every other way to read the files as valid as it was: adapted where that helps, else left
out with the reason."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from builder.compose.rewrite.combination_check import ProblemKind
from builder.compose.sharing.feasible import is_feasible, list_targets
from builder.core.errors import ComposeError
from builder.core.phrases import join_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import FileEdit, Project, SharedTarget
    from builder.compose.rewrite.combination_check import CombinationProblem, EditCheck
    from builder.compose.sharing.feasible import Alternatives, Rewrite
    from builder.compose.sharing.options import TargetDecision

Decisions = dict[tuple[str, ...], "TargetDecision"]
MOST_TRIED = 4
"""Other builders for a group whose edit is refused: each is asked about."""
_PLACED = "`pull_policy: never` stands only in the file"
_OF_THE_POLICY = frozenset({ProblemKind.NEVER_PULLED, ProblemKind.STACK})


class CompatibleTargets:
    """``check`` asks Compose about an edit. Each turn changes a target, a few times at most, so it ends."""

    def __init__(self, project: Project, rewrite: Rewrite, check: EditCheck, others: Alternatives) -> None:
        self._project, self._rewrite, self._check, self._others = project, rewrite, check, others
        self._left: dict[tuple[str, ...], list[TargetDecision]] = {}
        """Group -> what is still to be tried."""

    def settle(
        self, chosen: Mapping[tuple[str, ...], TargetDecision], edits: tuple[FileEdit, ...]
    ) -> tuple[Decisions, tuple[FileEdit, ...], tuple[str, ...]]:
        """The decisions and edits that can be kept, and what a person should know about them."""
        kept = dict(chosen)
        notes: list[str] = []
        while edits:
            verdict = self._check(edits, list_targets(kept))
            if not verdict.problems:
                return kept, edits, (*notes, *verdict.notes)
            problem = verdict.problems[0]
            for key in _find_concerned(kept, problem):
                kept[key] = self._change(kept[key], problem)
                if kept[key].refused:
                    notes.append(_format_refusal(key, problem))
            edits = self._rewrite_all(kept)
        return kept, edits, tuple(notes)

    def _change(self, decision: TargetDecision, problem: CombinationProblem) -> TargetDecision:
        """The next thing to try for a target, or the reason why it is left alone."""
        target = decision.target
        if target is None or problem.kind not in _OF_THE_POLICY or target.pull_policy is None:
            return self._take_other(decision, problem)
        narrow = replace(target, policy_with_image=True)
        if not target.policy_with_image and self._is_other_edit(target, narrow):
            return replace(decision, target=narrow, warnings=(*decision.warnings, _warn_of_place(target, problem)))
        without = replace(target, pull_policy=None)
        if not self._try_rewrite(without):
            return replace(
                decision, target=None, reason=f"already shared, without a pull policy: with it, {problem.text}"
            )
        warnings = tuple(one for one in decision.warnings if not one.startswith(_PLACED))
        return replace(decision, target=without, warnings=(*warnings, _warn_of_registry(target, problem)))

    def _take_other(self, decision: TargetDecision, problem: CombinationProblem) -> TargetDecision:
        target = decision.target
        if target is not None and target.services not in self._left:
            found = self._others(target, ComposeError(problem.text))
            feasible = (one for one in found if is_feasible(self._project, one, self._rewrite))
            self._left[target.services] = list(islice(feasible, MOST_TRIED))
        left = self._left[target.services] if target is not None else []
        if left:
            return left.pop(0)
        reason = f"it cannot be changed safely: {problem.text}"
        return replace(decision, target=None, reason=reason, warnings=(), refused=True)

    def _is_other_edit(self, one: SharedTarget, other: SharedTarget) -> bool:
        return self._try_rewrite(one) != self._try_rewrite(other)

    def _try_rewrite(self, target: SharedTarget) -> tuple[FileEdit, ...]:
        try:
            return self._rewrite(self._project, (target,))
        except ComposeError:
            return ()

    def _rewrite_all(self, kept: Decisions) -> tuple[FileEdit, ...]:
        """What could be rewritten before can be with fewer keys, or fewer targets, too."""
        targets = list_targets(kept)
        return self._rewrite(self._project, targets) if targets else ()


def _find_concerned(kept: Decisions, problem: CombinationProblem) -> list[tuple[str, ...]]:
    """The groups that the problem is about; all that are edited where it does not say."""
    edited = [key for key, choice in kept.items() if choice.target is not None]
    named = [key for key in edited if set(key) & set(problem.services)]
    with_policy = [key for key in edited if (target := kept[key].target) and target.pull_policy is not None]
    return named or (with_policy if problem.kind in _OF_THE_POLICY else []) or edited


def _warn_of_place(target: SharedTarget, problem: CombinationProblem) -> str:
    return (
        f"{_PLACED} whose `image:` wins, because elsewhere {problem.text}. The other files, read without it, may ask "
        f"Docker Hub for {target.image}, which anyone could register"
    )


def _warn_of_registry(target: SharedTarget, problem: CombinationProblem) -> str:
    return (
        f"without `pull_policy: never`, because with it {problem.text}. So `docker compose up` and `pull` may ask "
        f"Docker Hub for {target.image}, which anyone could register: give the image a name with a registry"
    )


def _format_refusal(services: tuple[str, ...], problem: CombinationProblem) -> str:
    step = f"; {problem.hint}" if problem.hint else ""
    return f"no edit for {join_names(services)}: {problem.text}{step}"
