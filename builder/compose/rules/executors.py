"""OB216: executors that the Airflow version does not have, and services of Celery that do not fit the executor."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from builder.airflow.find import EXECUTORS, find_role, find_series, is_before
from builder.airflow.model import PingHealth
from builder.airflow.variables import EXECUTOR
from builder.compose.rules.airflow import is_start_known, list_executors, uses_celery
from builder.compose.rules.brokers import find_broker
from builder.compose.services.hosts import is_reached_from_outside
from builder.core.phrases import choose_verb, join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.airflow.model import KnownRole, ReleaseSeries
    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext

CODE = "OB216"
SCHEDULER = "scheduler"
_ENDS_BEFORE = "3.2.0"
"""Until then Airflow has Celery's commands only with an executor of Celery, afterwards with its provider
(airflow/cli/cli_parser.py of the wheels of 2.8.1, 3.0.6 and 3.3.2)."""
_USUAL = "LocalExecutor"
_REPLACED = {"SequentialExecutor": _USUAL}
"""Airflow 3 takes the second where it is told the first (``deprecated_values`` in airflow/configuration.py)."""


def find_unfit_executors(context: RuleContext) -> Iterator[Finding]:
    """One finding for each executor that is none, one for the idle services of Celery, one for missing workers."""
    schedulers = [one for one in context.airflow_services if SCHEDULER in one.start.roles]
    unknown: dict[tuple[str, str], list[AirflowService]] = {}
    for one in schedulers:
        for name in _list_unknown_names(one):
            unknown.setdefault((name, one.version or ""), []).append(one)
    for (name, _), services in unknown.items():
        yield _make_unknown_finding(context, services, name)
    if unknown:
        return
    yield from _find_idle_services(context, schedulers)
    if _lacks_workers(context, schedulers):
        yield _make_worker_finding(context, schedulers)


def _list_unknown_names(one: AirflowService) -> list[str]:
    """Those without a module that this version has no executor for."""
    series = find_series(one.version)
    text = one.settings.find_value(EXECUTOR, one.version)
    if series is None or not series.executors or not list_executors(one):
        return []
    plain = [name for name in list_executors(one) if re.search(rf"(^|[,:\s]){re.escape(name)}\s*(,|$)", text)]
    return [name for name in plain if name not in {known.name for known in series.executors}]


def _make_unknown_finding(context: RuleContext, services: list[AirflowService], name: str) -> Finding:
    names, version = tuple(one.name for one in services), services[0].version
    series = find_series(version)
    instead = _suggest_executors(name, series) if series is not None else ""
    result = (
        f"Airflow {version} takes {instead} in its place, and warns at each start"
        if _REPLACED.get(name) == instead
        else f"Airflow {version} has none of that name, so {choose_verb(names, 'it ends', 'they end')} at the start"
    )
    return Finding(
        CODE,
        context.line(context.project, names[0], "environment"),
        f"{join_names(names)} {choose_verb(names, 'has', 'have')} {name} as executor: {result}",
        names,
        f"{EXECUTOR.name}: {instead}  # in the environment of all of them",
    )


def _suggest_executors(name: str, series: ReleaseSeries) -> str:
    """``CeleryExecutor,KubernetesExecutor`` for the old name of both; the nearest name for one that is misspelt."""
    known = [one.name for one in series.executors]
    whole = [one for one in known if one.removesuffix("Executor").lower() in name.lower()]
    if whole:
        return ",".join(sorted(whole, key=lambda one: name.lower().find(one.removesuffix("Executor").lower())))
    near = [] if name in EXECUTORS else difflib.get_close_matches(name, known, 1)
    return near[0] if near else _USUAL


def _find_idle_services(context: RuleContext, schedulers: list[AirflowService]) -> Iterator[Finding]:
    """Services of Celery, where surely no executor gives them work."""
    celery = [(one, role) for one in context.airflow_services if (role := _find_celery_role(one)) is not None]
    ending = [one for one, _ in celery if uses_celery(one) is False and is_before(one.version, _ENDS_BEFORE)]
    if ending:
        names = [one.name for one in ending]
        why = (
            f"Airflow {ending[0].version} has {choose_verb(names, 'its', 'their')} command only with an executor of "
            f"Celery, so {choose_verb(names, 'it ends', 'they end')} at once"
        )
        yield _make_idle_finding(context, ending, ending[0], why)
    idle = [one for one, role in celery if one not in ending and _is_idle(one, role, schedulers)]
    if idle:
        yield _make_idle_finding(context, idle, schedulers[0], "no task goes to Celery")


def _make_idle_finding(context: RuleContext, services: list[AirflowService], told: AirflowService, why: str) -> Finding:
    """``told``: whose executor decides."""
    names = tuple(one.name for one in services)
    executor = ",".join(list_executors(told))
    setting = f"{EXECUTOR.name}: CeleryExecutor  # in the environment of all of them"
    has_worker = any("worker" in one.start.roles for one in services)
    delete = f"delete {join_names(names)}"
    return Finding(
        CODE,
        context.line(context.project, names[0], "command"),
        f"{join_names(names)} {choose_verb(names, 'is', 'are')} of Celery, and the executor is {executor}: {why}",
        names,
        f"{setting}; or {delete}" if has_worker else delete,
    )


def _find_celery_role(one: AirflowService) -> KnownRole | None:
    known = find_role(one.start.role or "", one.version)
    return known if known is not None and known.role.needs_broker else None


def _is_idle(one: AirflowService, role: KnownRole, schedulers: list[AirflowService]) -> bool:
    """A worker gets nothing where no scheduler uses Celery, whatever it believes itself; Flower shows nothing then."""
    if not isinstance(role.role.health, PingHealth) and uses_celery(one) is not False:
        return False
    return bool(schedulers) and all(uses_celery(other) is False for other in schedulers)


def _lacks_workers(context: RuleContext, schedulers: list[AirflowService]) -> bool:
    """Whether all tasks go to Celery, and surely no worker can get them: all services say what they start, and the
    broker is a service that nobody outside of the project reaches."""
    services = context.airflow_services
    if not schedulers or not all(list_executors(one) == ("CeleryExecutor",) for one in schedulers):
        return False
    if any("worker" in (*one.start.roles, one.likely_role) or not is_start_known(one) for one in services):
        return False
    brokers = {find_broker(context.project, one) for one in schedulers}
    broker = next(iter(brokers), None)
    if len(brokers) != 1 or broker is None or broker.service is None:
        return False
    unclear = any("worker" in name for name in context.project.services)
    return not unclear and not is_reached_from_outside(context.project, broker.service)


def _make_worker_finding(context: RuleContext, schedulers: list[AirflowService]) -> Finding:
    names = tuple(one.name for one in schedulers)
    return Finding(
        CODE,
        context.line(context.project, names[0], "environment"),
        f"{join_names(names)} {choose_verb(names, 'gives', 'give')} all tasks to Celery, and no service here is a "
        "worker: they stay queued",
        names,
        "command: celery worker  # in one more service like these",
        (f"or {EXECUTOR.name}: LocalExecutor, which runs them in the scheduler's container",),
    )
