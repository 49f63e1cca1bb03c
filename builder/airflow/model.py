"""What differs between Airflow versions, as values: roles, how each is started, how one sees that it works."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.airflow.variables import ConfigOption


@dataclass(frozen=True)
class HttpHealth:
    """The role answers HTTP. ``json_components`` are keys whose ``status`` must be ``healthy``: the HTTP code is 200
    even when the scheduler is dead (Airflow documentation, "Checking Airflow Health Status")."""

    path: str
    port: int
    json_components: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobHealth:
    """The role keeps a job alive in the database; ``airflow jobs check --job-type`` sees it."""

    job_type: str


@dataclass(frozen=True)
class ExitHealth:
    """The role does its work and ends with exit code 0."""


@dataclass(frozen=True)
class PingHealth:
    """A Celery worker, which answers Celery's own ping: ``celery inspect ping``."""


Health = HttpHealth | JobHealth | ExitHealth | PingHealth


@dataclass(frozen=True)
class Role:
    """One way to start the image. ``command`` are the words behind ``/entrypoint``, ``environment`` is set for them."""

    name: str
    command: tuple[str, ...]
    health: Health | None
    environment: tuple[tuple[str, str], ...] = ()
    reads_dags: bool = False
    """It reads the DAG files: to show them, to run tasks, or to watch triggers."""
    needs_extras: tuple[str, ...] = ()
    """Extras of ``apache-airflow`` without which its command does not exist."""

    @property
    def needs_broker(self) -> bool:
        """Celery's roles do."""
        return self.command[:1] == ("celery",)


@dataclass(frozen=True)
class HealthServer:
    """A server for health checks alone, which the role has beside its work when ``variable`` is true."""

    variable: str
    path: str
    port: int
    port_option: ConfigOption | None = None
    """Moves the port."""
    can_hang_role: bool = False
    """Its first answer can take one that the role itself waits for: a fork that goes on with the role's connection."""


@dataclass(frozen=True)
class WebOptions:
    """What moves the HTTP health of a role. ``address`` is a URL or a path: everything is served below its path."""

    port: ConfigOption
    address: ConfigOption
    certificate: ConfigOption | None = None
    """Makes it speak TLS only."""


@dataclass(frozen=True)
class WebLogin:
    """How people log in to the web interface: paths of Flask-AppBuilder's form, and of the page that is behind it."""

    form: str
    home: str
    token: tuple[str, str] | None = None
    """Paths where users are given a token for their password, and of a page of the API that takes it; None: nowhere."""


@dataclass(frozen=True)
class WritableFile:
    """A file of AIRFLOW_HOME that a role makes at its start, unless it is there or a variable says it is elsewhere."""

    name: str
    variable: str


class FabSource(StrEnum):
    """What brings the commands ``users``, ``roles``, ``sync-perm`` and ``fab-db`` where Airflow itself has none."""

    AUTH_MANAGER = "auth-manager"
    """The FAB auth manager, once it is set."""
    PROVIDER = "provider"
    """The FAB provider, once it is installed."""


@dataclass(frozen=True)
class KnownRole:
    """A role of Airflow's own: ``role`` as an image of ours has it, and what else is known of it in compose files."""

    role: Role
    weak_words: tuple[tuple[str, ...], ...] = ()
    """Further first words that start it, too common to be a sign of Airflow (``worker``)."""
    web: WebOptions | None = None
    """Of its HTTP health."""
    login: WebLogin | None = None
    """None: it has none, or how that goes is not known."""
    writes: tuple[WritableFile, ...] = ()
    """Beside airflow.cfg."""
    pid_option: str | None = None
    """Moves the file with its process ID, which it writes into AIRFLOW_HOME; None: it writes none."""
    health_server: HealthServer | None = None
    successor: str | None = None
    """The role that does its job in the versions that no longer have it."""

    @property
    def name(self) -> str:
        return self.role.name

    @property
    def is_lasting(self) -> bool:
        """It goes on until it is stopped."""
        return not isinstance(self.role.health, ExitHealth)


@dataclass(frozen=True)
class Executor:
    """What ``[core] executor`` may name without a module."""

    name: str
    needs_extras: tuple[str, ...] = ()
    runs_in_scheduler: bool = False
    """Tasks are children of the scheduler."""

    @property
    def uses_celery(self) -> bool:
        """Its tasks go to Celery's workers, some of them at least."""
        return "celery" in self.needs_extras


@dataclass(frozen=True)
class SharedSecret:
    """A secret that all containers of one Airflow must agree on."""

    option: ConfigOption
    size: int
    """Random bytes that it is made from."""
    is_fernet_key: bool = False
    """URL-safe base64 of them (cryptography, "Fernet"), not their hexadecimal digits."""


@dataclass(frozen=True)
class ReleaseSeries:
    """A row of the table: every version from ``first`` to before the next row's."""

    first: str
    python_versions: tuple[str, ...]
    """None at all: no image of ours can have these versions; compose files may."""
    roles: tuple[KnownRole, ...]
    """On by default."""
    optional_roles: tuple[KnownRole, ...] = ()
    other_roles: tuple[KnownRole, ...] = ()
    """That only compose files start, no spec."""
    uses_gosu: bool = False
    """The official image has gosu; the official compose file's init called it up to 2.7."""
    migrate: tuple[str, ...] = ("db", "migrate")
    """Words behind ``airflow`` that bring the database's tables up to this version (``db upgrade`` before 2.7)."""
    celery_app: str | None = None
    """The module that Celery's command line needs for a ping; None: this Celery has none."""
    fab_commands: FabSource | None = None
    """None: Airflow has them itself, or FAB is its default."""
    secrets: tuple[SharedSecret, ...] = ()
    executors: tuple[Executor, ...] = ()
    """The first is for one machine without a server database, and the one where nothing names another."""
    dag_reader: str = "scheduler"
    """The role whose reading of the DAG files makes them known to the others."""
    execution_api: str | None = None
    """The role that tasks talk to; None: they use the database themselves."""
    waiting_commands: tuple[str, ...] | None = None
    """The commands before which the official entrypoint waits for the database; None: before all of them."""

    @property
    def all_roles(self) -> tuple[KnownRole, ...]:
        return (*self.roles, *self.optional_roles, *self.other_roles)


@dataclass(frozen=True)
class Release:
    """One version, and the row of the table that it belongs to."""

    version: str
    series: ReleaseSeries
    is_newer: bool = False
    """It is newer than the newest patch that the table was checked against; the index decides whether it exists."""

    @property
    def python_versions(self) -> tuple[str, ...]:
        return self.series.python_versions

    @property
    def roles(self) -> tuple[Role, ...]:
        """On by default."""
        return tuple(one.role for one in self.series.roles)

    @property
    def optional_roles(self) -> tuple[Role, ...]:
        """Exist in this version, off unless the spec enables them (``triggerer``, ...)."""
        return tuple(one.role for one in self.series.optional_roles)

    @property
    def all_roles(self) -> tuple[Role, ...]:
        """That an image of ours can have."""
        return (*self.roles, *self.optional_roles)
