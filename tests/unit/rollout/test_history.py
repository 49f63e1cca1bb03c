"""Which old images a rollback goes back to, and which of them it could build again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from builder.compose.model import ProjectFiles
from builder.rollout.history import choose_previous, find_irreplaceable_images, find_rebuildable_images, iterate_runs
from builder.rollout.journal import FileRecord, Journal, Phase, ReplacedImage, TagRecord

SHARED = "demo-airflow:latest"
FILE = Path("/p/compose.yaml")
EDIT = FileRecord(FILE, b"a", b"b", 0o644, Path("/p/compose.yaml.bak"), Path("/p/t"))


def first(*, after: str = "one", made: tuple[str, ...] = ("one",)) -> Journal:
    """An optimize that rewrites the file of two services."""
    return Journal(
        "0000aaaa",
        ProjectFiles(FILE.parent, (FILE,)),
        "demo",
        "engine",
        Phase.COMMITTED,
        1.0,
        edits=(EDIT,),
        tags=(TagRecord(SHARED, None, after), TagRecord("demo-airflow:optbuild-0000aaaa", None, passing=True)),
        made=made,
        replaced=(ReplacedImage("init", ("demo-init:latest",)), ReplacedImage("web", ("demo-web:latest",))),
    )


def again(last: Journal, before: str, after: str, *, edits: tuple[FileRecord, ...] = ()) -> Journal:
    """A rebuild; with ``edits`` an optimize of a service that came later, which builds the shared image again too."""
    return replace(
        last,
        edits=edits,
        tags=(TagRecord(SHARED, before, after),),
        made=(after,),
        replaced=(
            ReplacedImage(before, (SHARED,)),
            *((ReplacedImage("late", ("demo-late:latest",)),) if edits else ()),
        ),
        previous=choose_previous(last, edits=bool(edits)),
    )


def test_what_the_first_optimize_replaced_is_built_again() -> None:
    assert find_irreplaceable_images(first()) == {}
    assert find_rebuildable_images(first()) == {"init", "web"}


def test_what_a_rebuild_replaced_is_only_there() -> None:
    run = again(first(), "one", "two")
    assert find_irreplaceable_images(run) == {"one": SHARED}
    assert not find_rebuildable_images(run)


def test_to_a_rebuild_before_the_last_no_rollback_goes_back() -> None:
    run = again(again(first(), "one", "two"), "two", "three")
    assert [find_irreplaceable_images(one) for one in iterate_runs(run)] == [{"two": SHARED}, {}]
    assert [find_rebuildable_images(one) for one in iterate_runs(run)] == [frozenset(), {"init", "web"}]


def test_a_shared_image_that_came_from_the_cache_is_an_old_one_too() -> None:
    """Then the build makes what one of the services had, and that one's name leads back to it."""
    run = again(again(first(after="init", made=()), "init", "two"), "two", "three")
    assert [find_rebuildable_images(one) for one in iterate_runs(run)] == [frozenset(), {"init", "web"}]


def test_a_run_that_rewrites_and_rebuilds_goes_back_to_both() -> None:
    run = again(first(after="init", made=()), "init", "two", edits=(EDIT,))
    assert find_irreplaceable_images(run) == {"init": SHARED}
    assert find_rebuildable_images(run) == {"late"}


def test_a_rebuild_that_makes_the_same_image_needs_no_other() -> None:
    assert find_irreplaceable_images(again(first(), "one", "one")) == {}
