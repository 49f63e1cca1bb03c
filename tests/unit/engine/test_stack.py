"""A container as the engine describes it, and what of its environment is secret."""

from __future__ import annotations

from typing import Any

import pytest

from builder.engine.stack import container_of, seconds, secrets_of

ATTRS: dict[str, Any] = {
    "Id": "abc",
    "Name": "/demo-web-2",
    "Image": "sha256:1",
    "Config": {
        "Image": "demo-web",
        "Labels": {
            "com.docker.compose.service": "web",
            "com.docker.compose.container-number": "2",
            "com.docker.compose.config-hash": "12ab",
        },
    },
    "State": {
        "Status": "running",
        "ExitCode": 0,
        "StartedAt": "2024-05-01T10:00:00.5Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
        "Health": {"Status": "healthy"},
    },
    "HostConfig": {"RestartPolicy": {"Name": "always"}},
}


def test_a_container() -> None:
    found = container_of(ATTRS)
    assert (found.id, found.name, found.service, found.number) == ("abc", "demo-web-2", "web", 2)
    assert (found.image_id, found.image_name, found.config_hash) == ("sha256:1", "demo-web", "12ab")
    assert (found.status, found.health, found.restart_policy) == ("running", "healthy", "always")
    assert found.started == 1714557600.5
    assert found.finished is None
    assert found.running
    assert not found.completed


def test_a_container_without_health_check_and_labels() -> None:
    bare = {
        **ATTRS,
        "Config": {"Labels": None},
        "State": {"Status": "exited", "ExitCode": 0},
        "HostConfig": {},
    }
    found = container_of(bare)
    assert (found.service, found.number, found.health, found.restart_policy) == ("", 1, None, "no")
    assert found.completed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01T10:00:00Z", 1714557600.0),
        ("2024-05-01T12:00:00.123456789+02:00", 1714557600.123456789),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
        ("yesterday", None),
    ],
)
def test_times(text: str | None, expected: float | None) -> None:
    assert seconds(text) == (pytest.approx(expected) if expected is not None else None)


def test_what_is_secret_in_an_environment() -> None:
    environment = (
        "POSTGRES_PASSWORD=hunter22",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql://me:pw1@db/airflow",
        "BROKER=redis://:pw22@redis:6379/0",
        "API_KEY=abc",
        "HOME=/home/airflow",
        "EMPTY_TOKEN=",
    )
    assert secrets_of(environment) == ("postgresql://me:pw1@db/airflow", "hunter22", "pw22", "pw1")
