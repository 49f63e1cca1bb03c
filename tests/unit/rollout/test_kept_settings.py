"""What the images of before set and the shared one does not: told before anything stops, and put back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fake_stack import SHARERS, Stage

from builder.compose.model import ImageOrigin
from builder.core.errors import CheckFailedError, RolledBackError
from builder.rollout.apply import apply_plan
from builder.rollout.kept_settings import check_kept_settings

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import Project

JWT, FERNET = "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__CORE__FERNET_KEY"
CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
NEW = "sha256:new"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path)
    made.start()
    return made


def give(stage: Stage, environment: dict[str, str], services: tuple[str, ...] = SHARERS) -> None:
    """To the images of before."""
    stage.stack.environments |= {f"sha256:old-{name}": environment for name in services}


def write(project: Project, environment: dict[str, Any], services: tuple[str, ...] = SHARERS) -> Project:
    """Into the compose file."""
    changed = {name: replace(project.services[name], environment=environment) for name in services}
    return replace(project, services={**project.services, **changed})


@pytest.mark.parametrize("variable", [JWT, FERNET, CONNECTION, "AIRFLOW__API__SECRET_KEY", "AIRFLOW__CORE__EXECUTOR"])
def test_a_scheduler_that_would_lose_a_setting_stays_as_it_is(stage: Stage, variable: str) -> None:
    give(stage, {variable: "hunter2"}, ("scheduler",))
    before = stage.snapshot()
    with pytest.raises(RolledBackError) as failed:
        apply_plan(stage.context(), stage.work(), stage.hands())
    assert f"scheduler would lose {variable}: its image of before sets it" in failed.value.message
    assert "as they were" in failed.value.message
    assert "hunter2" not in f"{failed.value.message}{failed.value.hint}"
    assert stage.snapshot() == before
    assert stage.file.read_bytes() == stage.before
    assert not [call for call in stage.stack.calls if " up " in call], "nothing was stopped"
    assert stage.verified == [], "nobody waits for a proof of what is refused"


@pytest.mark.parametrize("source", [ImageOrigin.SPEC, ImageOrigin.BUILDER])
def test_no_name_moves_to_an_image_that_lacks_a_setting(stage: Stage, source: ImageOrigin) -> None:
    give(stage, {FERNET: "hunter2"})
    before = stage.snapshot()
    with pytest.raises(RolledBackError, match=f"init, scheduler and web would lose {FERNET}"):
        apply_plan(stage.context(), stage.work(source=source), stage.hands())
    assert stage.snapshot() == before
    assert not [name for name in stage.stack.fuse.names if name.startswith("tagged")]


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        ({JWT: "a"}, {JWT: "a"}, {}),
        ({JWT: "a"}, {JWT: "b"}, {}),
        ({JWT: "a"}, {}, {JWT: "c"}),
        ({JWT: "a"}, {}, {JWT: None}),
        ({JWT: "a"}, {f"{JWT}_CMD": "cat /jwt"}, {}),
        ({JWT: ""}, {}, {}),
        ({"AIRFLOW__WEBSERVER__SECRET_KEY": "a"}, {"AIRFLOW__API__SECRET_KEY": "a"}, {}),
        ({"AIRFLOW__CORE__PARALLELISM": "9"}, {}, {}),
        ({}, {JWT: "a"}, {}),
    ],
)
def test_what_is_kept_or_not_shared(stage: Stage, old: dict[str, str], new: dict[str, str], written: Any) -> None:
    give(stage, old)
    stage.stack.environments[NEW] = new
    check_kept_settings(stage.stack, write(stage.project(), written), stage.target(), NEW)


def test_what_the_file_sets_for_one_and_the_image_for_the_others_must_stay_the_same(stage: Stage) -> None:
    give(stage, {JWT: "hunter2"}, ("init", "scheduler"))
    project = write(stage.project(), {JWT: "hunter2"}, ("web",))
    stage.stack.environments[NEW] = {JWT: "hunter2"}
    check_kept_settings(stage.stack, project, stage.target(), NEW)
    stage.stack.environments[NEW] = {JWT: "hunter3"}
    with pytest.raises(CheckFailedError, match=f"would no longer have the same {JWT}") as failed:
        check_kept_settings(stage.stack, project, stage.target(), NEW)
    assert "hunter" not in failed.value.message


def test_other_services_and_what_never_ran_do_not_count(stage: Stage) -> None:
    stage.stack.environments["sha256:postgres"] = {CONNECTION: "x"}
    stage.stack.boxes.clear()
    give(stage, {JWT: "a"})
    check_kept_settings(stage.stack, stage.project(), stage.target(), NEW)
