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

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.former)

    @property
    def spellings(self) -> frozenset[str]:
        """All variables that set it: also by the output of a command, or from a secrets backend."""
        return frozenset(f"{name}{suffix}" for name in self.names for suffix in _SUFFIXES)


_SUFFIXES = ("", "_CMD", "_SECRET")

CONNECTION = ConfigOption("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", ("AIRFLOW__CORE__SQL_ALCHEMY_CONN",))
"""Since 2.3.0; the former name is still read by all of 2.x."""
WEB_PORT = ConfigOption("AIRFLOW__API__PORT", ("AIRFLOW__WEBSERVER__WEB_SERVER_PORT",))
"""Since 3.0.0."""
EXECUTOR = ConfigOption("AIRFLOW__CORE__EXECUTOR")
LOAD_EXAMPLES = ConfigOption("AIRFLOW__CORE__LOAD_EXAMPLES")
AUTH_MANAGER = ConfigOption("AIRFLOW__CORE__AUTH_MANAGER")
FERNET_KEY = ConfigOption("AIRFLOW__CORE__FERNET_KEY")
SECRET_KEY = ConfigOption("AIRFLOW__WEBSERVER__SECRET_KEY")
SCHEDULER_HEALTH_SERVER = ConfigOption("AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK")

FAB_AUTH_MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"

VERSION_VARIABLE = "AIRFLOW_VERSION"
"""The official images set it."""
HOME_VARIABLE = "AIRFLOW_HOME"
HOME = "/opt/airflow"
"""AIRFLOW_HOME of the official image, and of ours."""
CONFIG_VARIABLE = "AIRFLOW_CONFIG"
CONFIG_FILE = "airflow.cfg"
PREFIXES = ("AIRFLOW__", "_AIRFLOW_")
"""Of Airflow's configuration, and of the official entrypoint; AIRFLOW_HOST may be a client's."""

MIGRATE_VARIABLE = "_AIRFLOW_DB_MIGRATE"
MIGRATE_VARIABLES = (MIGRATE_VARIABLE, "_AIRFLOW_DB_UPGRADE")
"""Make the entrypoint migrate the database; the second is the name before 2.7, still read."""
USER_PREFIX = "_AIRFLOW_WWW_USER_"
"""Of the variables that make the entrypoint create a user: CREATE, USERNAME, PASSWORD, ..."""
