"""OB215: no common Fernet key, or what is none."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from rule_inputs import context_of, started

from builder.compose.model import Mount
from builder.compose.rules.fernet_keys import find_fernet_problems

if TYPE_CHECKING:
    from builder.findings.model import Finding

KEY = "AIRFLOW__CORE__FERNET_KEY"
ONE, OTHER = (base64.urlsafe_b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def find(version: str = "2.8.1", environment: dict[str, Any] | None = None, **keys: Any) -> list[Finding]:
    """Of web server, scheduler and worker with this environment in all of them."""
    web = "api-server" if version.startswith("3") else "webserver"
    given = {"environment": environment or {}, **keys}
    return list(
        find_fernet_problems(
            context_of(
                *(started(name.split()[-1], name, version, **given) for name in (web, "scheduler", "celery worker"))
            )
        )
    )


@pytest.mark.parametrize(
    ("version", "services"),
    [
        ("1.10.15", ("webserver", "scheduler", "worker")),
        ("2.8.1", ("webserver", "scheduler", "worker")),
        ("2.11.2", ("webserver", "scheduler", "worker")),
        ("3.0.1", ("api-server", "scheduler")),
        ("3.3.2", ("api-server", "scheduler")),
    ],
)
def test_each_container_makes_a_key_of_its_own(version: str, services: tuple[str, ...]) -> None:
    (found,) = find(version)
    assert sorted(found.services) == sorted(services)
    assert f"no {KEY}, so each container makes one" in found.message
    assert (found.fix or "").startswith(f"{KEY}: ${{CORE_FERNET_KEY:?}}")


@pytest.mark.parametrize(
    ("environment", "keys"),
    [
        ({KEY: ONE}, {}),
        ({KEY: f"{OTHER},{ONE}"}, {}),
        ({KEY: ""}, {}),
        ({KEY: None}, {}),
        ({KEY: "${FERNET}"}, {}),
        ({f"{KEY}_CMD": "cat /key"}, {}),
        ({"AIRFLOW_CONFIG": "/c/airflow.cfg"}, {}),
        ({}, {"mounts": (Mount("volume", "home", "/opt/airflow"),)}),
        ({}, {"entrypoint": ("/start.sh",)}),
        ({}, {"image": "registry.example/team/airflow:2.8.1"}),
    ],
)
def test_where_they_have_one_or_it_cannot_be_known(environment: dict[str, Any], keys: dict[str, Any]) -> None:
    assert find(environment=environment, **keys) == []


@pytest.mark.parametrize("text", ["your-fernet-key-here", "changeme", ONE[:-2], f"{ONE},x", "\u00e4" * 43])
def test_a_text_that_is_no_key_is_told_and_not_shown(text: str) -> None:
    (found,) = find(environment={KEY: text})
    assert "that is not a Fernet key" in found.message
    assert text not in f"{found.message}{found.fix}{found.details}"


def test_two_keys_are_not_a_common_one() -> None:
    web = started("web", "webserver", environment={KEY: ONE})
    scheduler = started("scheduler", "scheduler", environment={KEY: OTHER})
    (found,) = find_fernet_problems(context_of(web, scheduler))
    assert "have not the same" in found.message
    assert ONE not in repr(found)


def test_only_the_one_that_lacks_it_is_named() -> None:
    web = started("web", "webserver", environment={KEY: ONE})
    (found,) = find_fernet_problems(context_of(web, started("scheduler", "scheduler")))
    assert found.services == ("scheduler",)


def test_without_a_web_server_nobody_saves_anything() -> None:
    services = (started("s", "scheduler"), started("t", "triggerer"))
    assert list(find_fernet_problems(context_of(*services))) == []


def test_one_container_reads_what_it_has_written() -> None:
    assert list(find_fernet_problems(context_of(started("w", "webserver")))) == []
