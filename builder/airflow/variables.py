"""Environment variables of Airflow and of its official image's entrypoint, under their names in each version.

Source: the configuration reference of each major version; the entrypoint of the official image.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConfigOption:
    """A configuration option, as the variable that sets it."""

    name: str
    former: tuple[str, ...] = ()
    """Names before that, the newest first."""
    since: str | None = None
    """The version that reads ``name`` first; None: every version that has the option."""
    former_until: str | None = None
    """The version that no longer reads the former names; None: every version reads them."""
    until: str | None = None
    """The version that no longer has the option; None: every one has it, under one of the names."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.former)


SUFFIXES = ("", "_CMD", "_SECRET")
"""What may follow the name of a sensitive option: its value, a command that prints it, its key in a secrets backend."""

CONNECTION = ConfigOption(
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    ("AIRFLOW__CORE__SQL_ALCHEMY_CONN",),
    since="2.3.0",
    former_until="3.0.0",
)
"""The table of renamed options (``deprecated_options``) of 2.x has the pair, that of 3.0.0 does not."""
WEBSERVER_PORT = ConfigOption("AIRFLOW__WEBSERVER__WEB_SERVER_PORT")
WEBSERVER_ADDRESS = ConfigOption("AIRFLOW__WEBSERVER__BASE_URL")
WEBSERVER_CERTIFICATE = ConfigOption("AIRFLOW__WEBSERVER__WEB_SERVER_SSL_CERT")
WEBSERVER_CONFIG = ConfigOption("AIRFLOW__WEBSERVER__CONFIG_FILE")
"""Of Flask-AppBuilder: how people log in."""
API_PORT = ConfigOption("AIRFLOW__API__PORT", WEBSERVER_PORT.names)
API_ADDRESS = ConfigOption("AIRFLOW__API__BASE_URL")
"""Unlike port and certificate, Airflow 3 does not read it under its name of 2.x."""
API_CERTIFICATE = ConfigOption("AIRFLOW__API__SSL_CERT", WEBSERVER_CERTIFICATE.names)
FLOWER_PORT = ConfigOption("AIRFLOW__CELERY__FLOWER_PORT")
FLOWER_ADDRESS = ConfigOption("AIRFLOW__CELERY__FLOWER_URL_PREFIX")
BROKER = ConfigOption("AIRFLOW__CELERY__BROKER_URL")
RESULT_BACKEND = ConfigOption("AIRFLOW__CELERY__RESULT_BACKEND")
EXECUTOR = ConfigOption("AIRFLOW__CORE__EXECUTOR")
LOAD_EXAMPLES = ConfigOption("AIRFLOW__CORE__LOAD_EXAMPLES")
AUTH_MANAGER = ConfigOption("AIRFLOW__CORE__AUTH_MANAGER")
SIMPLE_PASSWORDS = ConfigOption("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE")
FERNET_KEY = ConfigOption("AIRFLOW__CORE__FERNET_KEY")
SECRET_KEY = ConfigOption("AIRFLOW__WEBSERVER__SECRET_KEY")
API_SECRET_KEY = ConfigOption("AIRFLOW__API__SECRET_KEY", SECRET_KEY.names, since="3.0.2")
JWT_SECRET = ConfigOption("AIRFLOW__API_AUTH__JWT_SECRET")
JWT_KEY_FILE = ConfigOption("AIRFLOW__API_AUTH__JWT_PRIVATE_KEY_PATH")
"""In place of the secret."""
EXECUTION_API = ConfigOption(
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL", ("AIRFLOW__WORKERS__EXECUTION_API_SERVER_URL",), since="3.0.0"
)
DAG_FOLDER_SCAN = ConfigOption(
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL", ("AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL",), "3.0.0", "3.0.0"
)
DAG_FILE_INTERVAL = ConfigOption(
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL",
    ("AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL",),
    "3.0.0",
)
DAG_PARSERS = ConfigOption(
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES", ("AIRFLOW__SCHEDULER__PARSING_PROCESSES",), "3.0.0"
)
WEB_WORKERS = ConfigOption("AIRFLOW__API__WORKERS", ("AIRFLOW__WEBSERVER__WORKERS",), "3.0.0")
STANDALONE_PARSER = ConfigOption("AIRFLOW__SCHEDULER__STANDALONE_DAG_PROCESSOR", until="3.0.0")
"""Makes the scheduler of 2.x leave the DAG files to a dag-processor."""
DEFAULT_CONNECTIONS = ConfigOption("AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS", until="3.0.0")
USAGE_DATA = ConfigOption("AIRFLOW__USAGE_DATA_COLLECTION__ENABLED", since="2.10.0", until="2.11.0")
DAG_IMPORT_LIMIT = ConfigOption("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT")
DAG_FILE_LIMIT = ConfigOption(
    "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT", ("AIRFLOW__CORE__DAG_FILE_PROCESSOR_TIMEOUT",), "3.0.0"
)
WEB_LIMIT = ConfigOption("AIRFLOW__API__WORKER_TIMEOUT", ("AIRFLOW__WEBSERVER__WEB_SERVER_WORKER_TIMEOUT",), "3.0.0")
WEB_START_LIMIT = ConfigOption("AIRFLOW__WEBSERVER__WEB_SERVER_MASTER_TIMEOUT", until="3.0.0")
EXECUTION_API_LIMIT = ConfigOption("AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT", since="3.2.0")
SEND_LIMIT = ConfigOption("AIRFLOW__CELERY__OPERATION_TIMEOUT")
LOG_FOLDER = ConfigOption("AIRFLOW__LOGGING__BASE_LOG_FOLDER", ("AIRFLOW__CORE__BASE_LOG_FOLDER",))
REMOTE_LOGGING = ConfigOption("AIRFLOW__LOGGING__REMOTE_LOGGING", ("AIRFLOW__CORE__REMOTE_LOGGING",))
SCHEDULER_HEALTH_SERVER = ConfigOption("AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK")
SCHEDULER_HEALTH_PORT = ConfigOption("AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT")

FAB_AUTH_MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"

VERSION_VARIABLE = "AIRFLOW_VERSION"
"""The official images set it."""
HOME_VARIABLE = "AIRFLOW_HOME"
USER_HOME_VARIABLE = "AIRFLOW_USER_HOME_DIR"
"""The folder that the official entrypoint, and ours, gives whoever has none."""
HOME = "/opt/airflow"
"""AIRFLOW_HOME of the official image, and of ours."""
CONFIG_VARIABLE = "AIRFLOW_CONFIG"
CONFIG_FILE = "airflow.cfg"
PREFIXES = ("AIRFLOW__", "_AIRFLOW_")
"""Of Airflow's configuration, and of the official entrypoint; AIRFLOW_HOST may be a client's."""

MIGRATE_VARIABLE = "_AIRFLOW_DB_MIGRATE"
MIGRATE_VARIABLES = (MIGRATE_VARIABLE, "_AIRFLOW_DB_UPGRADE")
"""Make the entrypoint migrate the database; the second is the name before 2.7, still read."""
INSTALL_VARIABLE = "_PIP_ADDITIONAL_REQUIREMENTS"
"""Makes the entrypoint install packages at every start."""
USER_PREFIX = "_AIRFLOW_WWW_USER_"
"""Of the variables that make the entrypoint create a user: CREATE, USERNAME, PASSWORD, ..."""
