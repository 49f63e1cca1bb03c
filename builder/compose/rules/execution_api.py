"""OB208: tasks of Airflow 3 that cannot report to the api-server: they have no address of it, or no common secret."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.airflow.find import LATEST, find_role
from builder.airflow.model import HttpHealth
from builder.airflow.releases import UI_PORT
from builder.airflow.variables import API_ADDRESS, EXECUTION_API, JWT_KEY_FILE, JWT_SECRET
from builder.compose.rules.addresses import find_web_address
from builder.compose.rules.airflow import list_airflow_3_services, runs_local_tasks
from builder.compose.services.hosts import OWN_HOSTS
from builder.compose.services.settings import has_own_network
from builder.core.phrases import choose_verb, join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext

CODE = "OB208"
SERVER, SCHEDULER, WORKER = LATEST.execution_api or "", "scheduler", "worker"
_PATH = "/execution/"


def find_unreachable_execution_api(context: RuleContext) -> Iterator[Finding]:
    """One finding about the address and one about the secret, where api-server and tasks are in several containers.

    Silent where either may be set elsewhere, see :class:`builder.compose.services.settings.AirflowSettings`.
    """
    new = list_airflow_3_services(context.airflow_services)
    services = [one for one in new if has_own_network(context.project, one.service)]
    servers = [one for one in services if SERVER in one.start.roles]
    if not servers:
        return
    lost = [one for one in services if _runs_tasks(one) and SERVER not in one.start.roles and not _knows_server(one)]
    if lost:
        yield _make_address_finding(context, lost, servers[0])
    apart = [one for one in services if SCHEDULER in one.start.roles and SERVER not in one.start.roles]
    sharers = (*servers, *apart)
    if apart and has_no_common_value(sharers):
        yield _make_secret_finding(context, sharers)


def _runs_tasks(one: AirflowService) -> bool:
    return WORKER in one.start.roles or (SCHEDULER in one.start.roles and runs_local_tasks(one))


def _knows_server(one: AirflowService) -> bool:
    """Also where it is not known whether it does."""
    setting = _find_address(one)
    return urlsplit(setting[1] or "").hostname not in OWN_HOSTS if setting else not one.settings.is_complete


def _find_address(one: AirflowService) -> tuple[str, str | None] | None:
    """Variable and text, of whatever host."""
    found = (one.settings.find_setting(option, one.version) for option in (EXECUTION_API, API_ADDRESS))
    return next((setting for setting in found if setting is not None), None)


def has_no_common_value(services: Sequence[AirflowService]) -> bool:
    """Whether one of them surely has no secret for its tokens, or another one than the rest. An empty one is none:
    each process makes its own (``get_signing_key`` of airflow/api_fastapi/auth/tokens.py)."""
    values = set()
    for one in services:
        if one.settings.find_setting(JWT_KEY_FILE, one.version) is not None:
            return False
        setting = one.settings.find_setting(JWT_SECRET, one.version)
        if setting is None and not one.settings.is_complete:
            return False
        values.add(setting if setting is not None and setting[1] != "" else None)
    return None in values or len(values) > 1


def _make_address_finding(context: RuleContext, lost: list[AirflowService], server: AirflowService) -> Finding:
    names = tuple(one.name for one in lost)
    known = find_role(SERVER, server.version)
    health = None if known is None else known.role.health
    page = replace(health, path=_PATH) if isinstance(health, HttpHealth) else None
    address = find_web_address(server, known, page) if known is not None and page is not None else None
    named = {_find_address(one) for one in lost}
    settings = [setting for setting in named if setting is not None and len(named) == 1]
    said = "".join(f" but {urlsplit(text or '').hostname} in {variable}" for variable, text in settings)
    target = (address or f"http://localhost:{UI_PORT}{_PATH}").replace("localhost", server.name, 1)
    return Finding(
        CODE,
        context.line(context.project, names[0], "environment"),
        f"{join_names(names)} {choose_verb(names, 'runs', 'run')} the tasks, which report to the api-server, and "
        f"{choose_verb(names, 'has', 'have')} no address of it{said}: they ask for it in their own container",
        names,
        f"{EXECUTION_API.name}: {target}  # in the environment of all of them",
    )


def _make_secret_finding(context: RuleContext, sharers: Sequence[AirflowService]) -> Finding:
    names = tuple(one.name for one in sharers)
    return Finding(
        CODE,
        context.line(context.project, names[0], "environment"),
        f"{join_names(names)} have no common {JWT_SECRET.name}: the api-server refuses the tokens that the scheduler "
        "gives to tasks",
        names,
        format_secret_fix(JWT_SECRET.name),
    )


def format_secret_fix(variable: str) -> str:
    """The line to write, and how to make the secret."""
    word = variable.replace("AIRFLOW__", "").replace("__", "_")
    return (
        f"{variable}: ${{{word}:?}}  # in the environment of all of them; in .env: {word}=..., as "
        '`python -c "import secrets; print(secrets.token_hex(32))"` prints it'
    )
