"""The one build of a shared image: under a name that nobody uses, with the project's own definition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.compose.model import Build, ImageOrigin, Project, ProjectFiles, Service, SharedTarget
from builder.core.errors import BuildFailedError
from builder.core.process import Command, ProcessResult
from builder.core.progress import SilentProgress
from builder.rollout.compose_build import (
    find_compose_build,
    find_raw_build,
    format_candidate_name,
    format_overlay,
    make_build_command,
    make_missing_image_error,
    run_build,
)
from builder.rollout.journal import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = ProjectFiles(Path("/p"), (Path("/p/compose.yaml"),))
RAW = {"context": "/p", "args": {"TOKEN": "${TOKEN}"}}
TARGET = SharedTarget(("init", "web"), "demo-airflow:latest", ImageOrigin.IMAGE_ONLY)


def project(*, built: bool) -> Project:
    build = Build("/p", tags=("demo:v1",)) if built else None
    services = {name: Service(name, build=build) for name in ("init", "web")}
    raw = {"services": {"init": {"build": RAW} if built else {}}}
    return Project(FILES, "demo", services, {}, None, raw)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("demo-airflow:latest", "demo-airflow:optbuild-0000aaaa"),
        ("demo-airflow", "demo-airflow:optbuild-0000aaaa"),
        ("registry.example:5000/demo:v1", "registry.example:5000/demo:optbuild-0000aaaa"),
        ("registry.example:5000/demo", "registry.example:5000/demo:optbuild-0000aaaa"),
    ],
)
def test_the_passing_name(image: str, expected: str) -> None:
    assert format_candidate_name(image, "0000aaaa") == expected


def test_the_files_say_how_and_what_else_moves() -> None:
    making = find_compose_build(project(built=True), TARGET, None, "0000aaaa")
    assert making is not None
    assert (making.service, making.build, making.tags) == ("init", None, ("demo:v1",))
    assert json.loads(format_overlay(making)) == {"services": {"init": {"image": "demo-airflow:optbuild-0000aaaa"}}}


def test_the_builder_that_was_chosen_builds() -> None:
    target = SharedTarget(("init", "web"), "demo-airflow:latest", ImageOrigin.BUILDER, "web")
    making = find_compose_build(project(built=True), target, None, "0000aaaa")
    assert making is not None
    assert making.service == "web"


def test_an_earlier_run_says_how_and_keeps_no_values() -> None:
    assert find_raw_build(project(built=True), "init") == RAW
    making = find_compose_build(project(built=False), TARGET, Recipe(TARGET, "init", RAW), "0000aaaa")
    assert making is not None
    assert json.loads(format_overlay(making))["services"]["init"]["build"]["args"] == {"TOKEN": "${TOKEN}"}


def test_nobody_knows_how() -> None:
    assert find_compose_build(project(built=False), TARGET, None, "0000aaaa") is None
    assert find_compose_build(project(built=False), TARGET, Recipe(TARGET, "init"), "0000aaaa") is None
    assert "no service in the files builds it" in str(make_missing_image_error(TARGET))


def test_the_command() -> None:
    making = find_compose_build(project(built=True), TARGET, None, "0000aaaa")
    assert making is not None
    command = make_build_command(
        ("docker", "compose"), FILES, making, overlay=Path("/s/o.json"), env={}, run="0000aaaa", no_cache=True
    )
    words = " ".join(command.argv)
    assert words.startswith("docker compose --progress plain --project-directory /p --file /p/compose.yaml ")
    assert words.endswith("--file /s/o.json --profile * build --no-cache -- init")


class Failing:
    """A build that says a secret and fails."""

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> ProcessResult:
        assert on_err is not None
        for number in range(100):
            on_err(f"line {number} with hunter22")
        return ProcessResult(command, 17, "", "")


def test_a_failure_shows_the_end_of_what_was_said_without_secrets() -> None:
    making = find_compose_build(project(built=True), TARGET, None, "0000aaaa")
    assert making is not None
    with pytest.raises(BuildFailedError) as caught:
        run_build(Command(("docker",)), making, Failing(), SilentProgress(), ("hunter22",))
    assert "line 99 with ***" in str(caught.value)
    assert "line 3 " not in str(caught.value)
    assert "hunter22" not in str(caught.value)
