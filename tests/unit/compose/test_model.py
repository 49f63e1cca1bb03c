"""The image names that a service carries, and what a group knows of its services."""

from __future__ import annotations

import pytest
from project_factories import build, project, service

from builder.compose import model
from builder.compose.sharing.groups import ServiceGroup

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("written", "name", "normalized"),
    [
        (None, "shop-web:latest", "shop-web:latest"),
        ("library/postgres", "library/postgres:latest", "postgres:latest"),
        ("docker.io/postgres:13", "docker.io/postgres:13", "postgres:13"),
        ("localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"),
        (f"docker.io/library/app:1@{DIGEST}", f"docker.io/library/app:1@{DIGEST}", f"app@{DIGEST}"),
        ("app:${TAG}", "app:${TAG}", "app:${TAG}"),
        ("docker.io/library/${APP}", "docker.io/library/${APP}:latest", "${APP}:latest"),
    ],
)
def test_a_service_carries_its_name_as_it_is_written_and_for_comparisons(
    written: str | None, name: str, normalized: str
) -> None:
    web = service("web", build=build(), image=written)
    assert (web.image_name, web.normalized_image_name) == (name, normalized)


def test_a_name_is_normalised_once_for_all_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def normalize(text: str) -> str:
        asked.append(text)
        return text

    monkeypatch.setattr(model, "normalize_image_name", normalize)
    web = service("web", build=build(tags=("b:1",)), image="a:1")
    for _ in range(3):
        assert web.built_names == ("a:1", "b:1")
        assert web.normalized_image_name == "a:1"
    assert asked == ["a:1", "b:1"]


def test_a_project_of_another_name_gives_other_names() -> None:
    web = service("web", build=build())
    assert project(web, name="other").services["web"].image_name == "other-web:latest"


def test_only_a_build_gives_names() -> None:
    assert service("web", image="a").built_names == ()


def test_a_group_knows_who_builds_and_each_image_once() -> None:
    services = service("a", image="x"), service("b", image="docker.io/x", build=build()), service("c")
    group = ServiceGroup(services, airflow=False)
    assert group.names == ("a", "b", "c")
    assert (group.builders, group.build) == ((services[1],), build())
    assert group.images == ("x:latest", "docker.io/x:latest")
    assert group.normalized_images == ("x:latest",)
