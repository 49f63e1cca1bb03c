"""OB203: tags that move. OB206: names of ours that mean another image now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from project_factories import build, facts, image, project, seed, service

from builder.compose.rules.context import RuleContext
from builder.compose.rules.tags import explain_floating_tag, find_floating_tags, find_moved_names
from builder.compose.sharing.groups import group_services

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "name",
    [
        "redis",
        "redis:latest",
        "grafana/grafana",
        "localhost:5000/x",
        "nginx:alpine",
        "x:stable",
        "x:1.2-nightly",
        "python:3",
        "apache/airflow:latest-python3.11",
        "apache/airflow:2",
        "docker.io/library/node:18",
        "index.docker.io/apache/airflow:2",
        "x:main",
        "python:3-slim",
    ],
)
def test_moving(name: str) -> None:
    assert explain_floating_tag(name)


@pytest.mark.parametrize(
    "name",
    [
        "postgres:13",
        "redis:7.2-bookworm",
        "redis:7",
        "apache/airflow:2.8.1",
        "apache/airflow:slim-2.8.1-python3.11",
        "x@sha256:00",
        "redis:latest@sha256:00",
        "localhost:5000/x:1.0",
        "python:3.11-slim",
        "x:2024-01-01",
        "x:abc1234",
        "minio/minio:RELEASE.2024-01-01T00-00-00Z",
        "x:sha-0123abc",
        "x:v1.2.3",
    ],
)
def test_staying(name: str) -> None:
    assert explain_floating_tag(name) is None


def test_one_finding_for_all_users_of_an_image() -> None:
    made = project(service("a", image="redis"), service("b", image="redis"), service("c", image="postgres:13"))
    (found,) = find_floating_tags(RuleContext(made))
    assert found.services == ("a", "b")
    assert "redis:latest" in (found.fix or "")


def test_a_default_is_looked_at_and_a_bare_variable_is_not() -> None:
    made = project(service("a", image="${X:-redis:latest}"), service("b", image="${Y}"), service("c", image="x:$TAG"))
    assert [one.services for one in find_floating_tags(RuleContext(made))] == [("a",)]


@pytest.mark.parametrize(
    ("image", "dockerfile", "silent"),
    [
        ("scraper-portal:latest", "Dockerfile", True),
        ("portal", "Dockerfile.prod", True),
        ("scraper", "scraper/Dockerfile", True),
        ("scraper:dev", "scraper/Dockerfile", True),
        ("scraper-portal:latest", None, False),
        ("scraper", "other/Dockerfile", False),
        ("registry.example/portal:latest", "Dockerfile", False),
        ("acme/portal:latest", "Dockerfile", False),
        ("python:latest", "python/Dockerfile", False),
        ("redis", "redis/Dockerfile", False),
    ],
)
def test_what_a_dockerfile_beside_makes_has_no_release(
    tmp_path: Path, image: str, dockerfile: str | None, *, silent: bool
) -> None:
    folder = tmp_path / "portal"
    for path in (folder / dockerfile,) if dockerfile else ():
        path.parent.mkdir(parents=True)
        path.touch()
    made = project(service("a", image=image), name="portal")
    made = replace(made, files=replace(made.files, directory=folder))
    assert (list(find_floating_tags(RuleContext(made))) == []) is silent


def test_our_own_images_may_be_called_latest() -> None:
    made = project(
        service("web", image="shop:latest", build=build()),
        service("worker", image="shop"),
        service("other", image="ml-airflow:latest"),
        service("third", image="promoted"),
    )
    look = RuleContext(made, spec_image="ml-airflow:latest", promoted={"promoted:latest": "sha256:1"})
    assert list(find_floating_tags(look)) == []


def test_an_image_that_nobody_may_pull_is_made_here() -> None:
    """A rewritten file on another machine: no build in it, and no promotion known."""
    keys = {"image": "shop-airflow:latest", "pull_policy": "never"}
    assert list(find_floating_tags(RuleContext(project(service("web", **keys), service("worker", **keys))))) == []
    made = project(service("web", **keys), service("worker", image="shop-airflow:latest"))
    assert [one.services for one in find_floating_tags(RuleContext(made))] == [("web", "worker")]


def test_a_from_that_moves_is_told_once_with_its_line() -> None:
    made = seed()
    base = facts(airflow=True, base="apache/airflow:latest")
    stage = type("Stage", (), {"line": 3})()
    known = {name: replace(base, chain=(stage,)) for name in ("airflow-init", "airflow-webserver")}
    (found,) = find_floating_tags(RuleContext(made, group_services(made, known), known))
    assert (found.where.file, found.where.line) == ("Dockerfile.airflow", 3)
    assert found.services == ("airflow-init", "airflow-webserver")


class TestPromoted:
    made = project(service("web", image="ml"), service("worker", image="docker.io/library/ml:latest"))

    def test_as_promoted(self) -> None:
        images = {"ml:latest": image("sha256:1")}
        assert list(find_moved_names(RuleContext(self.made, images=images, promoted={"ml:latest": "sha256:1"}))) == []

    def test_moved(self) -> None:
        images = {"ml:latest": image("sha256:222222222222222")}
        (found,) = find_moved_names(
            RuleContext(self.made, images=images, promoted={"ml:latest": "sha256:111111111111111"})
        )
        assert found.services == ("web", "worker")
        assert "222222222222 now" in found.message
        assert "111111111111" in found.message

    def test_gone(self) -> None:
        (found,) = find_moved_names(
            RuleContext(self.made, images={"ml:latest": None}, promoted={"ml:latest": "sha256:1"})
        )
        assert "not on this engine" in found.message

    def test_without_engine_or_for_names_of_others_nothing_is_said(self) -> None:
        assert list(find_moved_names(RuleContext(self.made, promoted={"ml:latest": "sha256:1"}))) == []
        assert list(find_moved_names(RuleContext(self.made, images={"ml:latest": image("sha256:2")}))) == []
