"""A service, from the filled-in answer and from the raw one, which may hold any form that a file may have."""

from __future__ import annotations

from typing import Any

import pytest

from builder.compose.load.services import parse_service
from builder.compose.model import Build, Mount, Service


def read(**found: Any) -> Service:
    return parse_service("web", found, None)


def test_nothing_but_a_name() -> None:
    assert read() == Service("web")
    assert read(command=None, entrypoint=None, image="", profiles=None) == Service("web")


def test_a_filled_in_answer() -> None:
    found = read(
        image="foo:9",
        build={"context": "/p", "dockerfile": "./Dockerfile"},
        command=["airflow", "webserver"],
        entrypoint=["/bin/sh", "-c", "x y"],
        container_name="c",
        depends_on={"db": {"condition": "service_healthy", "required": True}, "a": {"condition": "service_started"}},
        deploy={"replicas": 3},
        environment={"A": "1", "B": None},
        healthcheck={"test": ["CMD-SHELL", "pg_isready"]},
        platform="linux/amd64",
        profiles=["p"],
        pull_policy="never",
        restart="always",
        user="50000:0",
        volumes=[{"type": "bind", "source": "/p/a", "target": "/b"}],
    )
    assert found == Service(
        name="web",
        image="foo:9",
        build=Build("/p", platforms=("linux/amd64",)),
        command=("airflow", "webserver"),
        entrypoint=("/bin/sh", "-c", "x y"),
        container_name="c",
        depends_on={"a": "service_started", "db": "service_healthy"},
        replicas=3,
        environment={"A": "1", "B": None},
        health_test=("CMD-SHELL", "pg_isready"),
        platform="linux/amd64",
        profiles=("p",),
        pull_policy="never",
        restart="always",
        user="50000:0",
        mounts=(Mount("bind", "/p/a", "/b"),),
    )


def test_image_and_build_before_their_variables_were_filled_in() -> None:
    raw = {"image": "${IMG:-x}", "build": {"context": "/p/${CTX:-.}"}}
    found = parse_service("web", {"image": "x", "build": {"context": "/p"}}, raw)
    assert (found.raw_image, found.raw_build) == ("${IMG:-x}", Build("/p/${CTX:-.}"))
    assert (found.image, found.build) == ("x", Build("/p"))
    unknown = parse_service("web", {"image": "x", "build": {"context": "/p"}}, None)
    assert (unknown.raw_image, unknown.raw_build) == (None, None)


@pytest.mark.parametrize(
    ("key", "value", "attribute", "expected"),
    [
        ("command", "bash -c 'a b'", "command", ("bash", "-c", "a b")),
        ("command", "it's", "command", ("it's",)),
        ("command", [], "command", ()),
        ("command", ["sleep", 5, True], "command", ("sleep", "5", "true")),
        ("entrypoint", "/x", "entrypoint", ("/x",)),
        ("depends_on", ["b", "a"], "depends_on", {"b": "service_started", "a": "service_started"}),
        ("depends_on", {"a": None}, "depends_on", {"a": "service_started"}),
        ("environment", ["A=1", "B", "C=x=y", "D="], "environment", {"A": "1", "B": None, "C": "x=y", "D": ""}),
        ("environment", {"A": 1, "B": True, "C": 1.5}, "environment", {"A": "1", "B": "true", "C": "1.5"}),
        ("healthcheck", {"disable": True}, "health_test", ("NONE",)),
        ("healthcheck", {"disable": True, "test": ["CMD", "x"]}, "health_test", ("NONE",)),
        ("healthcheck", {"test": ["NONE"]}, "health_test", ("NONE",)),
        ("healthcheck", {"test": "pg_isready"}, "health_test", ("CMD-SHELL", "pg_isready")),
        ("healthcheck", {"interval": "5s"}, "health_test", None),
        ("scale", 2, "replicas", 2),
        ("scale", 0, "replicas", 0),
        ("deploy", {"mode": "global"}, "replicas", 1),
        ("deploy", {"replicas": "${N:-2}"}, "replicas", 1),
        ("deploy", {"replicas": "2"}, "replicas", 2),
        ("user", 1000, "user", "1000"),
        ("develop", {"watch": [{"action": "sync", "path": "./dags", "target": "/dags"}]}, "is_watched", True),
        ("develop", {"watch": []}, "is_watched", False),
        ("develop", None, "is_watched", False),
        ("volumes", ["data:/c:ro"], "mounts", (Mount("volume", "data", "/c"),)),
        ("volumes", ["./a:/b"], "mounts", (Mount("bind", "./a", "/b"),)),
        ("volumes", ["~/a:/b"], "mounts", (Mount("bind", "~/a", "/b"),)),
        ("volumes", ["/anon"], "mounts", (Mount("volume", "", "/anon"),)),
        ("volumes", [{"type": "tmpfs", "target": "/t"}], "mounts", (Mount("tmpfs", "", "/t"),)),
        ("volumes", [{"type": "volume", "target": "/t"}], "mounts", (Mount("volume", "", "/t"),)),
        ("tmpfs", ["/run:size=1m"], "mounts", (Mount("tmpfs", "", "/run"),)),
        ("tmpfs", "/run", "mounts", (Mount("tmpfs", "", "/run"),)),
    ],
)
def test_every_form_of_a_key(key: str, value: Any, attribute: str, expected: Any) -> None:
    assert getattr(read(**{key: value}), attribute) == expected


def test_scale_wins_over_replicas() -> None:
    assert read(scale=3, deploy={"replicas": 2}).replicas == 3


def test_no_value_of_the_environment_is_shown() -> None:
    found = read(environment={"PASSWORD": "canary"}, build={"context": "/p", "args": {"A": "canary"}})
    assert "canary" not in f"{found!r} {found}"
