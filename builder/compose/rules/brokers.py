"""OB217: services of Celery that do not reach one broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.airflow.variables import BROKER
from builder.compose.rules.airflow import is_start_known, uses_celery
from builder.compose.services.hosts import OWN_HOSTS, find_service_by_host, is_reached_from_outside
from builder.compose.services.products import find_product
from builder.compose.services.settings import has_own_network
from builder.core.phrases import choose_verb, join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Project
    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext

CODE = "OB217"
_DEFAULT = "redis://redis:6379/0"
"""Of Celery's provider (``[celery] broker_url``)."""
_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "pyamqp": 5672}
_USING = ("scheduler", "worker", "flower")
_ADDRESSES = {"Redis": "redis://{}:6379/0", "RabbitMQ": "amqp://USER:PASSWORD@{}:5672//"}
"""Product → its usual address."""


@dataclass(frozen=True)
class Broker:
    """Where Celery's messages go. No user, no password."""

    host: str
    port: int | None
    path: str
    service: str | None
    """The service of the project that answers there."""
    is_default: bool = False


def find_broker(project: Project, one: AirflowService) -> Broker | None:
    """None: not known."""
    setting = one.settings.find_setting(BROKER, one.version)
    if setting is None and not one.settings.is_complete:
        return None
    text = one.settings.find_value(BROKER, one.version) if setting is not None else _DEFAULT
    if not text or "$" in text or ";" in text:
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if host is None or text.count("@") > 1:
        return None
    return Broker(host, port, parts.path.strip("/"), find_service_by_host(project, host), setting is None)


def find_unreachable_brokers(context: RuleContext) -> Iterator[Finding]:
    """One finding for each reason. Silent where the broker may be set elsewhere, and about hosts that no service of the
    project has: they are known to the network alone."""
    found = {
        one.name: (one, broker)
        for one in context.airflow_services
        if set(_USING) & set(one.start.roles) and uses_celery(one) and is_start_known(one)
        if (broker := find_broker(context.project, one)) is not None
    }
    own = [one for one, broker in found.values() if _is_in_own_container(context.project, one, broker)]
    if own:
        yield _make_finding(context, own, f"{BROKER.name} names the container itself")
    nowhere = [one for one, broker in found.values() if _is_nowhere(context.project, one, broker)]
    if nowhere:
        yield _make_finding(context, nowhere, f"no {BROKER.name}, and no service answers as `redis`, the default")
    if not own and not nowhere:
        yield from _find_different_brokers(context, list(found.values()))


def _is_in_own_container(project: Project, one: AirflowService, broker: Broker) -> bool:
    return broker.host in OWN_HOSTS and has_own_network(project, one.service)


def _is_nowhere(project: Project, one: AirflowService, broker: Broker) -> bool:
    return broker.is_default and broker.service is None and not is_reached_from_outside(project, one.name)


def _find_different_brokers(context: RuleContext, found: list[tuple[AirflowService, Broker]]) -> Iterator[Finding]:
    """A worker, or Flower, that listens to another one than each scheduler writes to."""
    written = {_identify(broker) for one, broker in found if "scheduler" in one.start.roles}
    others = [one for one, broker in found if "scheduler" not in one.start.roles and _identify(broker) not in written]
    if written and others:
        names = tuple(one.name for one in others)
        yield Finding(
            CODE,
            context.line(context.project, names[0], "environment"),
            f"{join_names(names)} {choose_verb(names, 'listens', 'listen')} to another broker than the scheduler "
            "writes to: no task arrives there",
            names,
            f"the scheduler's {BROKER.name} in the environment of all of them",
        )


def _identify(broker: Broker) -> tuple[str, int | None, str]:
    path = "" if broker.path == "0" else broker.path
    return broker.service or broker.host, broker.port, path


def _make_finding(context: RuleContext, services: list[AirflowService], why: str) -> Finding:
    names = tuple(one.name for one in services)
    return Finding(
        CODE,
        context.line(context.project, names[0], "environment"),
        f"{join_names(names)} {choose_verb(names, 'does', 'do')} not reach Celery's broker: {why}",
        names,
        f"{BROKER.name}: {_suggest_address(context)}  # in the environment of all of them",
    )


def _suggest_address(context: RuleContext) -> str:
    """Of the broker that the project has; else of one to be added."""
    for service in context.project.services.values():
        product = find_product(service, context.facts.get(service.name))
        if product is not None and product.name in _ADDRESSES:
            return _ADDRESSES[product.name].format(service.name)
    return _ADDRESSES["Redis"].format("HOST")
