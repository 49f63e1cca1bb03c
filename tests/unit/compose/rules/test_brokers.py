"""OB217: Celery's broker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from project_factories import project, service
from rule_inputs import context_of, started

from builder.compose.rules.brokers import find_unreachable_brokers

if TYPE_CHECKING:
    from builder.compose.model import Service
    from builder.findings.model import Finding

URL = "AIRFLOW__CELERY__BROKER_URL"
CELERY = {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor"}
RABBIT, QUEUE = service("rabbit", image="rabbitmq:3"), service("queue", image="redis:7")


def celery(command: str = "scheduler", url: str | None = None, version: str = "3.3.2", **keys: Any) -> Service:
    environment = {**CELERY, **({} if url is None else {URL: url}), **keys.pop("environment", {})}
    return started(command.rsplit(maxsplit=1)[-1], command, version, environment=environment, **keys)


def find(*services: Service) -> list[Finding]:
    return list(find_unreachable_brokers(context_of(*services)))


@pytest.mark.parametrize("version", ["1.10.15", "2.8.1", "2.11.2", "3.0.6", "3.3.2"])
@pytest.mark.parametrize("url", ["redis://localhost:6379/0", "redis://:pw@127.0.0.1/0", "amqp://u:pw@localhost:5672//"])
def test_a_broker_in_the_own_container(url: str, version: str) -> None:
    (found,) = find(celery(url=url, version=version), RABBIT)
    assert "names the container itself" in found.message
    assert (found.fix or "").startswith(f"{URL}: amqp://USER:PASSWORD@rabbit:5672// ")
    assert "pw" not in f"{found.message}{found.fix}"


def test_no_broker_at_all() -> None:
    (found,) = find(celery(), celery("celery worker"))
    assert found.services == ("scheduler", "worker")
    assert "no service answers as `redis`, the default" in found.message
    assert "redis://HOST:6379/0" in (found.fix or "")
    (found,) = find(celery(), QUEUE)
    assert "redis://queue:6379/0" in (found.fix or "")


@pytest.mark.parametrize(
    "services",
    [
        (celery(), service("redis", image="redis:7")),
        (celery(), service("cache", image="redis:7", container_name="redis")),
        (celery(url="redis://queue:6379/0"), QUEUE),
        (celery(url="redis://queue.example:6379/0"),),
        (celery(url="${BROKER}"),),
        (celery(url="amqp://a;amqp://b"),),
        (celery(environment={f"{URL}_CMD": "cat /broker"}),),
        (celery(environment={"AIRFLOW_CONFIG": "/c/airflow.cfg"}),),
        (celery(environment={"AIRFLOW__CORE__EXECUTOR": "LocalExecutor"}),),
        (celery("api-server"),),
        (celery("celery flower", "redis://queue:6379/0"), celery(url="redis://queue/0"), QUEUE),
        (celery("celery worker", "redis://queue"), celery(url="redis://queue:6379/0"), QUEUE),
        (celery("celery worker", "redis://${HOST}:6379/0"), celery(url="redis://queue:6379/0"), QUEUE),
    ],
)
def test_where_there_is_one_or_it_cannot_be_known(services: tuple[Service, ...]) -> None:
    assert find(*services) == []


def test_an_alias_is_a_name_too_and_a_foreign_network_may_have_it() -> None:
    made = project(celery(), QUEUE)
    aliases = {"services": {"queue": {"networks": {"default": {"aliases": ["redis"]}}}}}
    assert list(find_unreachable_brokers(context_of(made=replace(made, resolved=aliases)))) == []
    foreign = {"services": {"scheduler": {"networks": {"lan": None}}}, "networks": {"lan": {"external": True}}}
    assert list(find_unreachable_brokers(context_of(made=replace(made, resolved=foreign)))) == []
    assert len(find(celery(), QUEUE)) == 1


def test_who_shares_a_network_reaches_localhost() -> None:
    made = project(celery(url="redis://localhost:6379/0"))
    shared = {"services": {"scheduler": {"network_mode": "host"}}}
    assert list(find_unreachable_brokers(context_of(made=replace(made, resolved=shared)))) == []


@pytest.mark.parametrize(
    "url", ["redis://queue:6379/1", "redis://queue:6380/0", "amqp://u:p@rabbit:5672//", "redis://queue.example/0"]
)
def test_a_worker_that_listens_elsewhere(url: str) -> None:
    (found,) = find(celery(url="redis://queue:6379/0"), celery("celery worker", url), QUEUE, RABBIT)
    assert found.services == ("worker",)
    assert "another broker than the scheduler" in found.message
