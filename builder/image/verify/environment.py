"""The environment that roles and probes are started with: pure functions from a database and a session."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from builder.airflow.variables import CONNECTION, EXECUTOR, FERNET_KEY, LOAD_EXAMPLES, SECRET_KEY, USER_PREFIX
from builder.core.errors import VerifyUsageError
from builder.core.naming import SQLITE
from builder.core.redact import find_secret_values

if TYPE_CHECKING:
    from collections.abc import Mapping

DATABASE_HOST = "database"
"""The server's name on the verification's network."""
HOST_ALIAS = "host.docker.internal"
EXTERNAL = "external"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

_FAST_SETTINGS = {
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    LOAD_EXAMPLES.name: "false",
    "AIRFLOW__CORE__PARALLELISM": "2",  # LocalExecutor starts this many processes at once; 32 by default
    "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "false",
    "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "30",
    "AIRFLOW__SCHEDULER__PARSING_PROCESSES": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
    "AIRFLOW__WEBSERVER__WORKERS": "1",
    "CONNECTION_CHECK_MAX_COUNT": "5",  # of our entrypoint and the official one; 20 by default
    "CONNECTION_CHECK_SLEEP_TIME": "1",  # 3 by default
}
"""Less waiting and fewer processes than the defaults; nothing here changes what is proven. The database has answered
before a role is started with this, so a role that cannot use it in half a minute cannot use it at all."""


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


def make_role_environment(database: VerifyDatabase, fernet_key: str, secret_key: str) -> dict[str, str]:
    """What every role of one verification is started with."""
    executor = "SequentialExecutor" if database.name == SQLITE else "LocalExecutor"
    return {
        **_FAST_SETTINGS,
        EXECUTOR.name: executor,
        FERNET_KEY.name: fernet_key,
        CONNECTION.name: database.url,
        SECRET_KEY.name: secret_key,
    }


def make_verify_user() -> dict[str, str]:
    """The user that a role makes at its start (the entrypoint's variables): nobody can log in as it afterwards.

    An existing database keeps it, hence a name and an address that no other has, and the role that may do nothing.
    """
    name = f"optbuild-verify-{secrets.token_hex(6)}"
    values = {"USERNAME": name, "PASSWORD": secrets.token_hex(16), "EMAIL": f"{name}@example.com", "ROLE": "Public"}
    return {USER_PREFIX + key: value for key, value in values.items()}


def make_user_environment(own: Mapping[str, str], user: Mapping[str, str]) -> dict[str, str]:
    """For a role that makes a user, whatever its spec calls him: ``user`` instead. For others nothing."""
    if not own.get(f"{USER_PREFIX}CREATE"):
        return {}
    return {**user, f"{USER_PREFIX}PASSWORD_CMD": ""}


def make_fernet_key() -> str:
    """32 random bytes in URL-safe base64 (cryptography, "Fernet")."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
