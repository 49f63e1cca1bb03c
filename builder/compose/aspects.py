"""What sets the programs of a project apart, aspect by aspect, filled in for the services at hand (OB104)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.compose.dockerfile_names import version_of_image
from builder.compose.starts import LASTING, image_text, start_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.facts import DockerfileFacts
    from builder.compose.model import Group, Project, Service
    from builder.compose.products import Product

ASPECTS = (
    "source code",
    "Python dependencies",
    "system libraries",
    "configuration",
    "entry point",
    "language",
    "purpose",
    "resources",
    "scaling",
    "life cycle",
)
_GROUPS = frozenset({"db", "celery", "users", "dags", "tasks", "jobs", "connections", "variables", "pools", "config"})
"""Subcommands of Airflow that have subcommands."""
_SHOWN = 4
"""Names that are listed; the rest is counted."""


@dataclass(frozen=True)
class _Known:
    """What is known of a product beyond name, purpose and language."""

    libraries: str
    configuration: str
    entry: str
    resources: str
    scaling: str
    life: str


_POSTGRES = _Known(
    "its own: ICU, libxml2, LLVM for compiling queries",
    "postgresql.conf in the data folder; POSTGRES_* is read once, while that folder is empty",
    "docker-entrypoint.sh: makes the data folder, then `postgres` as a user of its own",
    "shared memory, page cache, and a disk that must not lose a write",
    "one writer for one data folder; a second one needs replication",
    "years: a major version is left by dump or pg_upgrade; a restart drops every connection",
)
_MYSQL = _Known(
    "its own",
    "my.cnf; MYSQL_* or MARIADB_* is read once, while the data folder is empty",
    "docker-entrypoint.sh: makes the data folder, then the server as a user of its own",
    "a buffer pool in memory, and a disk that must not lose a write",
    "one writer for one data folder; a second one needs replication",
    "years: a major version upgrades the data folder for good; a restart drops every connection",
)
_REDIS = _Known(
    "almost none",
    "redis.conf or words behind redis-server",
    "docker-entrypoint.sh, then `redis-server`",
    "memory for everything that it holds",
    "one for all workers; more of them need a cluster",
    "runs for months; a restart loses what waits in its queues, unless it writes it to a disk",
)
_STORES = _Known(
    "those of its own image",
    "its own files and variables",
    "that of its own image",
    "memory, and a disk that must not lose a write",
    "by its own rules, never with the number of schedulers",
    "as long as its data; upgraded by its own steps",
)
_OTHERS = _Known(
    "those of its own image",
    "its own files and variables",
    "that of its own image",
    "its own",
    "by its own load",
    "its own releases; a new requirement of Airflow is none of its business",
)
_BY_NAME = {"PostgreSQL": _POSTGRES, "MySQL": _MYSQL, "MariaDB": _MYSQL, "Redis": _REDIS, "Valkey": _REDIS}


def of_product(product: Product, service: Service) -> tuple[str, ...]:
    """One text for each aspect, in their order."""
    known = _BY_NAME.get(product.name, _STORES if product.keeps_data else _OTHERS)
    image = image_text(service)
    python = "its own, with its own pins" if product.language == "Python" else "none: it is no Python program"
    return (
        f"the {product.name} project's" + (f", as {image}" if image and service.build is None else ""),
        python,
        known.libraries,
        known.configuration,
        known.entry,
        product.language,
        product.purpose,
        known.resources,
        known.scaling,
        known.life,
    )


def of_airflow(project: Project, group: Group, facts: DockerfileFacts | None) -> tuple[str, ...]:
    """One text for each aspect, for the services of an Airflow group."""
    services = [project.services[name] for name in group.services]
    return (
        f"apache-airflow{_version(services, facts)}, and your DAGs",
        _python(facts),
        _libraries(facts),
        _configuration(services),
        f"/entrypoint, then {', '.join(starts(services, facts)) or 'a word for each role'}",
        "Python",
        "plans tasks, starts them, shows them",
        "CPU and memory of Python processes; what they keep is in the database",
        "more schedulers, more workers, at any time",
        "a new image with every new requirement; a container can go at any time",
    )


def _version(services: list[Service], facts: DockerfileFacts | None) -> str:
    version = facts.airflow_version if facts is not None else None
    version = version or next((found for one in services if (found := version_of_image(image_text(one)))), None)
    return f" {version}" if version else ""


def _python(facts: DockerfileFacts | None) -> str:
    names = list(dict.fromkeys(pin.name for pin in facts.pins if not pin.from_argument)) if facts is not None else []
    return f"Airflow's own, and {listed(names)}" if names else "Airflow's own, some hundred packages"


def _libraries(facts: DockerfileFacts | None) -> str:
    own = list(facts.written_packages) if facts is not None else []
    return f"what wheels need, and {listed(own)}" if own else "what wheels need"


def _configuration(services: list[Service]) -> str:
    """Names of variables, never values."""
    own = [{name for name in service.environment if name.startswith("AIRFLOW")} for service in services]
    common = set.intersection(*own) if own else set()
    if not common:
        return "airflow.cfg and AIRFLOW__... variables, one set for all of them"
    apart = len(set.union(*own) - common)
    return f"the same {len(common)} AIRFLOW... variables" + (f"; {apart} more that only some have" if apart else "")


def starts(services: list[Service], facts: DockerfileFacts | None) -> list[str]:
    """What the services start, one after the other, without repetition."""
    words = []
    for service in services:
        start = start_of(service, facts)
        lasting = [call for call in start.calls if LASTING.get(call[:1]) or LASTING.get(call[:2])]
        words += [f"`{spoken(call)}`" for call in (lasting or start.calls)[:1] if call]
    return list(dict.fromkeys(words))


def spoken(call: tuple[str, ...]) -> str:
    """The subcommand alone: what follows may hold a password."""
    return " ".join(call[:2] if call[0] in _GROUPS else call[:1])


def listed(names: list[str]) -> str:
    """``a, b, c, d and 3 more``."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def schedulers(project: Project, group: Group, facts: Mapping[str, DockerfileFacts]) -> int:
    """How many scheduler containers the file asks for."""
    chosen = [project.services[name] for name in group.services]
    return sum(one.replicas for one in chosen if start_of(one, facts.get(one.name)).role == "scheduler")
