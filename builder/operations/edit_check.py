"""Ask Compose what an edit does, before anybody sees it: to the project, and to the other ways to read its files.

All calls run at the same time. Answers about files as they are come from a cache where they were given before.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from builder.compose.load.answer_cache import make_key, read_answers, resolve_cache_path, write_answers
from builder.compose.load.combination_list import describe_left_out, list_combinations
from builder.compose.load.combinations import Combination, ask_combination
from builder.compose.load.config import load_config
from builder.compose.load.overlay import OverlaySet
from builder.compose.load.unread_files import find_unread_files
from builder.compose.rewrite.check import prove_edits
from builder.compose.rewrite.combination_check import (
    CombinationComparison,
    CombinationProblem,
    EditVerdict,
    ProblemKind,
    describe_outside_edits,
    is_override,
)
from builder.core.errors import UnprovenEditError
from builder.engine.compose import find_compose

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from builder.compose.load.combinations import CombinationAnswer
    from builder.compose.model import FileEdit, Project, SharedTarget
    from builder.core.runtime import Runtime
    from builder.engine.compose import ComposeCli

MOST_CALLS = max(4, (os.cpu_count() or 1))
"""At the same time. A call takes a tenth of a second of one processor, and waits for files beside that."""

_BY_HAND = "write the keys by hand, or simplify what the service merges and extends"


class EditChecker:
    """One project; ``check`` may be asked for several edits of it."""

    def __init__(self, runtime: Runtime, cli: ComposeCli, project: Project) -> None:
        self._runtime, self._cli, self._project = runtime, cli, project
        self._known: dict[Combination, CombinationAnswer] = {}
        self._keys: dict[Combination, str | None] = {}

    def check(self, edits: tuple[FileEdit, ...], targets: tuple[SharedTarget, ...]) -> EditVerdict:
        """Raises InterruptedByUserError; of what cannot be asked nothing is said."""
        changed = tuple(edit.path for edit in edits)
        unread = find_unread_files(self._project, changed)
        wanted = list_combinations(self._project, edits, targets, unread)
        problems, answers = self._ask_all(edits, targets, wanted.asked)
        notes: list[str] = []
        for combination, pair in zip(wanted.asked, answers, strict=True):
            comparison = CombinationComparison(self._project, combination, pair, targets)
            problems += comparison.find_problems()
            notes += comparison.find_notes()
            notes += self._describe_rivals(combination, comparison)
        used = {path: True for one in unread for path in one.uses}
        notes += [
            *describe_outside_edits(self._project, changed, used),
            *describe_left_out(self._project, wanted.left_out),
        ]
        return EditVerdict(tuple(problems), tuple(dict.fromkeys(notes)))

    def _ask_all(
        self, edits: tuple[FileEdit, ...], targets: tuple[SharedTarget, ...], wanted: tuple[Combination, ...]
    ) -> tuple[list[CombinationProblem], list[tuple[CombinationAnswer, CombinationAnswer]]]:
        """What keeps the project itself from being edited so, and the answers before and after of all others."""
        overlay = {edit.path: edit.after for edit in edits}
        pool = ThreadPoolExecutor(max_workers=MOST_CALLS)
        with OverlaySet() as overlays:
            try:
                proof = pool.submit(self._prove, edits, targets, overlays)
                afters = [pool.submit(self._ask, one, overlay, overlays) for one in wanted]
                befores = self._look_up(wanted, pool)
                answers = [(before, after.result()) for before, after in zip(befores, afters, strict=True)]
                return list(proof.result()), answers
            finally:
                pool.shutdown(cancel_futures=True)

    def _prove(
        self, edits: tuple[FileEdit, ...], targets: tuple[SharedTarget, ...], overlays: OverlaySet
    ) -> tuple[CombinationProblem, ...]:
        runtime, files = self._runtime, self._project.files
        try:
            prove_edits(
                self._project,
                edits,
                targets,
                lambda changed: load_config(
                    files, self._cli, runtime.runner, runtime.env, overlay=changed, overlays=overlays
                ),
            )
        except UnprovenEditError as error:
            return (CombinationProblem(ProblemKind.UNPROVEN, (), error.message, _BY_HAND),)
        return ()

    def _ask(
        self,
        combination: Combination,
        overlay: dict[Path, bytes] | None = None,
        overlays: OverlaySet | None = None,
    ) -> CombinationAnswer:
        return ask_combination(
            combination, self._cli, self._runtime.runner, self._runtime.env, overlay, overlays=overlays
        )

    def _look_up(self, wanted: tuple[Combination, ...], pool: ThreadPoolExecutor) -> list[CombinationAnswer]:
        """The answers about the files as they are, in that order: known from an earlier turn, kept, or asked for."""
        missing = [one for one in wanted if one not in self._known]
        if missing:
            asking: dict[Combination, Future[CombinationAnswer]] = {}
            kept = read_answers(self._cache_path)
            for one in missing:
                key = self._keys[one] = self._make_key(one)
                if key in kept:
                    self._known[one] = kept[key]
                else:
                    asking[one] = pool.submit(self._ask, one)
            self._known |= {one: future.result() for one, future in asking.items()}
            if any(self._keys[one] for one in asking):
                answers = {key: self._known[one] for one, key in self._keys.items() if key and self._known[one].asked}
                write_answers(self._cache_path, answers)
        return [self._known[one] for one in wanted]

    def _make_key(self, combination: Combination) -> str | None:
        """A stack is read faster than Compose says its version."""
        return None if combination.stack else make_key(combination, self._version, self._runtime.env)

    @property
    def _cache_path(self) -> Path:
        return resolve_cache_path(self._runtime.cache_folder, self._project.files)

    @cached_property
    def _version(self) -> str:
        return self._cli.version or find_compose(self._runtime.runner, self._runtime.env).version

    def _describe_rivals(self, combination: Combination, comparison: CombinationComparison) -> tuple[str, ...]:
        rivals = comparison.find_rivals()
        if not rivals or combination.added is None:
            return ()
        alone = self._ask(Combination(replace(self._project.files, files=(combination.added,))))
        return (comparison.format_rival_note(rivals),) if is_override(self._project, rivals, alone) else ()
