"""What ``--rebuild`` builds, and how it is known once the file does not say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.compose.journal import Recipe
from builder.compose.model import Build, Group, GroupPlan, Plan, Project, ProjectFiles, Service, Source, Target
from builder.compose.rebuild import targets_of
from builder.errors import ComposeError

SHARED = "demo-airflow:latest"
BUILD = Build("/p")
RECIPE = Recipe(Target(("init", "web"), SHARED, Source.IMAGE_ONLY), "web", {"context": "/p"})


def plan(*, builder: bool, target: Target | None = None) -> Plan:
    services = {
        "db": Service("db", image="postgres:13"),
        "init": Service("init", image=SHARED, build=BUILD if builder else None, pull_policy="never"),
        "web": Service("web", image=SHARED, pull_policy="never"),
    }
    project = Project(ProjectFiles(Path("/p"), (Path("/p/c.yaml"),)), "demo", services, {}, {}, {})
    shared = Group(("init", "web"), BUILD if builder else None, (SHARED,), airflow=True)
    database = Group(("db",), None, ("postgres:13",), airflow=False)
    return Plan(project, (GroupPlan(database, None), GroupPlan(shared, target)), (), ())


def test_without_it_only_what_the_plan_changes() -> None:
    target = Target(("init", "web"), SHARED, Source.BUILDER, "init")
    assert targets_of(plan(builder=True, target=target), (), None, rebuild=False, service=None) == (target,)
    assert targets_of(plan(builder=True), (), None, rebuild=False, service=None) == ()


def test_a_service_that_keeps_its_build_builds() -> None:
    (target,) = targets_of(plan(builder=True), (), None, rebuild=True, service="web")
    assert (target.source, target.builder, target.image) == (Source.BUILDER, "init", SHARED)


def test_an_earlier_optimize_remembers_how() -> None:
    (target,) = targets_of(plan(builder=False), (RECIPE,), None, rebuild=True, service=None)
    assert (target.source, target.services) == (Source.IMAGE_ONLY, ("init", "web"))


def test_an_optbuild_toml_says_how() -> None:
    (target,) = targets_of(plan(builder=False), (), (SHARED, Path("/p/image")), rebuild=True, service="init")
    assert (target.source, target.spec_folder) == (Source.SPEC, Path("/p/image"))


@pytest.mark.parametrize(
    ("service", "words"),
    [("web", "says how the image of web is built"), ("db", "shares its image with no other"), ("x", "no service x")],
)
def test_what_cannot_be_built_is_said(service: str, words: str) -> None:
    with pytest.raises(ComposeError, match=words):
        targets_of(plan(builder=False), (), None, rebuild=True, service=service)


def test_nothing_to_build_is_said() -> None:
    with pytest.raises(ComposeError, match="no image here is shared"):
        targets_of(plan(builder=False), (), None, rebuild=True, service=None)
