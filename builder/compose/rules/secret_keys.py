"""OB209: web servers and those who serve logs without a common secret key."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from builder.airflow.find import WEB_ROLES, is_at_least
from builder.airflow.variables import (
    API_SECRET_KEY,
    CONNECTION,
    HOME,
    LOG_FOLDER,
    REMOTE_LOGGING,
    SECRET_KEY,
)
from builder.compose.rules.airflow import list_airflow_3_services, runs_local_tasks
from builder.compose.rules.execution_api import format_secret_fix
from builder.compose.services.settings import find_mounted_place, has_own_network
from builder.core.phrases import join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.airflow.variables import ConfigOption
    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext

CODE = "OB209"
_RANDOM_SINCE, _SIGNED_LOGS_SINCE = "2.0.0", "2.2.0"
"""The default key is made at each start; requests for logs are signed with it. Source: the wheels of 2.0.2 to 3.3.2."""


def find_missing_secret_keys(context: RuleContext) -> Iterator[Finding]:
    """At most one finding for each reason. Silent where a key may be set elsewhere, where a common folder holds the
    logs, and where they are kept in a store of their own."""
    services = [one for one in context.airflow_services if has_own_network(context.project, one.service)]
    new = {one.name for one in list_airflow_3_services(context.airflow_services)}
    web = [
        one
        for one in services
        if WEB_ROLES & set(one.start.roles) and (one.name in new or is_at_least(one.version, _RANDOM_SINCE))
    ]
    if not web:
        return
    option = API_SECRET_KEY if web[0].name in new else SECRET_KEY
    several = [one for one in web if _find_database(one) == _find_database(web[0])]
    if (len(several) > 1 or several[0].service.replicas > 1) and _has_no_common_key(several, option):
        yield _make_finding(
            context, several, option, "a session that one of the web servers began is refused by the others"
        )
    readers = [one for one in web if one.name in new or is_at_least(one.version, _SIGNED_LOGS_SINCE)]
    for reader in readers[:1]:
        servers = [one for one in services if _serves_logs(one) and _reads_over_network(reader, one)]
        apart = [one for one in servers if _has_no_common_key((reader, one), option)]
        if apart:
            yield _make_finding(
                context, (reader, *apart), option, "the logs of tasks cannot be read in the web page (403)"
            )


def _find_database(one: AirflowService) -> tuple[str, str | None] | None:
    return one.settings.find_setting(CONNECTION, one.version)


def _has_no_common_key(services: Sequence[AirflowService], option: ConfigOption) -> bool:
    """Whether one of them surely has no key, or another one than the rest."""
    values = set()
    for one in services:
        setting = one.settings.find_setting(option, one.version)
        if setting is None and not one.settings.is_complete:
            return False
        # Airflow 3 makes a key of its own in place of an empty one (``get_signing_key``)
        is_missing = setting is None or (option is API_SECRET_KEY and setting[1] == "")
        values.add(None if setting is None or is_missing else setting[1])
        if is_missing and one.service.replicas > 1:
            return True
    return (None in values and len(services) > 1) or len(values) > 1


def _serves_logs(one: AirflowService) -> bool:
    return "worker" in one.start.roles or ("scheduler" in one.start.roles and runs_local_tasks(one))


def _reads_over_network(reader: AirflowService, server: AirflowService) -> bool:
    """Whether the web server has no other way to the logs: not its own disk, no store for logs."""
    if reader is server or any(one.settings.find_value(REMOTE_LOGGING, one.version) for one in (reader, server)):
        return False
    mine, theirs = (find_mounted_place(one.service, _find_log_folder(one)) for one in (reader, server))
    return mine is None or mine != theirs


def _find_log_folder(one: AirflowService) -> str:
    folder = one.settings.find_value(LOG_FOLDER, one.version)
    return folder or posixpath.join(one.settings.home or HOME, "logs")


def _make_finding(
    context: RuleContext, services: Sequence[AirflowService], option: ConfigOption, result: str
) -> Finding:
    names = tuple(one.name for one in services)
    whose = f"{join_names(names)} have" if len(names) > 1 else f"the containers of {names[0]} have"
    return Finding(
        CODE,
        context.line(context.project, names[0], "environment"),
        f"{whose} no common {option.name}, so each makes one at its start: {result}",
        names,
        format_secret_fix(option.name),
    )
