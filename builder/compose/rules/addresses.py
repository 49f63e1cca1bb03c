"""Where an Airflow role of a container answers HTTP, as its command and its settings say."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from builder.airflow.model import HealthServer, HttpHealth, KnownRole
    from builder.airflow.variables import ConfigOption
    from builder.compose.rules.airflow import AirflowService


def find_web_address(one: AirflowService, known: KnownRole, health: HttpHealth) -> str | None:
    """Its health page as its own container reaches it; None: a variable that has no value here is part of it."""
    if known.web is None:
        return f"http://localhost:{health.port}{health.path}"
    port = _find_port(one, known.web.port) or str(health.port)
    address = one.settings.find_value(known.web.address, one.version)
    if "$" in address:
        return None
    secure = known.web.certificate is not None and one.settings.find_value(known.web.certificate, one.version)
    return f"http{'s' if secure else ''}://localhost:{port}{_parse_path(address)}{health.path}"


def _parse_path(address: str) -> str:
    """``/airflow`` of ``https://data.example/airflow/``, and of ``airflow``: some options are a path alone."""
    path = urlsplit(address).path.strip("/") if "://" in address else address.strip("/")
    return f"/{path}" if path else ""


def _find_port(one: AirflowService, option: ConfigOption) -> str | None:
    """Of ``--port``, or of the configuration in the environment; None: the default."""
    for call in one.start.calls:
        for word, following in pairwise((*call, "")):
            if word in ("-p", "--port") and following.isdigit():
                return following
            if word.startswith("--port=") and word.partition("=")[2].isdigit():
                return word.partition("=")[2]
    value = one.settings.find_value(option, one.version)
    return value if value.isdigit() else None


def is_health_server_on(one: AirflowService, server: HealthServer) -> bool:
    """Whether its environment switches it on."""
    return (one.settings.environment.get(server.variable) or "").lower() in ("true", "t", "1")


def find_health_port(one: AirflowService, server: HealthServer) -> str:
    """Of the health server."""
    value = one.settings.find_value(server.port_option, one.version) if server.port_option is not None else ""
    return value if value.isdigit() else str(server.port)
