"""OB208: tasks of Airflow 3 that do not reach the api-server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from project_factories import project
from rule_inputs import context_of, started

from builder.compose.model import Mount
from builder.compose.rules.execution_api import find_unreachable_execution_api

if TYPE_CHECKING:
    from builder.findings.model import Finding

URL, SECRET = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "AIRFLOW__API_AUTH__JWT_SECRET"
BOTH = {URL: "http://api-server:8080/execution/", SECRET: "x"}
CELERY = {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor"}


def findings(environment: dict[str, Any] | None = None, version: str = "3.1.3", **more: Any) -> list[Finding]:
    """Of api-server, scheduler and dag-processor with this environment in all of them."""
    given = {"environment": environment or {}, **more}
    return list(
        find_unreachable_execution_api(
            context_of(
                *(started(name, name, version, **given) for name in ("api-server", "scheduler", "dag-processor"))
            )
        )
    )


def test_neither_address_nor_secret() -> None:
    address, secret = findings()
    assert address.services == ("scheduler",)
    assert (address.fix or "").startswith(f"{URL}: http://api-server:8080/execution/")
    assert secret.services == ("api-server", "scheduler")
    assert f"have no common {SECRET}" in secret.message
    assert (secret.fix or "").startswith(f"{SECRET}: ${{API_AUTH_JWT_SECRET:?}}")


@pytest.mark.parametrize(
    ("environment", "count"),
    [
        (BOTH, 0),
        ({SECRET: "x"}, 1),
        ({URL: "http://api-server:8080/execution/"}, 1),
        ({**BOTH, URL: "http://localhost:8080/execution/"}, 1),
        ({**BOTH, URL: "http://127.0.0.1:8080/execution/"}, 1),
        ({SECRET: "x", URL: None}, 0),
        ({f"{URL}_CMD": "cat /url", f"{SECRET}_CMD": "cat /secret"}, 0),
        ({SECRET: "x", "AIRFLOW__API__BASE_URL": "http://api-server:8080"}, 0),
        ({SECRET: "x", "AIRFLOW__API__BASE_URL": "http://localhost:8080"}, 1),
        ({**BOTH, SECRET: ""}, 1),
        ({**BOTH, SECRET: None}, 0),
        ({URL: "http://api-server:8080/", "AIRFLOW__API_AUTH__JWT_PRIVATE_KEY_PATH": "/key.pem"}, 0),
        ({"AIRFLOW_CONFIG": "/opt/airflow/config/airflow.cfg"}, 0),
    ],
)
def test_what_counts_as_address_and_as_secret(environment: dict[str, Any], count: int) -> None:
    assert len(findings(environment)) == count


@pytest.mark.parametrize("variable", [URL, "AIRFLOW__API__BASE_URL"])
def test_an_address_of_the_own_container_is_named(variable: str) -> None:
    (found,) = findings({SECRET: "x", variable: "http://localhost:8080/airflow"})
    assert f"has no address of it but localhost in {variable}:" in found.message


@pytest.mark.parametrize(
    ("executor", "count"),
    [
        ("LocalExecutor,CeleryExecutor", 1),
        ("airflow.executors.local_executor.LocalExecutor , KubernetesExecutor", 1),
        ("short:airflow.executors.local_executor.LocalExecutor", 1),
        ("CeleryExecutor,LocalExecutor", 0),
        ("my.executors.MyExecutor", 0),
    ],
)
def test_the_first_of_several_executors_runs_the_tasks(executor: str, count: int) -> None:
    assert len(findings({SECRET: "x", "AIRFLOW__CORE__EXECUTOR": executor})) == count


@pytest.mark.parametrize(
    "keys",
    [
        {"version": "2.11.0"},
        {"image": "registry.example/team/airflow:3.1.3"},
        {"mounts": (Mount("bind", "/home/ada/airflow.cfg", "/opt/airflow/airflow.cfg"),)},
        {"entrypoint": ("/start.sh",)},
    ],
)
def test_where_it_does_not_hold_or_cannot_be_known(keys: dict[str, Any]) -> None:
    assert findings(**keys) == []


@pytest.mark.parametrize("version", ["latest", "latest-python3.12"])
def test_who_starts_an_api_server_is_airflow_3_whatever_its_tag(version: str) -> None:
    assert len(findings(version=version)) == 2
    assert findings(BOTH, version) == []


def test_with_celery_the_worker_needs_the_address() -> None:
    worker = started("worker", "celery worker", "3.1.3", environment=CELERY)
    server = started("web", "api-server --port 9000", "3.1.3", environment={**CELERY, SECRET: "x"})
    scheduler = started("scheduler", "scheduler", "3.1.3", environment={**CELERY, SECRET: "x"})
    (found,) = find_unreachable_execution_api(context_of(worker, server, scheduler))
    assert found.services == ("worker",)
    assert "http://web:9000/execution/" in (found.fix or "")


def test_two_secrets_are_not_a_common_one() -> None:
    one = started("api-server", "api-server", "3.1.3", environment=BOTH)
    other = started("scheduler", "scheduler", "3.1.3", environment={**BOTH, SECRET: "y"})
    (found,) = find_unreachable_execution_api(context_of(one, other))
    assert "y" not in (found.fix or "").split()
    assert found.services == ("api-server", "scheduler")


@pytest.mark.parametrize("command", ["standalone", "bash -c 'airflow api-server & exec airflow scheduler'"])
def test_one_container_reaches_itself(command: str) -> None:
    assert list(find_unreachable_execution_api(context_of(started("all", command, "3.1.3")))) == []


def test_who_shares_a_network_reaches_the_others_at_localhost() -> None:
    made = project(*(started(name, name, "3.1.3") for name in ("api-server", "scheduler")))
    shared = {"services": {name: {"network_mode": "host"} for name in made.services}}
    assert list(find_unreachable_execution_api(context_of(made=replace(made, resolved=shared)))) == []
    assert len(list(find_unreachable_execution_api(context_of(made=made)))) == 2
