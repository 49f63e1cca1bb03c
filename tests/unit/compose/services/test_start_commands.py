"""What a service of an Airflow image starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from project_factories import build, facts, service

from builder.compose.services.start_commands import guess_role, is_official_image, parse_start_command

OFFICIAL = facts(airflow=True, base="apache/airflow:2.8.1")


def calls(**keys: Any) -> list[str]:
    return [" ".join(call) for call in parse_start_command(service("x", build=build(), **keys), OFFICIAL).calls]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"command": ("webserver",)}, ["webserver"]),
        ({"command": ("airflow", "scheduler")}, ["scheduler"]),
        ({"command": ("celery", "worker", "-q", "x")}, ["celery worker -q x"]),
        ({"command": ("bash", "-c", "airflow db init && airflow webserver")}, ["db init", "webserver"]),
        ({"command": ("python", "-m", "airflow", "version")}, ["version"]),
        ({"command": ("python", "x.py")}, []),
        ({"entrypoint": ("/bin/bash", "-c"), "command": ("exec /entrypoint airflow version",)}, ["version"]),
        ({"entrypoint": ("/bin/bash",), "command": ("-c", "/entrypoint scheduler")}, ["scheduler"]),
        ({"entrypoint": ("airflow",), "command": ("triggerer",)}, ["triggerer"]),
        ({"entrypoint": ("/start.sh",), "command": ("webserver",)}, []),
        ({}, []),
    ],
)
def test_calls(keys: dict[str, Any], expected: list[str]) -> None:
    assert calls(**keys) == expected


def test_the_dockerfile_may_say_it() -> None:
    own = replace(OFFICIAL, command=("/bin/sh", "-c", "airflow webserver"))
    assert parse_start_command(service("x", build=build()), own).calls == (("webserver",),)
    other = replace(OFFICIAL, entrypoint=("/start.sh",))
    assert parse_start_command(service("x", build=build(), command=("webserver",)), other).calls == ()
    assert parse_start_command(service("x", build=build(), entrypoint=("airflow",)), own).calls == ((),), (
        "the file clears CMD"
    )


def test_the_role_is_the_one_that_goes_on() -> None:
    made = service(
        "x", build=build(), command=("bash", "-c", "airflow db migrate; airflow scheduler & airflow webserver")
    )
    assert parse_start_command(made, OFFICIAL).role == "webserver"
    assert parse_start_command(service("x", build=build(), command=("db", "migrate")), OFFICIAL).role is None


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("airflow-webserver", "webserver"),
        ("airflow_dag_processor", "dag-processor"),
        ("dagprocessor", "dag-processor"),
        ("airflow-apiserver", "api-server"),
        ("airflow-init", "init"),
        ("postgres", None),
    ],
)
def test_role_by_name(name: str, role: str | None) -> None:
    assert guess_role(service(name)) == role


@pytest.mark.parametrize(
    ("image", "official"),
    [
        ("apache/airflow:2.8.1", True),
        ("docker.io/apache/airflow", True),
        ("index.docker.io/apache/airflow:2.8.1@sha256:00", True),
        ("${X:-apache/airflow:2.8.1}", True),
        ("mirror.example/apache/airflow:2.8.1", True),
        ("bitnami/airflow:2", False),
        ("${X}", False),
        ("team/airflow:2.8.1", False),
    ],
)
def test_official(image: str, official: bool) -> None:
    assert is_official_image(service("x", image=image), None) is official


def test_an_entrypoint_of_its_own_is_not_the_official_one() -> None:
    assert is_official_image(service("x", build=build()), OFFICIAL)
    assert not is_official_image(service("x", build=build()), replace(OFFICIAL, entrypoint=("/x",)))
    assert not is_official_image(service("x", build=build()), None)
