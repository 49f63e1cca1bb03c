"""OB216: executors and services of Celery that do not fit each other or the version."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from project_factories import project, service
from rule_inputs import context_of, started

from builder.compose.rules.executors import find_unfit_executors

if TYPE_CHECKING:
    from builder.compose.model import Service
    from builder.findings.model import Finding

EXECUTOR = "AIRFLOW__CORE__EXECUTOR"
BROKER = {"AIRFLOW__CELERY__BROKER_URL": "redis://redis:6379/0"}
REDIS = service("redis", image="redis:7")


def scheduled(executor: str | None, version: str = "2.8.1", command: str = "scheduler", **keys: Any) -> Service:
    environment = {**BROKER, **({} if executor is None else {EXECUTOR: executor})}
    return started(command.rsplit(maxsplit=1)[-1], command, version, environment=environment, **keys)


def find(*services: Service) -> list[Finding]:
    return list(find_unfit_executors(context_of(*services, REDIS)))


@pytest.mark.parametrize(
    ("executor", "version", "fix"),
    [
        ("SequentialExecutor", "3.1.3", "LocalExecutor"),
        ("CeleryKubernetesExecutor", "3.0.1", "CeleryExecutor,KubernetesExecutor"),
        ("LocalKubernetesExecutor", "3.3.2", "LocalExecutor,KubernetesExecutor"),
        ("DaskExecutor", "2.7.0", "LocalExecutor"),
        ("DebugExecutor", "3.3.2", "LocalExecutor"),
        ("Celery", "2.10.5", "CeleryExecutor"),
        ("LocalExecuter", "2.8.1", "LocalExecutor"),
        ("LocalExecutor,CeleryExecuter", "3.1.3", "CeleryExecutor"),
    ],
)
def test_an_executor_that_the_version_does_not_have(executor: str, version: str, fix: str) -> None:
    (found,) = find(scheduled(executor, version))
    assert (found.fix or "").startswith(f"{EXECUTOR}: {fix} ")
    assert ("takes LocalExecutor in its place" in found.message) == executor.startswith("Sequential")


@pytest.mark.parametrize(
    ("executor", "version"),
    [
        ("SequentialExecutor", "2.11.2"),
        ("CeleryKubernetesExecutor", "2.11.2"),
        ("DaskExecutor", "2.6.3"),
        ("my.module.MyExecutor", "3.1.3"),
        ("short:my.module.MyExecutor", "3.1.3"),
        ("${EXECUTOR}", "3.1.3"),
        ("team1=LocalExecutor;LocalExecutor", "3.1.3"),
        ("LocalExecutor , KubernetesExecutor", "3.1.3"),
        ("AnyExecutor", "latest"),
        ("AnyExecutor", "2.5.3"),
        (None, "3.1.3"),
    ],
)
def test_an_executor_that_it_has_or_nobody_here_knows(executor: str | None, version: str) -> None:
    assert find(scheduled(executor, version)) == []


@pytest.mark.parametrize("command", ["celery worker", "celery flower"])
@pytest.mark.parametrize("executor", ["LocalExecutor", "KubernetesExecutor", "LocalExecutor,KubernetesExecutor"])
@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("2.8.1", "so it ends at once"),
        ("3.0.6", "so it ends at once"),
        ("3.1.8", "so it ends at once"),
        ("3.3.2", "no task goes to Celery"),
    ],
)
def test_a_service_of_celery_beside_another_executor(version: str, says: str, executor: str, command: str) -> None:
    (found,) = find(scheduled(executor, version), scheduled(executor, version, command))
    assert found.services == (command.rsplit(maxsplit=1)[-1],)
    assert f"the executor is {executor}: " in found.message
    assert found.message.endswith(says)
    assert (found.fix or "").endswith(f"delete {found.services[0]}")
    assert (EXECUTOR in (found.fix or "")) == command.endswith("worker")


def test_a_worker_that_believes_in_celery_beside_a_scheduler_that_does_not() -> None:
    (found,) = find(scheduled("LocalExecutor"), scheduled("CeleryExecutor", command="celery worker"))
    assert found.services == ("worker",)
    assert "the executor is LocalExecutor: no task goes to Celery" in found.message


@pytest.mark.parametrize(
    "executor",
    ["CeleryExecutor", "CeleryKubernetesExecutor", "LocalExecutor,CeleryExecutor", "my.CeleryLike", "${EXECUTOR}"],
)
def test_a_worker_that_has_work_or_may_have(executor: str) -> None:
    assert find(scheduled(executor, "2.10.5"), scheduled(executor, "2.10.5", "celery worker")) == []


def test_without_a_scheduler_the_work_comes_from_elsewhere() -> None:
    assert find(scheduled("CeleryExecutor", command="celery worker")) == []


@pytest.mark.parametrize("version", ["2.6.3", "2.8.1", "2.11.2", "3.0.6", "3.3.2"])
def test_celery_without_a_worker(version: str) -> None:
    (found,) = find(scheduled("CeleryExecutor", version))
    assert found.services == ("scheduler",)
    assert "no service here is a worker" in found.message
    assert found.fix == "command: celery worker  # in one more service like these"


@pytest.mark.parametrize(
    "more",
    [
        scheduled("CeleryExecutor", command="celery worker"),
        started("airflow-worker", None),
        started("start", "bash /start.sh"),
        service("team-worker", image="registry.example/tasks:1"),
    ],
    ids=lambda one: str(one.name),
)
def test_something_may_be_a_worker(more: Service) -> None:
    assert find(scheduled("CeleryExecutor"), more) == []


@pytest.mark.parametrize(
    ("services", "networks"),
    [
        ({"redis": {"ports": [{"target": 6379, "published": "6379"}]}}, {}),
        ({"redis": {"networks": {"lan": None}}}, {"lan": {"external": True}}),
        ({"redis": {"network_mode": "host"}}, {}),
    ],
)
def test_workers_elsewhere_may_reach_the_broker(services: dict[str, Any], networks: dict[str, Any]) -> None:
    made = replace(project(scheduled("CeleryExecutor"), REDIS), resolved={"services": services, "networks": networks})
    assert list(find_unfit_executors(context_of(made=made))) == []


def test_a_broker_outside_of_the_project_serves_workers_elsewhere() -> None:
    environment = {EXECUTOR: "CeleryExecutor", "AIRFLOW__CELERY__BROKER_URL": "redis://queue.example:6379/0"}
    assert find(started("scheduler", "scheduler", environment=environment)) == []
