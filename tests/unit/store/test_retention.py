"""Each reason that keeps an image, with the case it must catch and the harmless twin beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fake_image_store import Shelf, identity, image, user

from builder.compose.model import ImageReferences
from builder.core.naming import LABEL_PROJECT
from builder.store.model import (
    LABEL_PROTECT,
    RetentionReason,
    RetentionRules,
    StateSnapshot,
    SupersededImage,
    UnfinishedRun,
)
from builder.store.retention import decide_retention

if TYPE_CHECKING:
    from collections.abc import Callable

APP = identity("app")
OURS = {LABEL_PROJECT: "ml"}


def world(**changes: Any) -> Shelf:
    """One image with the name app:1, and one beside it with which nothing is the matter."""
    shelf = Shelf(**changes)
    shelf.add(image("app", ("base", "app"), "app:1"), image("other", ("base", "other"), "other:1"))
    return shelf


def standing(shelf: Shelf, name: str = "app") -> tuple[str, str]:
    verdict = decide_retention(shelf.snapshot())[identity(name)]
    return verdict.standing.value, verdict.reason


def file(*names: str, **more: Any) -> ImageReferences:
    return ImageReferences("shop", frozenset(names), files=("compose.yaml",), **more)


CASES: dict[str, tuple[Callable[[], Shelf], RetentionReason, str]] = {
    "running": (
        lambda: world(users=[user(APP, "web", "running"), user(APP, "old")]),
        RetentionReason.IN_USE,
        "container web (running) uses it, and 1 more",
    ),
    "stopped": (
        lambda: world(users=[user(APP, "web", "exited")]),
        RetentionReason.IN_USE,
        "container web (exited) uses it",
    ),
    "created": (
        lambda: world(users=[user(APP, "web", "created")]),
        RetentionReason.IN_USE,
        "container web (created) uses it",
    ),
    "by name, where the engine tells no ID": (
        lambda: world(users=[user("", "web", "running", image="app:1")]),
        RetentionReason.IN_USE,
        "container web (running) uses it",
    ),
    "by name, where the engine tells an ID that no image has": (
        lambda: world(users=[user(identity("gone"), "web", "running", image="docker.io/library/app:1")]),
        RetentionReason.IN_USE,
        "container web (running) uses it",
    ),
    "named by a file": (
        lambda: world(mentions=[file("app:1")]),
        RetentionReason.REFERENCED,
        "compose.yaml of shop names app:1",
    ),
    "named by its ID": (
        lambda: world(mentions=[file(APP.removeprefix("sha256:")[:12])]),
        RetentionReason.REFERENCED,
        "compose.yaml of shop names 617070000000",
    ),
    "perhaps named, with a variable": (
        lambda: world(mentions=[file(patterns=frozenset({"app:*"}))]),
        RetentionReason.REFERENCED,
        "compose.yaml of shop names app:* with a variable that has no value here; it may be this one",
    ),
    "once used by a project that cannot be read": (
        lambda: world(mentions=[file(unreadable="compose.yaml is not there", ever_used=frozenset({APP}))]),
        RetentionReason.REFERENCED,
        "shop used it once, and compose.yaml is not there",
    ),
    "a database that a file names": (
        lambda: world(mentions=[file("app:1", databases=frozenset({"app:1"}))]),
        RetentionReason.PROTECTED,
        "a database: compose.yaml of shop names app:1",
    ),
    "a pattern": (
        lambda: world(rules=RetentionRules({"app:*": "--protect"})),
        RetentionReason.PROTECTED,
        "app:1 is protected by --protect (app:*)",
    ),
    "a repository": (
        lambda: world(rules=RetentionRules({"docker.io/library/app": "optbuild.toml"})),
        RetentionReason.PROTECTED,
        "app:1 is protected by optbuild.toml (docker.io/library/app)",
    ),
    "promoted": (
        lambda: world(remembered=StateSnapshot(promoted={APP: "ml:latest"})),
        RetentionReason.PROTECTED,
        "it is promoted as ml:latest",
    ),
    "what only a rollback can bring back": (
        lambda: world(
            remembered=StateSnapshot(kept={APP: "a rollback needs it"}, replaced={APP: SupersededImage(APP, "old")})
        ),
        RetentionReason.KEPT,
        "a rollback needs it",
    ),
    "a promotion that goes on": (
        lambda: world(remembered=StateSnapshot(busy={APP: "a promotion of ml has not ended"})),
        RetentionReason.PROTECTED,
        "a promotion of ml has not ended",
    ),
    "newer than a run that has not ended": (
        lambda: world(
            remembered=StateSnapshot(unfinished=(UnfinishedRun("an optimize of shop", frozenset({identity("other")})),))
        ),
        RetentionReason.PROTECTED,
        "an optimize of shop has not ended, and may have made it",
    ),
    "a journal that cannot be read": (
        lambda: world(remembered=StateSnapshot(doubts=("a.json is broken",))),
        RetentionReason.PROTECTED,
        "a.json is broken, so it is not known whether something needs it",
    ),
    "left by a build that failed": (
        lambda: world(remembered=StateSnapshot(failed=frozenset({APP}))),
        RetentionReason.UNUSED,
        "a build made it and failed; the next build of its project removes it",
    ),
    "nothing": (world, RetentionReason.UNUSED, "no container uses it, and no known file names it"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_an_image_is_and_why(case: str) -> None:
    make, expected, reason = CASES[case]
    assert standing(make()) == (expected.value, reason)


HARMLESS: dict[str, Callable[[], Shelf]] = {
    "a container of another image": lambda: world(users=[user(identity("other"))]),
    "a container of an older image whose name moved": lambda: world(
        users=[user(identity("other"), image="app:1")],
    ),
    "a file that names another tag": lambda: world(mentions=[file("app:2", "myapp:1")]),
    "a pattern of a file for another image": lambda: world(mentions=[file(patterns=frozenset({"app:*-slim"}))]),
    "a project that can be read now": lambda: world(mentions=[file(ever_used=frozenset({APP}))]),
    "a protect pattern for another repository": lambda: world(
        rules=RetentionRules({"ap": "x", "app:2*": "x", "*/app": "x"})
    ),
    "another image promoted": lambda: world(remembered=StateSnapshot(promoted={identity("other"): "ml:latest"})),
    "older than a run that has not ended": lambda: world(
        remembered=StateSnapshot(unfinished=(UnfinishedRun("a run", frozenset({APP, identity("other")})),))
    ),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_the_harmless_twin_keeps_nothing(case: str) -> None:
    assert standing(HARMLESS[case]())[0] == RetentionReason.UNUSED


@pytest.mark.parametrize(("value", "kept"), [("", False), ("false", False), ("0", False), ("true", True), ("db", True)])
def test_a_label_protects_unless_it_says_no(value: str, kept: bool) -> None:
    shelf = Shelf()
    shelf.add(image("app", ("base",), "app:1", labels={LABEL_PROTECT: value}))
    assert (standing(shelf)[0] == RetentionReason.PROTECTED) is kept


def test_without_a_name_and_without_a_user_it_is_dangling() -> None:
    shelf = Shelf()
    shelf.add(image("app", ("base",)))
    assert standing(shelf) == ("dangling", "it has no name, and nothing uses it")


def former(*names: str, keep: int = 2, labels: dict[str, str] | None = None) -> Shelf:
    """Images of the project ml that were promoted once, the oldest first."""
    shelf = Shelf(
        rules=RetentionRules(keep=keep), remembered=StateSnapshot(superseded={"ml": tuple(map(identity, names))})
    )
    shelf.add(*(image(name, ("base", name), labels=OURS if labels is None else labels) for name in names))
    return shelf


def test_the_last_two_stay_for_a_rollback() -> None:
    shelf = former("one", "two", "three")
    found = [standing(shelf, name)[0] for name in ("one", "two", "three")]
    assert found == [RetentionReason.SUPERSEDED, RetentionReason.KEPT, RetentionReason.KEPT]
    assert standing(shelf, "two")[1] == "the last but 1 promoted for ml before the current one"


def test_more_stay_where_a_person_says_so() -> None:
    assert standing(former("one", "two", "three", keep=3), "one")[0] == RetentionReason.KEPT


def test_the_last_two_are_those_that_are_there() -> None:
    shelf = former("one", "two", "three")
    del shelf.images[identity("three")]
    assert standing(shelf, "one")[0] == RetentionReason.KEPT


def test_what_does_not_carry_our_label_is_not_superseded() -> None:
    assert standing(former("one", "two", "three", labels={}), "one")[0] == RetentionReason.DANGLING


def test_what_the_state_does_not_know_is_not_ours_to_delete() -> None:
    shelf = former("one", "two", "three")
    shelf.remembered = StateSnapshot()
    for name in ("one", "two", "three"):
        assert standing(shelf, name)[0] == RetentionReason.PROTECTED
    assert "the state knows nothing of ml" in standing(shelf, "one")[1]


def test_what_compose_built_upon_an_image_of_ours_is_not_taken_for_ours() -> None:
    """It inherits our labels; the state can know nothing of it."""
    built = {**OURS, "com.docker.compose.project": "shop"}
    known = SupersededImage(APP, "the optimize of shop replaced it", frozenset({"app:1"}))
    shelf = Shelf(remembered=StateSnapshot(replaced={APP: known}))
    shelf.add(image("app", ("base", "app"), "app:1", labels=built))
    assert standing(shelf) == ("superseded", "the optimize of shop replaced it")
    shelf = former("one", "two", "three", labels=built)
    assert standing(shelf, "one")[0] == RetentionReason.DANGLING


def test_what_an_optimize_replaced_is_superseded_while_it_has_no_other_name() -> None:
    known = SupersededImage(APP, "the optimize of shop replaced it", frozenset({"app:1", "app:old"}))
    shelf = world(remembered=StateSnapshot(replaced={APP: known}))
    assert standing(shelf) == ("superseded", "the optimize of shop replaced it")
    shelf.tag(APP, "mine:v1")
    assert standing(shelf)[0] == RetentionReason.UNUSED


def test_what_an_image_that_stays_stands_on_stays() -> None:
    shelf = Shelf(users=[user(identity("top"))])
    shelf.add(image("low", ("base",)), image("mid", ("base", "more")), image("top", ("base", "more", "app"), "app:1"))
    shelf.add(image("side", ("base", "side")))
    assert standing(shelf, "low") == ("protected", "app:1 uses all of its layers, and stays")
    assert standing(shelf, "mid")[0] == RetentionReason.PROTECTED
    assert standing(shelf, "side")[0] == RetentionReason.DANGLING


def test_what_an_image_that_stays_was_made_from_stays_over_any_number_of_steps() -> None:
    shelf = Shelf(users=[user(identity("top"))])
    shelf.add(image("low", ("base",)), image("mid", ("base",), parent=identity("low")))
    shelf.add(image("top", ("base",), "app:1", parent=identity("mid")))
    assert standing(shelf, "low")[0] == RetentionReason.PROTECTED
    assert standing(shelf, "mid")[0] == RetentionReason.PROTECTED
    shelf.users.clear()
    assert standing(shelf, "low")[0] == RetentionReason.DANGLING


def test_equal_layers_under_another_id_keep_nothing() -> None:
    shelf = Shelf(users=[user(identity("one"))])
    shelf.add(image("one", ("base", "app")), image("two", ("base", "app")))
    assert standing(shelf, "two")[0] == RetentionReason.DANGLING


def test_an_image_without_layers_is_below_no_other() -> None:
    shelf = Shelf(users=[user(identity("one"))])
    shelf.add(image("one", ("base",)), image("empty", ()))
    assert standing(shelf, "empty")[0] == RetentionReason.DANGLING


def test_use_is_said_before_every_other_reason() -> None:
    shelf = world(users=[user(APP)], mentions=[file("app:1")], rules=RetentionRules({"app": "--protect"}))
    assert standing(shelf)[0] == RetentionReason.IN_USE
    shelf.users.clear()
    assert standing(shelf)[0] == RetentionReason.PROTECTED
    shelf.rules = replace(shelf.rules, patterns={})
    assert standing(shelf)[0] == RetentionReason.REFERENCED
