"""The state of promoted images says what is, also after names were put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.rollout.journal import TagRecord
from builder.rollout.promotions import forget_promotions
from builder.state import FormerImage, ProjectState, PromotionJournal, TagMove, VerifiedImage, read_state, update_state

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {"demo:latest": "new", "demo-web:latest": "new", "demo:v1": "else"}


def put(folder: Path, engine: str = "engine") -> None:
    project = ProjectState(engine, "demo", NAMES, (FormerImage("old", "tag of old", 1.0),))
    verified = VerifiedImage("new", "demo", "tag of new", "proof", 2.0)
    update_state(folder, lambda state: state.with_project(project).with_verified(verified))


def test_names_point_where_they_pointed(tmp_path: Path) -> None:
    put(tmp_path)
    forget_promotions(
        tmp_path, "engine", (TagRecord("demo:latest", "old", "new"), TagRecord("demo-web:latest", None, "new"))
    )
    project = read_state(tmp_path).find_project("engine", "demo")
    assert project.references == {"demo:latest": "old", "demo:v1": "else"}
    assert [(one.image_id, one.content_tag) for one in project.superseded] == [("new", "tag of new")]


def test_a_name_is_the_same_in_every_spelling(tmp_path: Path) -> None:
    put(tmp_path)
    forget_promotions(tmp_path, "engine", (TagRecord("docker.io/library/demo", "old", "new"),))
    assert read_state(tmp_path).find_project("engine", "demo").references == {**NAMES, "demo:latest": "old"}


def test_another_engine_and_other_images_are_left_alone(tmp_path: Path) -> None:
    put(tmp_path, "another")
    forget_promotions(tmp_path, "engine", (TagRecord("demo:latest", "old", "new"),))
    assert read_state(tmp_path).find_project("another", "demo").references == NAMES
    put(tmp_path)
    forget_promotions(tmp_path, "engine", (TagRecord("demo:latest", "old", "third"),))
    assert read_state(tmp_path).find_project("engine", "demo").references == NAMES


@pytest.mark.parametrize(
    ("engine", "image", "stays"), [("engine", "new", False), ("engine", "another", True), ("another", "new", True)]
)
def test_a_promotion_that_was_killed_is_not_finished_later(
    tmp_path: Path, engine: str, image: str, stays: bool
) -> None:
    """Its names were put back: the next build must not move them again."""
    journal = PromotionJournal(engine, "demo", image, "tag", (TagMove("library/demo:latest", "old"),), 1.0)
    update_state(tmp_path, lambda state: state.with_journal(journal))
    forget_promotions(tmp_path, "engine", (TagRecord("demo:latest", "old", "new"),))
    assert (read_state(tmp_path).find_journal(engine, "demo") is not None) is stays


def test_without_state_none_is_made(tmp_path: Path) -> None:
    forget_promotions(tmp_path / "none", "engine", (TagRecord("demo:latest", "old", "new"),))
    assert not (tmp_path / "none").exists()
