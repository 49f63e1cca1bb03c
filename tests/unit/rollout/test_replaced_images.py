"""Which images an optimize replaces, and what removes them by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fake_stack import SHARED, SHARERS, Stage

from builder.rollout.replaced_images import OldImage, find_replaced_images, format_removal_command

if TYPE_CHECKING:
    from pathlib import Path


def test_the_command_names_what_the_person_would_type() -> None:
    images = (OldImage("sha256:a", ("demo-web:latest",)), OldImage("sha256:b", ("demo-init:latest", "demo-x:latest")))
    kept = OldImage("sha256:c", ("mine:v1",), "a container uses it")
    assert format_removal_command((*images, kept)) == format_removal_command(images)
    assert format_removal_command((OldImage("sha256:d", ()),)) == "docker image rm sha256:d"
    assert format_removal_command(images) == "docker image rm demo-web:latest demo-init:latest demo-x:latest"
    assert format_removal_command(()) == ""


def test_what_services_have_is_seen_by_container_and_by_name(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.start(services=("web", "db"))
    stage.stack.images.add("sha256:newer")
    stage.stack.names["demo-web:latest"] = "sha256:newer"
    found = {one.image_id: one.references for one in find_replaced_images(stage.stack, stage.project(), SHARERS)}
    assert found == {
        "sha256:newer": ("demo-web:latest",),
        "sha256:old-init": ("demo-init:latest",),
        "sha256:old-scheduler": ("demo-scheduler:latest",),
        "sha256:old-web": (),
    }


def test_names_of_the_old_docker_compose_are_superseded_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.stack.images |= {"sha256:v1", "sha256:others"}
    stage.stack.names |= {"demo_web:latest": "sha256:v1", "other_web:latest": "sha256:others"}
    found = {one.image_id: one.references for one in find_replaced_images(stage.stack, stage.project(), SHARERS)}
    assert found["sha256:v1"] == ("demo_web:latest",)
    assert "sha256:others" not in found


def test_a_default_name_is_the_projects_own_after_the_rewrite_too(tmp_path: Path) -> None:
    """`--rebuild` after an optimize: the first shared image still has the name of the service that was built."""
    stage = Stage(tmp_path)
    stage.stack.names[SHARED] = "sha256:old-init"
    stage.stack.names["mine:v1"] = "sha256:old-init"
    stage.file.write_bytes(stage.after)
    (one,) = find_replaced_images(stage.stack, stage.project(), SHARERS)
    assert one.references == (SHARED, "demo-init:latest")
