"""Where an Airflow role of a container answers HTTP, as its command and its settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.airflow import web_address

if TYPE_CHECKING:
    from builder.airflow.model import HealthServer, HttpHealth, KnownRole
    from builder.airflow.variables import ConfigOption
    from builder.compose.rules.airflow import AirflowService


def find_web_address(one: AirflowService, known: KnownRole, health: HttpHealth) -> str | None:
    """Its health page as its own container reaches it; None: a variable that has no value here is part of it."""

    def read(option: ConfigOption) -> str:
        return one.settings.find_value(option, one.version)

    if known.web is not None and "$" in read(known.web.address):
        return None
    address = web_address.find_web_address(known.web, health.port, one.start.calls, read)
    return address.format_url("localhost", health.path)


def is_health_server_on(one: AirflowService, server: HealthServer) -> bool:
    """Whether its environment switches it on."""
    return (one.settings.environment.get(server.variable) or "").lower() in ("true", "t", "1")


def find_health_port(one: AirflowService, server: HealthServer) -> str:
    """Of the health server."""
    value = one.settings.find_value(server.port_option, one.version) if server.port_option is not None else ""
    return value if value.isdigit() else str(server.port)
