"""The environment that roles and probes are started with: pure functions from a database and a session."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from builder.airflow.find import list_read_names
from builder.airflow.model import HttpHealth
from builder.airflow.releases import DAG_PROCESSOR, UI_PORT
from builder.airflow.variables import (
    BROKER,
    CONNECTION,
    DAG_FILE_INTERVAL,
    DAG_FILE_LIMIT,
    DAG_FOLDER_SCAN,
    DAG_IMPORT_LIMIT,
    DAG_PARSERS,
    DEFAULT_CONNECTIONS,
    EXECUTION_API,
    EXECUTION_API_LIMIT,
    EXECUTOR,
    LOAD_EXAMPLES,
    RESULT_BACKEND,
    SEND_LIMIT,
    STANDALONE_PARSER,
    USAGE_DATA,
    USER_PREFIX,
    WEB_LIMIT,
    WEB_START_LIMIT,
    WEB_WORKERS,
)
from builder.core.errors import VerifyUsageError
from builder.core.naming import SQLITE
from builder.core.redact import find_secret_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.airflow.model import Release, Role, SharedSecret
    from builder.airflow.variables import ConfigOption

DATABASE_HOST = "database"
"""The server's name on the verification's network."""
BROKER_HOST = "broker"
HOST_ALIAS = "host.docker.internal"
EXTERNAL = "external"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

_FAST_SETTINGS = {
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "AIRFLOW__CORE__PARALLELISM": "2",  # LocalExecutor starts this many processes at once; 32 by default
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
    "CONNECTION_CHECK_MAX_COUNT": "10",  # of our entrypoint and the official one; 20 by default
    "CONNECTION_CHECK_SLEEP_TIME": "1",  # 3 by default
}
"""Less waiting and fewer processes than the defaults; nothing here changes what is proven. The database has answered
before a role is started with this, so a role that cannot use it in a minute cannot use it at all."""
_FAST_OPTIONS = (
    (LOAD_EXAMPLES, "false"),
    (DEFAULT_CONNECTIONS, "false"),
    (USAGE_DATA, "false"),
    (DAG_FOLDER_SCAN, "10"),
    (DAG_FILE_INTERVAL, "30"),
    (DAG_PARSERS, "1"),
    (WEB_WORKERS, "1"),
)
"""The same, whose names depend on the version."""
_PATIENT_OPTIONS = (
    (DAG_IMPORT_LIMIT, "240"),  # 30 by default
    (DAG_FILE_LIMIT, "300"),  # 50
    (WEB_LIMIT, "480"),  # 120
    (WEB_START_LIMIT, "480"),  # 120
    (EXECUTION_API_LIMIT, "60"),  # 5
    (SEND_LIMIT, "60"),  # 1: a scheduler without a processor for so long gives the task up
)
"""Airflow's own time limits, in seconds: the verification has its own, and a busy machine says nothing of the image."""


@dataclass(frozen=True)
class VerifyDatabase:
    """What the roles run against. ``name`` goes into the report, never holds a URL; ``note`` says what is special."""

    name: str
    url: str = field(repr=False)
    image: str | None = None
    """The image of a server to start; None: sqlite or an existing server."""
    password: str = field(default="", repr=False)
    note: str = ""

    @property
    def hidden(self) -> tuple[str, ...]:
        """Values that are masked wherever text of a container is shown."""
        return find_secret_values({"DATABASE_URL": self.url, "DATABASE_PASSWORD": self.password})


NO_DATABASE = VerifyDatabase("none", "")
"""When none of the checks needs one."""


def make_postgres_database(name: str, image: str, note: str = "") -> VerifyDatabase:
    """A PostgreSQL server of our own, with a password that nobody needs to know."""
    password = secrets.token_hex(16)
    url = f"postgresql+psycopg2://airflow:{password}@{DATABASE_HOST}/airflow"
    return VerifyDatabase(name, url, image, password, note)


def make_sqlite_database(home: str) -> VerifyDatabase:
    """A file in AIRFLOW_HOME, which all roles then share."""
    return VerifyDatabase(SQLITE, f"sqlite:///{home}/airflow.db")


def make_external_database(url: str) -> VerifyDatabase:
    """An existing server. What is on this machine's loopback is reached under another name from a container."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise VerifyUsageError("OPTBUILD_DATABASE_URL is not a URL", hint=_URL_HINT) from error
    if not parts.scheme.startswith("postgres") or not host or not parts.path.strip("/"):
        raise VerifyUsageError("OPTBUILD_DATABASE_URL does not name a PostgreSQL database", hint=_URL_HINT)
    if host in _LOOPBACK:
        before = parts.netloc.rpartition("@")[0]
        place = f"{HOST_ALIAS}:{port}" if port else HOST_ALIAS
        parts = parts._replace(netloc=f"{before}@{place}" if before else place)
    place = f"{parts.path.strip('/')} on {host}"
    user = "a user with a random name and password and without rights"
    note = f"writes to the existing database {place}: Airflow's tables, {user}, one DAG run; they stay"
    return VerifyDatabase(EXTERNAL, urlunsplit(parts), None, parts.password or "", note)


_URL_HINT = "write it as postgresql+psycopg2://USER:PASSWORD@HOST:PORT/DATABASE, as seen from a container"


def make_role_environment(database: VerifyDatabase, release: Release, roles: Sequence[Role]) -> dict[str, str]:
    """What every role of one verification is started with; its secrets are made here, for this verification alone."""
    version = release.version
    return {
        **_FAST_SETTINGS,
        **_name_options((*_FAST_OPTIONS, *_PATIENT_OPTIONS), version),
        **{list_read_names(one.option, version)[0]: make_secret(one) for one in release.series.secrets},
        **_make_execution_settings(release, roles),
        EXECUTOR.name: release.series.executors[0].name if database.name == SQLITE else "LocalExecutor",
        CONNECTION.name: database.url,
        **(_make_celery_settings(database) if any(role.needs_broker for role in roles) else {}),
    }


def _name_options(options: Iterable[tuple[ConfigOption, str]], version: str) -> dict[str, str]:
    """Each under the name that the version reads; those that it does not have are left out."""
    return {name: value for option, value in options for name in list_read_names(option, version)[:1]}


def _make_celery_settings(database: VerifyDatabase) -> dict[str, str]:
    """Results go into the roles' own database, as in the official compose file."""
    _, _, place = database.url.partition("://")
    scheme = "db+sqlite" if database.name == SQLITE else "db+postgresql"
    return {
        EXECUTOR.name: "CeleryExecutor",
        BROKER.name: f"redis://{BROKER_HOST}:6379/0",
        RESULT_BACKEND.name: f"{scheme}://{place}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",  # processes, which start at once; 16 by default
    }


def _make_execution_settings(release: Release, roles: Sequence[Role]) -> dict[str, str]:
    """What tells a role where the others are, and what they do."""
    series, health = release.series, {role.name: role.health for role in roles}
    if series.execution_api is None:
        return {STANDALONE_PARSER.name: "true"} if DAG_PROCESSOR.name in health else {}
    asked = health.get(series.execution_api)
    port = asked.port if isinstance(asked, HttpHealth) else UI_PORT
    return {EXECUTION_API.name: f"http://{series.execution_api}:{port}/execution/"} if asked is not None else {}


def make_verify_user(database: VerifyDatabase) -> dict[str, str]:
    """The user that a role makes at its start (the entrypoint's variables): nobody can log in as it afterwards.

    An existing ``database`` keeps it, hence a name and an address that no other has, and the role that may do nothing.
    A new one has that role only where FAB's provider makes it: 1.5.0 to 1.5.3, the official constraints of Airflow 2.10
    and 2.11.0, do not (``AUTH_ROLE_PUBLIC`` has no default there). The administrators' role is in each.
    """
    name, role = f"optbuild-verify-{secrets.token_hex(6)}", "Public" if database.name == EXTERNAL else "Admin"
    values = {"USERNAME": name, "PASSWORD": secrets.token_hex(16), "EMAIL": f"{name}@example.com", "ROLE": role}
    return {USER_PREFIX + key: value for key, value in values.items()}


def make_user_environment(own: Mapping[str, str], user: Mapping[str, str]) -> dict[str, str]:
    """For a role that makes a user, whatever its spec calls him: ``user`` instead. For others nothing."""
    if not own.get(f"{USER_PREFIX}CREATE"):
        return {}
    return {**user, f"{USER_PREFIX}PASSWORD_CMD": ""}


def make_secret(wanted: SharedSecret) -> str:
    """A random value of the form that Airflow takes."""
    if wanted.is_fernet_key:
        return base64.urlsafe_b64encode(secrets.token_bytes(wanted.size)).decode()
    return secrets.token_hex(wanted.size)
