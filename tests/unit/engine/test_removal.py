"""Names and images are taken away, or all of it stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fake_image_store import Shelf, identity, image, user

from builder.engine.removal import CONFLICT, remove_image

if TYPE_CHECKING:
    from collections.abc import Callable

APP = identity("app")
NAMES = ("app:1", "app:2", "app:3")


def shelf(**more: Any) -> Shelf:
    made = Shelf(**more)
    made.add(image("app", ("base", "app"), *NAMES))
    return made


def never(_taken: tuple[str, ...]) -> str:
    return ""


def test_an_image_goes_with_all_its_names_the_last_one_by_its_id() -> None:
    made = shelf()
    assert remove_image(made, APP, never) == ""
    assert made.images == {}
    assert made.steps == ["untag app:1", "untag app:2", f"remove {APP}"]


def test_an_image_without_a_name_goes() -> None:
    made = Shelf()
    made.add(image("bare", ("base",)))
    assert remove_image(made, identity("bare"), never) == ""
    assert made.images == {}


def test_a_conflict_is_a_skip() -> None:
    made = shelf(users=[user(APP)])
    assert remove_image(made, APP, never) == CONFLICT
    assert made.list_references(APP) == NAMES


def test_the_reason_is_asked_for_before_each_step_with_the_names_that_are_taken() -> None:
    asked: list[tuple[str, ...]] = []

    def note(taken: tuple[str, ...]) -> str:
        asked.append(taken)
        return ""

    remove_image(shelf(), APP, note)
    assert asked == [(), ("app:1",), ("app:1", "app:2")]


@pytest.mark.parametrize("steps", range(3))
def test_a_reason_at_any_step_gives_every_name_back(steps: int) -> None:
    made = shelf()
    reason = remove_image(made, APP, lambda taken: "a file names it" if len(taken) == steps else "")
    assert reason == "a file names it"
    assert made.list_references(APP) == NAMES
    assert not any(step.startswith("remove") for step in made.steps)
    assert len([step for step in made.steps if step.startswith("untag")]) == steps


def raising(word: str) -> Callable[[str], None]:
    def before(step: str) -> None:
        if step.startswith(word):
            raise KeyboardInterrupt

    return before


@pytest.mark.parametrize("word", ["untag app:2", "remove"])
def test_whoever_interrupts_it_finds_every_name(word: str) -> None:
    made = shelf()
    made.before_step = raising(word)
    with pytest.raises(KeyboardInterrupt):
        remove_image(made, APP, never)
    assert made.list_references(APP) == NAMES


def test_a_name_that_somebody_took_meanwhile_is_not_taken_from_them() -> None:
    made = shelf()
    made.add(image("other", ("base", "other"), "other:1"))

    def move(taken: tuple[str, ...]) -> str:
        if len(taken) == 2:
            made.tag(identity("other"), "app:1")
            return "late"
        return ""

    assert remove_image(made, APP, move) == "late"
    assert made.find_image_id("app:1") == identity("other")
    assert made.list_references(APP) == ("app:2", "app:3")


def test_an_image_that_went_meanwhile_gets_no_name_back() -> None:
    made = shelf()

    def go(taken: tuple[str, ...]) -> str:
        if taken:
            made.images.pop(APP)
            return "gone"
        return ""

    assert remove_image(made, APP, go) == "gone"
    assert not any(step.startswith("tag") for step in made.steps)


class Hasty(Shelf):
    """Interrupted directly after a name is taken."""

    def untag(self, reference: str) -> None:
        super().untag(reference)
        raise KeyboardInterrupt


def test_a_name_that_was_taken_in_the_moment_of_an_interruption_comes_back() -> None:
    made = Hasty()
    made.add(image("app", ("base", "app"), *NAMES))
    with pytest.raises(KeyboardInterrupt):
        remove_image(made, APP, never)
    assert made.list_references(APP) == NAMES


class Moving(Shelf):
    """Somebody moves a name between two questions."""

    def list_references(self, image_id: str) -> tuple[str, ...]:
        found = super().list_references(image_id)
        if "app:1" in found:
            self.tag(identity("other"), "app:1")
        return found


def test_a_name_that_moves_between_two_questions_is_not_taken() -> None:
    made = Moving()
    made.add(image("other", ("base", "other"), "other:1"), image("app", ("base", "app"), *NAMES))
    assert remove_image(made, APP, never) == ""
    assert made.find_image_id("app:1") == identity("other")
