"""Where Airflow keeps its metadata: the database that its connection names, inside the project or outside of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from builder.airflow.variables import CONNECTION
from builder.products.find import find_by_scheme

if TYPE_CHECKING:
    from builder.compose.model import Project, Service

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


def find_database(project: Project, service: Service) -> MetadataDatabase | None:
    """None: no connection in its environment, or one that cannot be read (a variable, a command, a secret)."""
    text = next((value for value in map(service.environment.get, CONNECTION.names) if value), None)
    found = None if text is None else _SCHEME.match(text)
    if text is None or found is None or "${" in text:
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
    return MetadataDatabase(kind, host, port, unquote(parts.path.lstrip("/")), _find_service_by_host(project, host))


def _find_service_by_host(project: Project, host: str) -> str | None:
    """Compose's network knows a service by its name and by its container's."""
    return next(
        (
            one.name
            for one in project.services.values()
            if host in (one.name.lower(), (one.container_name or "").lower())
        ),
        None,
    )
