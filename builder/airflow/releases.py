"""The Airflow versions that are known, as one table: a row per range of versions, with the roles that it has.

A role of a new version is a :class:`KnownRole` here and its name in the rows that have it; specs, compose files and
verification find it through :mod:`builder.airflow.find`.

Sources: ``Requires-Python`` and classifiers of each version on PyPI; the subcommands of its command line and the job
types that its ``jobs check`` takes, read in the wheels of 1.10.9 to 3.3.2; the Dockerfile, entrypoint and compose file
of the official image; "Checking Airflow Health Status" of its documentation.
"""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from builder.airflow.model import (
    ExitHealth,
    FabSource,
    HealthServer,
    HttpHealth,
    JobHealth,
    KnownRole,
    Release,
    ReleaseSeries,
    Role,
    WebLogin,
    WebOptions,
    WritableFile,
)
from builder.airflow.variables import (
    API_ADDRESS,
    API_CERTIFICATE,
    API_PORT,
    FAB_AUTH_MANAGER,
    FLOWER_ADDRESS,
    FLOWER_PORT,
    MIGRATE_VARIABLE,
    SCHEDULER_HEALTH_PORT,
    SCHEDULER_HEALTH_SERVER,
    SIMPLE_PASSWORDS,
    USER_PREFIX,
    WEBSERVER_ADDRESS,
    WEBSERVER_CERTIFICATE,
    WEBSERVER_CONFIG,
    WEBSERVER_PORT,
)
from builder.core.errors import UnknownAirflowError

UI_PORT = 8080


def _make_init_role() -> Role:
    """As the official compose file starts it: the migration is a side effect of the entrypoint, then a harmless word.

    Its start must name the user and give the password (``_AIRFLOW_WWW_USER_*``): a default would be known to all.
    """
    return Role("init", ("version",), ExitHealth(), ((MIGRATE_VARIABLE, "true"), (f"{USER_PREFIX}CREATE", "true")))


_COMPONENTS = ("metadatabase", "scheduler")
_OLD_HEALTH, _NEW_HEALTH = "/health", "/api/v2/monitor/health"
_WEBSERVER_OPTIONS = WebOptions(WEBSERVER_PORT, WEBSERVER_ADDRESS, WEBSERVER_CERTIFICATE)
_API_OPTIONS = WebOptions(API_PORT, API_ADDRESS, API_CERTIFICATE)
_INIT = KnownRole(_make_init_role())
_WEBSERVER = KnownRole(
    Role("webserver", ("webserver",), HttpHealth(_OLD_HEALTH, UI_PORT, _COMPONENTS)),
    web=_WEBSERVER_OPTIONS,
    login=WebLogin("/login/", "/home"),
    writes=(WritableFile("webserver_config.py", WEBSERVER_CONFIG.name),),
    pid_option="--pid",
    successor="api-server",
)
_API_SERVER = KnownRole(
    Role("api-server", ("api-server",), HttpHealth(_NEW_HEALTH, UI_PORT, _COMPONENTS)),
    web=_API_OPTIONS,
    login=WebLogin("/auth/login/", "/", FAB_AUTH_MANAGER),
    writes=(WritableFile("simple_auth_manager_passwords.json.generated", SIMPLE_PASSWORDS.name),),
)
_SCHEDULER_1 = KnownRole(Role("scheduler", ("scheduler",), None))
"""``airflow jobs check`` came with 2.1.0."""
_SCHEDULER_2_1 = KnownRole(Role("scheduler", ("scheduler",), JobHealth("SchedulerJob")))
SCHEDULER = KnownRole(
    Role("scheduler", ("scheduler",), JobHealth("SchedulerJob")),
    health_server=HealthServer(SCHEDULER_HEALTH_SERVER.name, "/health", 8974, SCHEDULER_HEALTH_PORT),
)
"""Its health server came with 2.4.0."""
_TRIGGERER = KnownRole(Role("triggerer", ("triggerer",), JobHealth("TriggererJob")))
_DAG_PROCESSOR_2_3 = KnownRole(Role("dag-processor", ("dag-processor",), None))
"""It has a job in the database since 2.6.0."""
_DAG_PROCESSOR = KnownRole(Role("dag-processor", ("dag-processor",), JobHealth("DagProcessorJob")))
_WORKER = KnownRole(Role("worker", ("celery", "worker"), None), weak_words=(("worker",),), answers_ping=True)
_FLOWER = KnownRole(
    Role("flower", ("celery", "flower"), HttpHealth("/", 5555)),
    weak_words=(("flower",),),
    web=WebOptions(FLOWER_PORT, FLOWER_ADDRESS),
)
_STANDALONE_2 = KnownRole(Role("standalone", ("standalone",), HttpHealth(_OLD_HEALTH, UI_PORT)), web=_WEBSERVER_OPTIONS)
_STANDALONE_3 = KnownRole(Role("standalone", ("standalone",), HttpHealth(_NEW_HEALTH, UI_PORT)), web=_API_OPTIONS)
_KUBERNETES = KnownRole(Role("kubernetes", (), None), weak_words=(("kubernetes",),))

_OLD_CELERY_APP = "airflow.executors.celery_executor.app"
_CELERY_APP = "airflow.providers.celery.executors.celery_executor.app"
"""Since Airflow 2.7 the executor lies in the provider."""


def _make_series_1(first: str) -> ReleaseSeries:
    """Celery's roles are started by their weak words there."""
    return ReleaseSeries(first, (), (_WEBSERVER, _SCHEDULER_1), migrate=("upgradedb",))


def _make_series_before_images(first: str, scheduler: KnownRole, *optional_roles: KnownRole) -> ReleaseSeries:
    """The versions of 2.x that no image of ours can have."""
    return ReleaseSeries(
        first,
        (),
        (_INIT, _WEBSERVER, scheduler),
        (*optional_roles, _WORKER, _FLOWER),
        (*((_STANDALONE_2,) if _TRIGGERER in optional_roles else ()), _KUBERNETES),
        migrate=("db", "upgrade"),
        celery_app=_OLD_CELERY_APP,
    )


def _make_series_2(
    first: str, *python_versions: str, migrate: tuple[str, ...] = ("db", "migrate"), celery_app: str = _CELERY_APP
) -> ReleaseSeries:
    return ReleaseSeries(
        first,
        python_versions,
        (_INIT, _WEBSERVER, SCHEDULER),
        (_TRIGGERER, _DAG_PROCESSOR, _WORKER, _FLOWER),
        (_STANDALONE_2, _KUBERNETES),
        uses_gosu=True,
        migrate=migrate,
        celery_app=celery_app,
    )


def _make_series_before_provider(first: str, *python_versions: str) -> ReleaseSeries:
    return _make_series_2(first, *python_versions, migrate=("db", "upgrade"), celery_app=_OLD_CELERY_APP)


def _make_series_3(
    first: str, *python_versions: str, fab_commands: FabSource = FabSource.AUTH_MANAGER
) -> ReleaseSeries:
    return ReleaseSeries(
        first,
        python_versions,
        (_INIT, _API_SERVER, SCHEDULER, _DAG_PROCESSOR),
        (_TRIGGERER, _WORKER, _FLOWER),
        (_STANDALONE_3, _KUBERNETES),
        celery_app=_CELERY_APP,
        fab_commands=fab_commands,
    )


SERIES = (
    _make_series_1("1.0.0"),
    _make_series_before_images("2.0.0", _SCHEDULER_1),
    _make_series_before_images("2.1.0", _SCHEDULER_2_1),
    _make_series_before_images("2.2.0", _SCHEDULER_2_1, _TRIGGERER),
    _make_series_before_images("2.3.0", _SCHEDULER_2_1, _TRIGGERER, _DAG_PROCESSOR_2_3),
    _make_series_before_images("2.4.0", SCHEDULER, _TRIGGERER, _DAG_PROCESSOR_2_3),
    _make_series_before_provider("2.6.0", "3.7", "3.8", "3.9", "3.10"),
    _make_series_before_provider("2.6.2", "3.7", "3.8", "3.9", "3.10", "3.11"),
    _make_series_2("2.7.0", "3.8", "3.9", "3.10", "3.11"),
    _make_series_2("2.9.0", "3.8", "3.9", "3.10", "3.11", "3.12"),
    _make_series_2("2.11.0", "3.9", "3.10", "3.11", "3.12"),
    _make_series_2("2.11.1", "3.10", "3.11", "3.12"),
    _make_series_3("3.0.0", "3.9", "3.10", "3.11", "3.12"),
    _make_series_3("3.1.0", "3.10", "3.11", "3.12", "3.13"),
    _make_series_3("3.2.0", "3.10", "3.11", "3.12", "3.13", "3.14", fab_commands=FabSource.PROVIDER),
)
_LAST_OF_MAJOR = {2: 11, 3: 3}
"""The newest minor of each major that the table was checked against."""
SUPPORTED = "2.6.0 to 2.11.x and 3.0.0 to 3.3.x"


def find_release(version: str) -> Release:
    """What is known of the Airflow ``version`` (like ``2.8.1``). Raises :class:`UnknownAirflowError`."""
    try:
        parsed = Version(version)
    except InvalidVersion as error:
        raise UnknownAirflowError(version, SUPPORTED) from error
    rows = [row for row in SERIES if Version(row.first) <= parsed]
    last = _LAST_OF_MAJOR.get(parsed.major, -1)
    known = rows and rows[-1].python_versions and parsed.minor <= last
    if not known or parsed.is_prerelease or len(parsed.release) != 3 or parsed.local:
        raise UnknownAirflowError(version, SUPPORTED)
    row = rows[-1]
    roles = tuple(one.role for one in row.roles)
    optional = tuple(one.role for one in row.optional_roles)
    return Release(version, row.python_versions, roles, optional, row.uses_gosu, row.migrate)
