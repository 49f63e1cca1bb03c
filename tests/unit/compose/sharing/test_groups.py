"""Which services share an image, or should."""

from __future__ import annotations

from typing import Any

import pytest
from project_factories import AIRFLOW, build, facts, project, seed, service

from builder.compose.model import Mount, Project
from builder.compose.sharing.groups import group_services


def groups(made: Project) -> list[tuple[str, ...]]:
    return [group.names for group in group_services(made, {})]


def test_the_seed_project_has_one_group_and_its_database() -> None:
    airflow, database = group_services(seed(), {})
    assert airflow.names == ("airflow-init", "airflow-scheduler", "airflow-webserver")
    assert airflow.airflow
    assert airflow.is_duplicate
    assert airflow.images == (
        "shop-airflow-init:latest",
        "shop-airflow-scheduler:latest",
        "shop-airflow-webserver:latest",
    )
    assert (database.names, database.build, database.images) == (("postgres",), None, ("postgres:13",))
    assert not database.airflow


@pytest.mark.parametrize(
    "change",
    [
        {"context": "/home/ada/other"},
        {"dockerfile": "Dockerfile.web"},
        {"dockerfile_inline": "FROM scratch"},
        {"target": "dev"},
        {"args": (("A", "1"),)},
        {"secrets": ("token",)},
        {"additional_contexts": (("docs", "/home/ada/docs"),)},
        {"platforms": ("linux/arm64",)},
        {"other": (("network", '"host"'),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_builds_that_differ_in_anything_are_not_one(change: dict[str, Any]) -> None:
    made = project(service("a", build=build()), service("b", build=build()), service("c", build=build(**change)))
    assert groups(made) == [("a", "b"), ("c",)]


@pytest.mark.parametrize("name", ["library/app:1", "docker.io/app:1", "index.docker.io/library/app:1"])
def test_what_one_builds_another_uses_in_every_spelling(name: str) -> None:
    made = project(service("a", build=build(), image="app:1"), service("b", image=name), service("c", image="app:2"))
    assert groups(made) == [("a", "b"), ("c",)]


def test_builds_that_are_equal_only_today_are_not_one() -> None:
    written = build(args=(("V", "${ONE}"),)), build(args=(("V", "${OTHER}"),))
    resolved = build(args=(("V", "2"),))
    made = project(*(service(name, build=resolved, raw_build=raw) for name, raw in zip("ab", written, strict=True)))
    assert groups(made) == [("a",), ("b",)]


def test_builds_with_the_same_variable_are_one() -> None:
    keys = {"build": build(args=(("V", "2"),)), "raw_build": build(args=(("V", "${ONE}"),))}
    assert groups(project(service("a", **keys), service("b", **keys))) == [("a", "b")]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"other": (("shm_size", '"1gb"'),)}, {"other": (("shm_size", "1073741824"),)}),
        ({"target": "${T}", "other": (("pull", "true"),)}, {"target": "${T}"}),
    ],
)
def test_one_build_in_two_spellings_is_one(a: dict[str, Any], b: dict[str, Any]) -> None:
    made = project(*(service(name, build=build(), raw_build=build(**raw)) for name, raw in (("a", a), ("b", b))))
    assert groups(made) == [("a", "b")]


def test_an_argument_from_the_environment_is_not_one_with_its_value_of_today() -> None:
    resolved = build(args=(("V", "2"),))
    made = project(service("a", build=resolved), service("b", build=resolved, raw_build=build(args=(("V", None),))))
    assert groups(made) == [("a",), ("b",)]


def test_builds_whose_text_is_not_known_are_one_when_they_resolve_to_one() -> None:
    made = project(service("a", build=build(), raw_build=None), service("b", build=build(), raw_build=None))
    assert groups(made) == [("a", "b")]


def test_another_platform_is_another_image() -> None:
    made = project(service("a", build=build()), service("b", build=build(), platform="linux/arm64"))
    assert groups(made) == [("a",), ("b",)]


def test_tags_of_a_build_are_no_difference() -> None:
    made = project(service("a", build=build(tags=("x:1",))), service("b", build=build()))
    assert groups(made) == [("a", "b")]


def test_who_uses_by_name_what_another_builds_belongs_to_it() -> None:
    made = project(
        service("builder", build=build(), image="shop"),
        service("by-name", image="docker.io/library/shop:latest"),
        service("other-tag", image="shop:2"),
    )
    group, other = group_services(made, {})
    assert group.names == ("builder", "by-name")
    assert group.build is not None
    assert [one.name for one in group.builders] == ["builder"]
    assert other.names == ("other-tag",)


def test_compose_s_default_name_counts_as_a_name() -> None:
    made = project(service("web", build=build()), service("worker", image="shop-web"))
    assert groups(made) == [("web", "worker")]


def test_a_tag_of_the_build_counts_as_a_name() -> None:
    made = project(service("web", build=build(tags=("shop:dev",))), service("worker", image="shop:dev"))
    assert groups(made) == [("web", "worker")]


def test_who_uses_an_image_for_another_platform_does_not_belong_to_its_builder() -> None:
    made = project(
        service("builder", build=build(), image="shop", platform="linux/amd64"),
        service("arm", image="shop", platform="linux/arm64"),
        service("any", image="shop"),
    )
    assert groups(made) == [("any", "builder"), ("arm",)]


def test_services_of_a_foreign_image_are_a_group_without_build() -> None:
    made = project(service("a", image="redis"), service("b", image="redis:latest"), service("c", image="redis:7"))
    one, other = group_services(made, {})
    assert (one.names, one.build, one.images) == (("a", "b"), None, ("redis:latest",))
    assert other.names == ("c",)
    assert not one.is_duplicate


def test_one_tag_of_two_builds_joins_the_first_and_keeps_them_apart() -> None:
    made = project(
        service("a", build=build(), image="x"), service("b", build=build("Other"), image="x"), service("c", image="x")
    )
    assert groups(made) == [("a", "c"), ("b",)]


def test_a_service_without_image_and_build_is_alone_and_has_no_name() -> None:
    group, *_ = group_services(project(service("a"), service("b")), {})
    assert (group.names, group.images) == (("a",), ())


def test_every_service_is_in_exactly_one_group() -> None:
    made = seed(worker={"image": "shop-airflow-init"}, cache={"image": "redis"})
    assert sorted(name for group in groups(made) for name in group) == sorted(made.services)


def test_a_build_gives_its_own_name_and_its_tags() -> None:
    one = service("web", build=build(tags=("shop", "shop:dev")), image="shop:latest")
    assert one.built_names == ("shop:latest", "shop:dev")


@pytest.mark.parametrize(
    "keys",
    [
        {"image": "apache/airflow:2.8.1"},
        {"image": "puckel/docker-airflow"},
        {"image": "registry.example/team/my-airflow:1"},
        {"image": "x", "command": ("airflow", "webserver")},
        {"image": "x", "command": ("bash", "-c", "airflow db init && airflow users create")},
        {"image": "x", "entrypoint": ("/bin/bash",), "command": ("-c", "sleep 5\nexec gosu airflow airflow version")},
        {"image": "x", "mounts": (Mount("bind", "/d", "/opt/airflow/dags"),)},
        {"build": build(), "environment": AIRFLOW},
        {"build": build(), "environment": {"AIRFLOW_HOME": "/airflow"}},
    ],
    ids=str,
)
def test_signs_of_airflow(keys: dict[str, Any]) -> None:
    assert group_services(project(service("web", **keys)), {})[0].airflow


@pytest.mark.parametrize(
    "keys",
    [
        {"image": "postgres:13", "environment": AIRFLOW},
        {
            "build": build("db/Dockerfile"),
            "mounts": (Mount("volume", "d", "/var/lib/postgresql/data"),),
            "environment": AIRFLOW,
        },
        {"image": "prom/airflow-exporter"},
        {"image": "x", "environment": {"AIRFLOW_URL": "http://airflow:8080"}},
        {"image": "x", "command": ("webserver",)},
        {"image": "x", "command": ("celery", "-A", "shop", "worker")},
        {"image": "x", "mounts": (Mount("bind", "/d", "/opt/airflow-exporter"),)},
        {"build": build()},
    ],
    ids=str,
)
def test_no_signs_of_airflow(keys: dict[str, Any]) -> None:
    assert not group_services(project(service("web", **keys)), {})[0].airflow


def test_the_default_name_of_a_project_called_airflow_proves_nothing() -> None:
    made = project(service("api", build=build()), name="airflow")
    assert not group_services(made, {})[0].airflow


def test_a_dockerfile_that_installs_airflow_is_proof() -> None:
    made = project(service("web", build=build()))
    assert group_services(made, {"web": facts(airflow=True)})[0].airflow


def test_shared_variables_prove_nothing_against_a_dockerfile_without_airflow() -> None:
    made = project(service("web", build=build(), environment=AIRFLOW))
    assert not group_services(made, {"web": facts(base="python:3.12")})[0].airflow


def test_weak_signs_that_agree_are_enough_for_a_base_that_nobody_knows() -> None:
    made = project(service("web", build=build(), environment=AIRFLOW, command=("scheduler",)))
    assert group_services(made, {"web": facts(base="registry.example/base:1")})[0].airflow


def test_a_database_s_dockerfile_is_no_airflow_whatever_its_variables_say() -> None:
    made = project(service("db", build=build(), environment=AIRFLOW, command=("scheduler",)))
    assert not group_services(made, {"db": facts(base="postgres:13")})[0].airflow


def test_one_good_sign_of_one_service_speaks_for_the_group() -> None:
    made = project(service("a", build=build()), service("b", build=build(), command=("airflow", "scheduler")))
    assert group_services(made, {})[0].airflow


def test_a_thousand_services_are_grouped_at_once() -> None:
    made = project(*(service(f"s{number}", build=build(f"D{number % 300}")) for number in range(1000)))
    assert len(groups(made)) == 300
