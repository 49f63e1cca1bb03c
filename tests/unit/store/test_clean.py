"""What a plan takes and leaves, and what happens when the world moves while it is carried out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fake_image_store import Shelf, identity, image, user

from builder.compose.model import ImageReferences
from builder.core.naming import LABEL_PROJECT
from builder.store.clean import GONE, NOT_SAVED, CleanOptions, execute_clean_plan, make_clean_plan
from builder.store.model import Amount, RetentionRules, StateSnapshot, SupersededImage
from builder.store.select import parse_filter

if TYPE_CHECKING:
    from builder.store.model import InventorySnapshot

NOW = 1_000_000.0
ALL = CleanOptions(unused=True)


def runtime() -> Shelf:
    shelf = Shelf()
    shelf.add(image("bare", ("base", "bare")), image("app", ("base", "app"), "app:1", "app:2"))
    return shelf


def going(shelf: Shelf, options: CleanOptions = ALL) -> list[str]:
    return [choice.row.image.id for choice in make_clean_plan(shelf.snapshot(), options, now=NOW).going]


def why(shelf: Shelf, name: str, options: CleanOptions = ALL) -> str:
    choices = make_clean_plan(shelf.snapshot(), options, now=NOW).choices
    return next(choice.reason for choice in choices if choice.row.image.id == identity(name))


def test_what_has_a_name_goes_only_when_asked_for() -> None:
    assert going(runtime(), CleanOptions()) == [identity("bare")]
    assert set(going(runtime())) == {identity("bare"), identity("app")}


def test_a_filter_narrows_and_says_so() -> None:
    options = replace(ALL, filters=(parse_filter("name=app:*"),))
    assert going(runtime(), options) == [identity("app")]
    assert why(runtime(), "bare", options) == "the filter leaves it out"


@pytest.mark.parametrize(("created", "since", "goes"), [(0.0, 0.0, True), (NOW - 5, 0.0, False), (0.0, NOW - 5, False)])
def test_what_is_young_or_was_in_use_lately_stays(created: float, since: float, goes: bool) -> None:
    shelf = Shelf(remembered=StateSnapshot(since={identity("bare"): since}))
    shelf.add(image("bare", ("base",), created=created))
    assert bool(going(shelf, CleanOptions(min_age=10))) is goes
    assert goes or why(shelf, "bare", CleanOptions(min_age=10)) == "it is younger than --min-age"


def test_an_image_goes_only_when_all_go_that_stand_on_it() -> None:
    shelf = Shelf()
    shelf.add(image("low", ("base",)), image("top", ("base", "app"), "app:1"))
    assert going(shelf, CleanOptions()) == []
    assert (
        why(shelf, "low", CleanOptions())
        == "app:1 uses all of its layers, and stays: removing this one would free nothing"
    )
    assert going(shelf) == [identity("top"), identity("low")], "the upper one first"


def test_the_steps_of_the_classic_builder_go_with_what_was_made_from_them() -> None:
    shelf = Shelf()
    shelf.add(image("one", ("base",)), image("two", ("base", "x"), parent=identity("one")))
    shelf.add(image("top", ("base", "x", "app"), "app:1", parent=identity("two")))
    planned = make_clean_plan(shelf.snapshot(), ALL, now=NOW)
    assert [choice.row.image.id for choice in planned.going] == [identity("top"), identity("two"), identity("one")]
    assert execute_clean_plan(planned, shelf, shelf.snapshot).freed == planned.frees == Amount(80)
    assert not shelf.images


def test_every_name_is_taken_before_the_image_goes() -> None:
    shelf = runtime()
    execute_clean_plan(make_clean_plan(shelf.snapshot(), ALL, now=NOW), shelf, shelf.snapshot)
    assert not shelf.images
    assert "untag app:1" in shelf.steps


def disturbed(shelf: Shelf, options: CleanOptions, number: int, event: object) -> list[tuple[str, str]]:
    """Carry a plan out while ``event`` happens before reading number ``number``; what stayed and why."""
    planned, count = make_clean_plan(shelf.snapshot(), options, now=NOW), 0

    def read() -> InventorySnapshot:
        nonlocal count
        if count == number:
            event()  # type: ignore[operator]  # the table holds callables of several kinds
        count += 1
        return shelf.snapshot()

    return [(row.image.id, reason) for row, reason in execute_clean_plan(planned, shelf, read).skipped]


def test_a_container_that_starts_after_the_preview_keeps_its_image() -> None:
    shelf = runtime()
    skipped = disturbed(shelf, CleanOptions(), 0, lambda: shelf.users.append(user(identity("bare"), "late", "running")))
    assert skipped == [(identity("bare"), "container late (running) uses it")]
    assert identity("bare") in shelf.images


def only_app(**more: Any) -> tuple[Shelf, CleanOptions]:
    shelf = Shelf(**more)
    shelf.add(image("app", ("base", "app"), "app:1", "app:2", "app:3"))
    return shelf, ALL


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_container_that_starts_between_two_names_gives_both_back(number: int) -> None:
    shelf, options = only_app()
    skipped = disturbed(shelf, options, number, lambda: shelf.users.append(user(identity("app"), "late", "created")))
    assert [reason for _, reason in skipped] == ["container late (created) uses it"]
    assert shelf.list_references(identity("app")) == ("app:1", "app:2", "app:3")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_file_that_names_what_was_just_taken_brings_it_back(number: int) -> None:
    shelf, options = only_app()
    named = ImageReferences("shop", frozenset({"app:1"}), files=("compose.yaml",))
    assert disturbed(shelf, options, number, lambda: shelf.mentions.append(named))
    assert shelf.list_references(identity("app")) == ("app:1", "app:2", "app:3")


def test_a_rule_that_is_written_meanwhile_counts() -> None:
    shelf, options = only_app()
    skipped = disturbed(shelf, options, 1, lambda: setattr(shelf, "rules", RetentionRules({"app:*": "optbuild.toml"})))
    assert "is protected by optbuild.toml" in skipped[0][1]


def test_a_name_that_it_got_since_the_preview_keeps_an_image() -> None:
    shelf, options = only_app()
    skipped = disturbed(shelf, options, 1, lambda: shelf.tag(identity("app"), "mine:v1"))
    assert [reason for _, reason in skipped] == ["it got the name mine:v1 since the preview"]
    assert shelf.list_references(identity("app")) == ("app:1", "app:2", "app:3", "mine:v1")


def test_what_somebody_else_removed_is_no_merit_of_ours() -> None:
    shelf = runtime()
    skipped = disturbed(shelf, CleanOptions(), 0, lambda: shelf.images.pop(identity("bare")))
    assert skipped == [(identity("bare"), GONE)]


def test_a_name_that_somebody_moves_meanwhile_stays_where_it_is() -> None:
    shelf, options = only_app()
    shelf.add(image("other", ("base", "other"), "other:1"))
    shelf.mentions.append(ImageReferences("shop", frozenset({"other:1"})))
    moved = iter([True])

    def before(words: str) -> None:
        if words == "untag app:2" and next(moved, False):
            shelf.users.append(user(identity("app"), "late"))
            shelf.tag(identity("other"), "app:1")

    shelf.before_step = before
    done = execute_clean_plan(make_clean_plan(shelf.snapshot(), options, now=NOW), shelf, shelf.snapshot)
    assert not done.removed
    assert shelf.list_references(identity("app")) == ("app:2", "app:3")
    assert shelf.find_image_id("app:1") == identity("other")


def test_an_engine_that_fails_half_way_leaves_all_names() -> None:
    shelf, options = only_app()

    def fails(words: str) -> None:
        if words.startswith("remove"):
            raise OSError("the engine went away")

    shelf.before_step = fails
    with pytest.raises(OSError, match="went away"):
        execute_clean_plan(make_clean_plan(shelf.snapshot(), options, now=NOW), shelf, shelf.snapshot)
    assert shelf.list_references(identity("app")) == ("app:1", "app:2", "app:3")


def test_only_what_a_backup_holds_goes() -> None:
    shelf = runtime()
    planned = make_clean_plan(shelf.snapshot(), ALL, now=NOW)
    saved = {identity("app"): frozenset({"app:1", "app:2"})}
    done = execute_clean_plan(planned, shelf, shelf.snapshot, saved=saved)
    assert [row.image.id for row in done.removed] == [identity("app")]
    assert [(row.image.id, reason) for row, reason in done.skipped] == [(identity("bare"), NOT_SAVED)]


def test_a_name_that_the_backup_does_not_hold_keeps_the_image() -> None:
    shelf, options = only_app()
    planned = make_clean_plan(shelf.snapshot(), options, now=NOW)
    saved = {identity("app"): frozenset({"app:1", "app:2"})}
    done = execute_clean_plan(planned, shelf, shelf.snapshot, saved=saved)
    assert [reason for _, reason in done.skipped] == ["it has a name that the backup does not hold"]


def test_lost_state_removes_nothing_of_ours() -> None:
    names = [f"i{number}" for number in range(5)]
    shelf = Shelf(remembered=StateSnapshot(superseded={"ml": tuple(map(identity, names))}))
    shelf.add(*(image(name, ("base", name), labels={LABEL_PROJECT: "ml"}) for name in names))
    assert going(shelf) == [identity("i0"), identity("i1"), identity("i2")]
    shelf.remembered = StateSnapshot()
    assert going(shelf) == []


def test_what_an_optimize_replaced_goes_without_being_asked_for() -> None:
    shelf, _ = only_app()
    former = SupersededImage(identity("app"), "replaced", frozenset({"app:1", "app:2", "app:3"}))
    shelf.remembered = StateSnapshot(replaced={identity("app"): former})
    assert going(shelf, CleanOptions()) == [identity("app")]
    shelf.tag(identity("app"), "mine:v1")
    assert going(shelf, CleanOptions()) == []
    assert "it also has the name mine:v1" in why(shelf, "app", CleanOptions())


def test_what_is_freed_is_measured_not_promised() -> None:
    shelf = runtime()
    planned = make_clean_plan(shelf.snapshot(), CleanOptions(), now=NOW)
    twin = image("twin", ("base", "bare"), "twin:1")
    count = 0

    def read() -> InventorySnapshot:
        nonlocal count
        count += 1
        if count == 2:
            shelf.add(twin)  # somebody builds the same layers meanwhile
        return shelf.snapshot()

    done = execute_clean_plan(planned, shelf, read)
    assert planned.frees == Amount(40)
    assert (len(done.removed), done.freed) == (1, Amount(0))
