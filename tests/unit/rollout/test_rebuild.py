"""What ``--rebuild`` builds, and how it is known once the file does not say it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.compose.model import Build, ImageOrigin, Project, ProjectFiles, Service, SharedTarget
from builder.compose.planned import GroupPlan, Plan
from builder.compose.sharing.groups import ServiceGroup
from builder.core.errors import ComposeError
from builder.rollout.journal import Recipe
from builder.rollout.rebuild import select_rebuild_targets

SHARED = "demo-airflow:latest"
BUILD = Build("/p")
RECIPE = Recipe(SharedTarget(("init", "web"), SHARED, ImageOrigin.IMAGE_ONLY), "web", {"context": "/p"})


def plan(*, builder: bool, target: SharedTarget | None = None, **web: Any) -> Plan:
    """``web``: what else there is to say of both services of Airflow."""
    database = Service("db", image="postgres:13")
    common = {"image": SHARED, "pull_policy": "never"}
    sharers = (
        Service("init", **{**common, "build": BUILD if builder else None, **web}),
        Service("web", **{**common, **web}),
    )
    services = {one.name: one for one in (database, *sharers)}
    project = Project(ProjectFiles(Path("/p"), (Path("/p/c.yaml"),)), "demo", services, {}, {}, {})
    groups = ServiceGroup((database,), airflow=False), ServiceGroup(sharers, airflow=True)
    return Plan(project, (GroupPlan(groups[0], None), GroupPlan(groups[1], target)), (), ())


def test_without_it_only_what_the_plan_changes() -> None:
    target = SharedTarget(("init", "web"), SHARED, ImageOrigin.BUILDER, "init")
    assert select_rebuild_targets(plan(builder=True, target=target), (), None, rebuild=False, service=None) == (target,)
    assert select_rebuild_targets(plan(builder=True), (), None, rebuild=False, service=None) == ()


def test_a_service_that_keeps_its_build_builds() -> None:
    (target,) = select_rebuild_targets(plan(builder=True), (), None, rebuild=True, service="web")
    assert (target.source, target.builder, target.image) == (ImageOrigin.BUILDER, "init", SHARED)


def test_an_earlier_optimize_remembers_how() -> None:
    (target,) = select_rebuild_targets(plan(builder=False), (RECIPE,), None, rebuild=True, service=None)
    assert (target.source, target.services) == (ImageOrigin.IMAGE_ONLY, ("init", "web"))


def test_one_image_under_several_spellings_is_one() -> None:
    made = plan(builder=False)
    init, web = made.groups[1].group.services
    shared = ServiceGroup((init, replace(web, image="docker.io/library/demo-airflow")), airflow=True)
    made = replace(made, groups=(made.groups[0], GroupPlan(shared, None)))
    (target,) = select_rebuild_targets(made, (RECIPE,), None, rebuild=True, service=None)
    assert target.services == ("init", "web")


def test_an_optbuild_toml_says_how() -> None:
    (target,) = select_rebuild_targets(
        plan(builder=False), (), (SHARED, Path("/p/image")), rebuild=True, service="init"
    )
    assert (target.source, target.spec_folder) == (ImageOrigin.SPEC, Path("/p/image"))


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ("web", "says how the image of init and web is built"),
        ("db", "does not share its image with another"),
        ("x", "no service x"),
    ],
)
def test_what_cannot_be_built_is_said(service: str, words: str) -> None:
    with pytest.raises(ComposeError, match=words):
        select_rebuild_targets(plan(builder=False), (), None, rebuild=True, service=service)


def test_a_recipe_that_is_lost_is_said_the_same_without_a_service() -> None:
    with pytest.raises(ComposeError, match="says how the image of init and web is built") as caught:
        select_rebuild_targets(plan(builder=False), (), None, rebuild=True, service=None)
    assert "put `build:` back into one of them" in str(caught.value)


@pytest.mark.parametrize("policy", [None, "always"])
def test_nothing_to_build_is_said(policy: str | None) -> None:
    foreign = plan(builder=False, pull_policy=policy)
    with pytest.raises(ComposeError, match="no image that is built here is shared"):
        select_rebuild_targets(foreign, (), None, rebuild=True, service=None)


def test_what_several_build_is_not_said_to_be_unknown() -> None:
    today = plan(builder=True, build=BUILD)
    with pytest.raises(ComposeError, match="init and web do not share one image"):
        select_rebuild_targets(today, (), None, rebuild=True, service="web")
