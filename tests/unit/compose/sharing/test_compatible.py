"""Targets are adapted until no way to read the files breaks, or left out with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from project_files import FOLDER, project_of, target

from builder.compose.rewrite.combination_check import CombinationProblem, EditVerdict, ProblemKind
from builder.compose.rewrite.rewrite import rewrite_files
from builder.compose.sharing.compatible import CompatibleTargets
from builder.compose.sharing.options import TargetDecision

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.compose.model import FileEdit, Project, SharedTarget

ONE = "services: {init: {build: .}, web: {build: .}}\n"
DEV = "services: {init: {image: dev:1}, web: {image: dev:1}}\n"
TWO = "services: {init: {build: .}, web: {build: .}, a: {build: ./a}, b: {build: ./a}}\n"
TARGET = target("init", "web", builder="init")
KEPT = target("init", "web", builder="init", image="dev:1", keeps_name=True)
NEVER = CombinationProblem(ProblemKind.NEVER_PULLED, ("web",), "`pull` could not fetch the image of web any more")
STACK = CombinationProblem(ProblemKind.STACK, (), "`deploy` would be refused")
BROKEN = CombinationProblem(ProblemKind.REFUSED, (), "`config` would be refused: no image", "move it away")
Settled = tuple[dict[tuple[str, ...], TargetDecision], tuple["FileEdit", ...], tuple[str, ...]]


def settle(
    project: Project,
    find: Callable[[dict[str, str]], CombinationProblem | None],
    *targets: SharedTarget,
    others: tuple[SharedTarget, ...] = (),
) -> Settled:
    def check(edits: tuple[FileEdit, ...], _targets: tuple[SharedTarget, ...]) -> EditVerdict:
        problem = find({str(edit.path.relative_to(FOLDER)): edit.after.decode() for edit in edits})
        return EditVerdict(() if problem is None else (problem,), ("said",))

    chosen = {one.services: TargetDecision(one, warnings=("mind",)) for one in targets}
    settling = CompatibleTargets(
        project, rewrite_files, check, lambda _target, error: [TargetDecision(one, error.message) for one in others]
    )
    return settling.settle(chosen, rewrite_files(project, targets))


def test_what_breaks_nothing_is_kept() -> None:
    kept, edits, notes = settle(project_of(ONE), lambda _texts: None, TARGET)
    assert (kept[TARGET.services].target, len(edits), notes) == (TARGET, 1, ("said",))


@pytest.mark.parametrize("problem", [NEVER, STACK])
def test_the_policy_is_left_out_with_a_warning(problem: CombinationProblem) -> None:
    kept, edits, _ = settle(project_of(ONE), lambda texts: problem if "never" in texts["compose.yml"] else None, TARGET)
    decision = kept[TARGET.services]
    assert b"pull_policy" not in edits[0].after
    assert decision.target is not None
    assert decision.target.pull_policy is None
    assert decision.warnings[0] == "mind"
    assert decision.warnings[1] == (
        f"without `pull_policy: never`, because with it {problem.text}. So `docker compose up` and `pull` may ask "
        "Docker Hub for shop-airflow:latest, which anyone could register: give the image a name with a registry"
    )


def test_the_policy_stays_where_the_image_is_given() -> None:
    kept, edits, _ = settle(
        project_of(ONE, DEV), lambda texts: NEVER if "never" in texts["compose.yml"] else None, KEPT
    )
    texts = {edit.path.name: edit.after.decode() for edit in edits}
    assert texts["compose.override.yml"].count("never") == 2
    assert texts["compose.yml"].count("image: dev:1") == 2
    assert "stands only in the file whose `image:` wins" in kept[KEPT.services].warnings[1]


def test_and_goes_from_there_too() -> None:
    kept, edits, _ = settle(project_of(ONE, DEV), lambda texts: NEVER if "never" in str(texts) else None, KEPT)
    assert not any(b"never" in edit.after for edit in edits)
    (_, warning) = kept[KEPT.services].warnings
    assert warning.startswith("without `pull_policy: never`")


def test_what_breaks_all_the_same_is_refused() -> None:
    kept, edits, notes = settle(project_of(ONE), lambda _texts: BROKEN, TARGET)
    assert edits == ()
    assert kept[TARGET.services] == TargetDecision(
        None, "it cannot be changed safely: `config` would be refused: no image", (), refused=True
    )
    assert notes == ("no edit for init and web: `config` would be refused: no image; move it away",)


def test_a_problem_that_stays_without_the_policy_is_a_refusal() -> None:
    kept, edits, _ = settle(project_of(ONE), lambda _texts: NEVER, TARGET)
    assert (edits, kept[TARGET.services].refused) == ((), True)


def test_only_the_group_that_it_is_about() -> None:
    other = target("a", "b", builder="a", image="other:1")
    kept, _, _ = settle(
        project_of(TWO), lambda texts: NEVER if texts["compose.yml"].count("never") > 2 else None, TARGET, other
    )
    policies = [one.target and one.target.pull_policy for _, one in sorted(kept.items())]
    assert policies == ["never", None]


def test_what_is_shared_already_is_left_as_it_is() -> None:
    shared = "services: {init: {build: ., image: dev:1}, web: {image: dev:1}}\n"
    kept, edits, _ = settle(project_of(shared), lambda _texts: NEVER, KEPT)
    assert edits == ()
    assert kept[KEPT.services].reason.startswith("already shared, without a pull policy: with it, `pull` could not")
    assert not kept[KEPT.services].refused


def test_another_builder_is_tried_where_one_is_refused() -> None:
    other = target("init", "web", builder="web")
    kept, edits, notes = settle(
        project_of(ONE),
        lambda texts: BROKEN if "build" in texts["compose.yml"].split("web:")[0] else None,
        TARGET,
        others=(other,),
    )
    assert kept[TARGET.services] == TargetDecision(other, BROKEN.text)
    assert (len(edits), notes) == (1, ("said",))


def test_until_there_is_none_left() -> None:
    other = target("init", "web", builder="web")
    kept, edits, notes = settle(project_of(ONE), lambda _texts: BROKEN, TARGET, others=(other, other))
    assert (edits, kept[TARGET.services].refused, len(notes)) == ((), True, 1)
