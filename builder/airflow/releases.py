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
    Executor,
    ExitHealth,
    FabSource,
    HealthServer,
    HttpHealth,
    JobHealth,
    KnownRole,
    PingHealth,
    Release,
    ReleaseSeries,
    Role,
    SharedSecret,
    WebLogin,
    WebOptions,
    WritableFile,
)
from builder.airflow.variables import (
    API_ADDRESS,
    API_CERTIFICATE,
    API_PORT,
    API_SECRET_KEY,
    FERNET_KEY,
    FLOWER_ADDRESS,
    FLOWER_PORT,
    JWT_SECRET,
    MIGRATE_VARIABLE,
    SCHEDULER_HEALTH_PORT,
    SCHEDULER_HEALTH_SERVER,
    SECRET_KEY,
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
_PARSER = "dag-processor"
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
    login=WebLogin("/auth/login/", "/", token=("/auth/token", "/api/v2/dags?limit=1")),
    writes=(WritableFile("simple_auth_manager_passwords.json.generated", SIMPLE_PASSWORDS.name),),
)
_SCHEDULER_1 = KnownRole(Role("scheduler", ("scheduler",), None, reads_dags=True))
"""``airflow jobs check`` came with 2.1.0."""
_SCHEDULER_2_1 = KnownRole(Role("scheduler", ("scheduler",), JobHealth("SchedulerJob"), reads_dags=True))
SCHEDULER = KnownRole(
    Role("scheduler", ("scheduler",), JobHealth("SchedulerJob"), reads_dags=True),
    health_server=HealthServer(
        SCHEDULER_HEALTH_SERVER.name, "/health", 8974, SCHEDULER_HEALTH_PORT, can_hang_role=True
    ),
)
"""Its health server came with 2.4.0. Up to 2.11 a fork keeps the connections that it inherited (airflow/settings.py
registers nothing with ``os.register_at_fork``; since 3.0 it does), and SQLAlchemy pings one before Airflow looks whose
it is."""
_SCHEDULER_3 = KnownRole(
    SCHEDULER.role, health_server=HealthServer(SCHEDULER_HEALTH_SERVER.name, "/health", 8974, SCHEDULER_HEALTH_PORT)
)
_TRIGGERER = KnownRole(Role("triggerer", ("triggerer",), JobHealth("TriggererJob"), reads_dags=True))
_DAG_PROCESSOR_2_3 = KnownRole(Role(_PARSER, (_PARSER,), None, reads_dags=True))
"""It has a job in the database since 2.6.0."""
DAG_PROCESSOR = KnownRole(Role(_PARSER, (_PARSER,), JobHealth("DagProcessorJob"), reads_dags=True))
_WORKER = KnownRole(
    Role("worker", ("celery", "worker"), PingHealth(), reads_dags=True, needs_extras=("celery",)),
    weak_words=(("worker",),),
)
_FLOWER = KnownRole(
    Role("flower", ("celery", "flower"), HttpHealth("/", 5555), needs_extras=("celery",)),
    weak_words=(("flower",),),
    web=WebOptions(FLOWER_PORT, FLOWER_ADDRESS),
)
_STANDALONE_2 = KnownRole(Role("standalone", ("standalone",), HttpHealth(_OLD_HEALTH, UI_PORT)), web=_WEBSERVER_OPTIONS)
_STANDALONE_3 = KnownRole(Role("standalone", ("standalone",), HttpHealth(_NEW_HEALTH, UI_PORT)), web=_API_OPTIONS)
_KUBERNETES = KnownRole(Role("kubernetes", (), None), weak_words=(("kubernetes",),))
_KERBEROS = KnownRole(Role("kerberos", (), None), weak_words=(("kerberos",),))
"""Renews tickets; nothing shows whether it works."""
_EDGE_WORKER = KnownRole(Role("edge-worker", (), None, reads_dags=True), weak_words=(("edge", "worker"),))
"""Of the edge provider, which needs Airflow 2.10; it asks the web server for work, without a database or a broker."""

_SECRETS_2 = (SharedSecret(FERNET_KEY, 32, is_fernet_key=True), SharedSecret(SECRET_KEY, 16))
_SECRETS_3 = (
    SharedSecret(FERNET_KEY, 32, is_fernet_key=True),
    SharedSecret(API_SECRET_KEY, 16),
    SharedSecret(JWT_SECRET, 64),
)
"""Tokens of Airflow 3 are signed with HS512, and PyJWT warns of a key below 64 bytes."""
_KUBERNETES_EXTRA = "cncf.kubernetes"
_EXECUTORS_3 = (
    Executor("LocalExecutor", runs_in_scheduler=True),
    Executor("CeleryExecutor", ("celery",)),
    Executor("KubernetesExecutor", (_KUBERNETES_EXTRA,)),
)
_EXECUTORS_2 = (
    Executor("SequentialExecutor", runs_in_scheduler=True),
    *_EXECUTORS_3,
    Executor("CeleryKubernetesExecutor", ("celery", _KUBERNETES_EXTRA)),
    Executor("LocalKubernetesExecutor", (_KUBERNETES_EXTRA,)),
    Executor("DebugExecutor", runs_in_scheduler=True),
)
_EXECUTORS_BEFORE_PROVIDER = (*_EXECUTORS_2, Executor("DaskExecutor", ("dask",)))
"""Read in ``airflow/executors/executor_constants.py`` of the wheels; those of providers are named by their module."""

_OLD_CELERY_APP = "airflow.executors.celery_executor.app"
_CELERY_APP = "airflow.providers.celery.executors.celery_executor.app"
"""Since Airflow 2.7 the executor lies in the provider."""


def _make_series_1(first: str) -> ReleaseSeries:
    """Celery's roles are started by their weak words there."""
    return ReleaseSeries(first, (), (_WEBSERVER, _SCHEDULER_1), other_roles=(_KERBEROS,), migrate=("upgradedb",))


def _make_series_before_images(first: str, scheduler: KnownRole, *optional_roles: KnownRole) -> ReleaseSeries:
    """The versions of 2.x that no image of ours can have."""
    return ReleaseSeries(
        first,
        (),
        (_INIT, _WEBSERVER, scheduler),
        (*optional_roles, _WORKER, _FLOWER),
        (*((_STANDALONE_2,) if _TRIGGERER in optional_roles else ()), _KUBERNETES, _KERBEROS),
        migrate=("db", "upgrade"),
        celery_app=_OLD_CELERY_APP,
    )


def _make_series_2(
    first: str,
    *python_versions: str,
    migrate: tuple[str, ...] = ("db", "migrate"),
    celery_app: str = _CELERY_APP,
    uses_gosu: bool = False,
    executors: tuple[Executor, ...] = _EXECUTORS_2,
) -> ReleaseSeries:
    return ReleaseSeries(
        first,
        python_versions,
        (_INIT, _WEBSERVER, SCHEDULER),
        (_TRIGGERER, DAG_PROCESSOR, _WORKER, _FLOWER),
        (_STANDALONE_2, _KUBERNETES, _KERBEROS, _EDGE_WORKER),
        uses_gosu=uses_gosu,
        migrate=migrate,
        celery_app=celery_app,
        secrets=_SECRETS_2,
        executors=executors,
    )


def _make_series_before_provider(first: str, *python_versions: str) -> ReleaseSeries:
    return _make_series_2(
        first,
        *python_versions,
        migrate=("db", "upgrade"),
        celery_app=_OLD_CELERY_APP,
        uses_gosu=True,
        executors=_EXECUTORS_BEFORE_PROVIDER,
    )


def _make_series_3(
    first: str,
    *python_versions: str,
    fab_commands: FabSource = FabSource.AUTH_MANAGER,
    waiting_commands: tuple[str, ...] | None = None,
) -> ReleaseSeries:
    return ReleaseSeries(
        first,
        python_versions,
        (_INIT, _API_SERVER, _SCHEDULER_3, DAG_PROCESSOR),
        (_TRIGGERER, _WORKER, _FLOWER),
        (_STANDALONE_3, _KUBERNETES, _KERBEROS, _EDGE_WORKER),
        celery_app=_CELERY_APP,
        fab_commands=fab_commands,
        secrets=_SECRETS_3,
        executors=_EXECUTORS_3,
        dag_reader=_PARSER,
        execution_api=_API_SERVER.name,
        waiting_commands=waiting_commands,
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
    _make_series_2("2.7.0", "3.8", "3.9", "3.10", "3.11", uses_gosu=True),
    _make_series_2("2.8.3", "3.8", "3.9", "3.10", "3.11"),
    _make_series_2("2.9.0", "3.8", "3.9", "3.10", "3.11", "3.12"),
    _make_series_2("2.11.0", "3.9", "3.10", "3.11", "3.12"),
    _make_series_2("2.11.1", "3.10", "3.11", "3.12"),
    _make_series_3("3.0.0", "3.9", "3.10", "3.11", "3.12"),
    _make_series_3("3.1.0", "3.10", "3.11", "3.12", "3.13"),
    _make_series_3("3.2.0", "3.10", "3.11", "3.12", "3.13", "3.14", fab_commands=FabSource.PROVIDER),
    _make_series_3(
        "3.3.0",
        *("3.10", "3.11", "3.12", "3.13", "3.14"),
        fab_commands=FabSource.PROVIDER,
        waiting_commands=("scheduler", _PARSER, "triggerer", "api-server"),
    ),
)
_LAST_PATCHES = {
    (2, 6): 3,
    (2, 7): 3,
    (2, 8): 4,
    (2, 9): 3,
    (2, 10): 5,
    (2, 11): 2,
    (3, 0): 6,
    (3, 1): 8,
    (3, 2): 2,
    (3, 3): 2,
}
"""Minor → its newest patch, when the table was last compared with the package index."""
_WITHDRAWN = frozenset({"3.0.5", "3.1.4"})
"""Yanked on the package index: nothing resolves to them."""
SUPPORTED = "2.6.0 to 2.11.x and 3.0.0 to 3.3.x"


def find_release(version: str) -> Release:
    """What is known of the Airflow ``version`` (like ``2.8.1``).

    A patch that came after the table was written is taken where its minor is the newest of its major: older minors get
    no more of them. Raises :class:`UnknownAirflowError` for any other version that is not known.
    """
    try:
        parsed = Version(version)
    except InvalidVersion as error:
        raise UnknownAirflowError(version, SUPPORTED) from error
    minor = parsed.release[:2]
    if parsed.is_prerelease or parsed.is_postrelease or len(parsed.release) != 3 or parsed.local or parsed.epoch:
        raise UnknownAirflowError(version, SUPPORTED)
    if minor not in _LAST_PATCHES:
        raise UnknownAirflowError(version, SUPPORTED)
    is_newer = parsed.micro > _LAST_PATCHES[minor]
    if version in _WITHDRAWN or (is_newer and any(one[0] == minor[0] and one > minor for one in _LAST_PATCHES)):
        raise UnknownAirflowError(version, SUPPORTED, nearest=_find_nearest_version(parsed))
    row = next(row for row in reversed(SERIES) if Version(row.first) <= parsed)
    return Release(version, row, is_newer)


def list_known_versions() -> tuple[str, ...]:
    """Every version that an image can have, oldest first."""
    every = (f"{major}.{minor}.{patch}" for (major, minor), last in _LAST_PATCHES.items() for patch in range(last + 1))
    return tuple(version for version in every if version not in _WITHDRAWN)


def _find_nearest_version(wanted: Version) -> str:
    """Of the same minor: the next newer one, else the newest."""
    same = [one for one in map(Version, list_known_versions()) if one.release[:2] == wanted.release[:2]]
    return str(next((one for one in same if one > wanted), same[-1]))
