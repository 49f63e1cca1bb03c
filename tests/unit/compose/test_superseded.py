"""Which old images may go: none that anybody uses, names, protects or promoted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from swap_world import SHARED, SHARERS, Stage, World

from builder.compose.journal import Journal, Phase, Replaced, TagRecord
from builder.compose.model import ProjectFiles
from builder.compose.superseded import Protection, clean, names_in, old_images, removal_command, replaced_by
from builder.engine.stack import Container

KEPT = "it is promoted, or kept for a rollback of a promotion"
JOURNAL = Journal(
    "0000aaaa",
    ProjectFiles(Path("/p"), (Path("/p/compose.yaml"),)),
    "demo",
    "engine",
    Phase.COMMITTED,
    0.0,
    tags=(TagRecord(SHARED, None, "sha256:new"),),
    replaced=(Replaced("sha256:a", ("demo-web:latest",)), Replaced("sha256:b", ("demo-init:latest", "demo-x:latest"))),
)


def world(**names: str) -> World:
    made = World(Path("/p"))
    made.names = {"demo-web:latest": "sha256:a", "demo-init:latest": "sha256:b", "demo-x:latest": "sha256:b", **names}
    made.images = {"sha256:a", "sha256:b", "sha256:new"}
    return made


class Refusing(World):
    """Somebody takes each image into use at the last moment."""

    def remove(self, image_id: str) -> bool:
        return False


def test_what_nobody_uses_goes_and_nothing_else() -> None:
    engine = world()
    removed = clean(engine, JOURNAL, Protection())
    assert [one.image_id for one in removed] == ["sha256:a", "sha256:b"]
    assert engine.images == {"sha256:new"}


def test_the_command_names_what_the_person_would_type() -> None:
    images = old_images(world(), JOURNAL, Protection())
    assert removal_command(images) == "docker image rm demo-web:latest demo-init:latest demo-x:latest"
    assert removal_command(()) == ""


def used(engine: World) -> Protection:
    engine.boxes["other"] = Container("c", "other", "", 1, "sha256:a", "created")
    return Protection()


def renamed(engine: World) -> Protection:
    engine.names["mine:v1"] = "sha256:a"
    return Protection()


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (used, "a container uses it"),
        (renamed, "it also has the name mine:v1, which is not of this project"),
        (lambda _: Protection(names=frozenset({"demo-web:latest"})), "the files name demo-web:latest"),
        (lambda _: Protection(patterns=("demo-w*",)), "demo-web:latest is protected by optbuild.toml"),
        (
            lambda _: Protection(image_ids=frozenset({"sha256:a"})),
            "it is promoted, or kept for a rollback of a promotion",
        ),
    ],
)
def test_what_is_kept_and_why(prepare: Any, reason: str) -> None:
    engine = world()
    protection = prepare(engine)
    kept = {one.image_id: one.kept for one in old_images(engine, JOURNAL, protection)}
    assert kept == {"sha256:a": reason, "sha256:b": ""}
    clean(engine, JOURNAL, protection)
    assert "sha256:a" in engine.images
    assert "sha256:b" not in engine.images


def test_a_conflict_is_a_skip() -> None:
    assert clean(Refusing(**vars(world())), JOURNAL, Protection()) == ()


def test_the_shared_image_is_never_an_old_one() -> None:
    engine = world(**{"demo-web:latest": "sha256:new"})
    journal = Journal(**{**vars(JOURNAL), "replaced": (Replaced("sha256:new", ("demo-web:latest",)),)})
    assert old_images(engine, journal, Protection()) == ()


def test_what_services_have_is_seen_by_container_and_by_name(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.start(services=("web", "db"))
    stage.world.images.add("sha256:newer")
    stage.world.names["demo-web:latest"] = "sha256:newer"
    found = {one.image_id: one.references for one in replaced_by(stage.world, stage.project(), SHARERS)}
    assert found == {
        "sha256:newer": ("demo-web:latest",),
        "sha256:old-init": ("demo-init:latest",),
        "sha256:old-scheduler": ("demo-scheduler:latest",),
        "sha256:old-web": (),
    }
    assert names_in(stage.project()) == {"postgres:13", *(f"demo-{name}:latest" for name in SHARERS)}


def test_names_of_the_old_docker_compose_are_superseded_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.world.images |= {"sha256:v1", "sha256:others"}
    stage.world.names |= {"demo_web:latest": "sha256:v1", "other_web:latest": "sha256:others"}
    found = {one.image_id: one.references for one in replaced_by(stage.world, stage.project(), SHARERS)}
    assert found["sha256:v1"] == ("demo_web:latest",)
    assert "sha256:others" not in found


def test_a_default_name_is_the_projects_own_after_the_rewrite_too(tmp_path: Path) -> None:
    """`--rebuild` after an optimize: the first shared image still has the name of the service that was built."""
    stage = Stage(tmp_path)
    stage.world.names[SHARED] = "sha256:old-init"
    stage.world.names["mine:v1"] = "sha256:old-init"
    stage.file.write_bytes(stage.after)
    (one,) = replaced_by(stage.world, stage.project(), SHARERS)
    assert one.references == (SHARED, "demo-init:latest")


def test_what_earlier_runs_left_is_named_as_long_as_it_is_there() -> None:
    engine = world()
    engine.images.add("sha256:first")
    journal = replace(
        JOURNAL, run="0000bbbb", replaced=(Replaced("sha256:first"),), previous=JOURNAL, tags=JOURNAL.tags
    )
    found = {one.image_id: one.kept for one in old_images(engine, journal, Protection())}
    assert found == {"sha256:first": "", "sha256:a": "", "sha256:b": ""}
