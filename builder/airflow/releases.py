"""The Airflow versions that are known, as one table.

Sources: ``Requires-Python`` and classifiers of each version on PyPI; the subcommands of its command line; the
Dockerfile, entrypoint and compose file of the official image; "Checking Airflow Health Status" of its documentation.
"""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from builder.airflow.model import ExitHealth, HttpHealth, JobHealth, Release, Role
from builder.errors import UnknownAirflowError

UI_PORT = 8080


@dataclass(frozen=True)
class _Series:
    """Every version from ``first`` to before the next row's."""

    first: str
    python_versions: tuple[str, ...]
    roles: tuple[Role, ...]
    optional_roles: tuple[Role, ...]
    uses_gosu: bool
    migrate: tuple[str, ...] = ("db", "migrate")


def _init() -> Role:
    """As the official compose file starts it: the migration is a side effect of the entrypoint, then a harmless word.

    Whoever starts it names the user and gives the password (``_AIRFLOW_WWW_USER_*``): a default would be known to all.
    """
    environment = (
        ("_AIRFLOW_DB_MIGRATE", "true"),
        ("_AIRFLOW_WWW_USER_CREATE", "true"),
    )
    return Role("init", ("version",), ExitHealth(), environment)


_SCHEDULER = Role("scheduler", ("scheduler",), JobHealth("SchedulerJob"))
_TRIGGERER = Role("triggerer", ("triggerer",), JobHealth("TriggererJob"))
_DAG_PROCESSOR = Role("dag-processor", ("dag-processor",), JobHealth("DagProcessorJob"))
_CELERY = (
    Role("worker", ("celery", "worker"), None),
    Role("flower", ("celery", "flower"), HttpHealth("/", 5555)),
)
_COMPONENTS = ("metadatabase", "scheduler")
_WEBSERVER = Role("webserver", ("webserver",), HttpHealth("/health", UI_PORT, _COMPONENTS))
_API_SERVER = Role("api-server", ("api-server",), HttpHealth("/api/v2/monitor/health", UI_PORT, _COMPONENTS))

_ROLES_2 = (_init(), _WEBSERVER, _SCHEDULER)
_OPTIONAL_2 = (_TRIGGERER, _DAG_PROCESSOR, *_CELERY)
_ROLES_3 = (_init(), _API_SERVER, _SCHEDULER, _DAG_PROCESSOR)
_OPTIONAL_3 = (_TRIGGERER, *_CELERY)


def _two(first: str, *python_versions: str, migrate: tuple[str, ...] = ("db", "migrate")) -> _Series:
    return _Series(first, python_versions, _ROLES_2, _OPTIONAL_2, uses_gosu=True, migrate=migrate)


def _three(first: str, *python_versions: str) -> _Series:
    return _Series(first, python_versions, _ROLES_3, _OPTIONAL_3, uses_gosu=False)


_SERIES = (
    _two("2.6.0", "3.7", "3.8", "3.9", "3.10", migrate=("db", "upgrade")),
    _two("2.6.2", "3.7", "3.8", "3.9", "3.10", "3.11", migrate=("db", "upgrade")),
    _two("2.7.0", "3.8", "3.9", "3.10", "3.11"),
    _two("2.9.0", "3.8", "3.9", "3.10", "3.11", "3.12"),
    _two("2.11.0", "3.9", "3.10", "3.11", "3.12"),
    _two("2.11.1", "3.10", "3.11", "3.12"),
    _three("3.0.0", "3.9", "3.10", "3.11", "3.12"),
    _three("3.1.0", "3.10", "3.11", "3.12", "3.13"),
    _three("3.2.0", "3.10", "3.11", "3.12", "3.13", "3.14"),
)
_LAST_OF_MAJOR = {2: 11, 3: 3}
"""The newest minor of each major that the table was checked against."""
SUPPORTED = "2.6.0 to 2.11.x and 3.0.0 to 3.3.x"
ELSEWHERE = {"webserver": "api-server", "api-server": "webserver"}
"""A role that only another major version has, and what does its job in this one."""


def release(version: str) -> Release:
    """What is known of the Airflow ``version`` (like ``2.8.1``). Raises :class:`UnknownAirflowError`."""
    try:
        parsed = Version(version)
    except InvalidVersion as error:
        raise UnknownAirflowError(version, SUPPORTED) from error
    rows = [row for row in _SERIES if Version(row.first) <= parsed]
    last = _LAST_OF_MAJOR.get(parsed.major, -1)
    if not rows or parsed.minor > last or parsed.is_prerelease or len(parsed.release) != 3 or parsed.local:
        raise UnknownAirflowError(version, SUPPORTED)
    row = rows[-1]
    return Release(version, row.python_versions, row.roles, row.optional_roles, row.uses_gosu, row.migrate)
