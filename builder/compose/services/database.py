"""Where Airflow keeps its metadata: the database that its connection names, inside the project or outside of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from builder.airflow.find import list_read_names
from builder.airflow.images import find_airflow_image
from builder.airflow.variables import CONNECTION
from builder.compose.services.hosts import find_service_by_host
from builder.compose.services.start_commands import substitute_image_defaults
from builder.products.find import find_by_scheme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import Project, Service
    from builder.dockerfile.facts import DockerfileAnalysis

_SCHEME = re.compile(r"([a-z]+)(?:\+[a-z0-9_]+)?://")


@dataclass(frozen=True)
class MetadataDatabase:
    """``kind`` as its makers write it. No user, no password."""

    kind: str
    host: str | None
    """None: a file inside the container (SQLite)."""
    port: int | None
    name: str
    service: str | None
    """The service of this project that answers at ``host``; None: the database is elsewhere."""

    @property
    def is_external(self) -> bool:
        return self.host is not None and self.service is None


def find_database(
    project: Project, service: Service, facts: DockerfileAnalysis | None = None, version: str | None = None
) -> MetadataDatabase | None:
    """None: no connection in its environment that this version reads, or one that cannot be read (a variable, a
    command, a secret)."""
    environment = {**(facts.environment if facts is not None else {}), **service.environment}
    text = next((value for name in list_read_names(CONNECTION, version) if (value := environment.get(name))), None)
    if text is None:
        return _find_own_database(project, service, facts, environment)
    return _parse_connection(project, text)


def _parse_connection(project: Project, text: str) -> MetadataDatabase | None:
    found = _SCHEME.match(text)
    if found is None or "${" in text:
        return None
    product = find_by_scheme(found[1])
    kind = found[1] if product is None else product.name
    if found[1] == "sqlite":
        return MetadataDatabase(kind, None, None, "", None)
    if text.count("@") > 1:  # part of a password could pass for the host
        return None
    try:
        parts = urlsplit(f"//{text[found.end() :].rpartition('@')[2]}")
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is not a number, a bracket that is not closed
        return None
    if host is None:
        return None
    return MetadataDatabase(kind, host, port, unquote(parts.path.lstrip("/")), find_service_by_host(project, host))


def _find_own_database(
    project: Project, service: Service, facts: DockerfileAnalysis | None, environment: Mapping[str, str | None]
) -> MetadataDatabase | None:
    """That of an image whose entrypoint makes the connection."""
    image = substitute_image_defaults(service) if facts is None else facts.base
    known = find_airflow_image(image)
    own = None if known is None else known.connection
    if own is None or service.entrypoint or (facts is not None and facts.entrypoint is not None):
        return None
    executor = next((value for name in own.executors if (value := environment.get(name))), "")
    if own.executors and executor.removesuffix("Executor") in ("", "Sequential"):
        return None
    host = environment.get(own.host_variable) or own.host
    return MetadataDatabase("PostgreSQL", host.lower(), None, "", find_service_by_host(project, host.lower()))


def parse_sqlite_path(text: str) -> str | None:
    """The file of a ``sqlite:`` connection, empty for one that is not named whole; None: another database."""
    found = _SCHEME.match(text)
    if found is None or found[1] != "sqlite":
        return None
    path = text[found.end() :].partition("?")[0].removeprefix("/")
    return path if path.startswith("/") else ""
