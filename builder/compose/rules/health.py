"""OB202: services without health check, with the right one for what they run, as YAML to paste."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from builder.airflow.commands import at_least, major
from builder.compose.starts import Start, image_text, is_airflow, is_waited_for, role_by_name, start_of, version_for
from builder.core.image_reference import extract_last_component
from builder.findings import Finding
from builder.products.find import ENTRYPOINT, TESTED_SERVERS, find_health_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service
    from builder.compose.rules.look import Look

CODE = "OB202"
_JOBS = {"scheduler": "SchedulerJob", "triggerer": "TriggererJob", "dag-processor": "DagProcessorJob"}
_CELERY_APP = {
    True: "airflow.providers.celery.executors.celery_executor.app",
    False: "airflow.executors.celery_executor.app",
}
"""Since Airflow 2.7 the executor lies in the provider."""


def find(look: Look) -> Iterator[Finding]:
    """Silent about services that end by themselves, about programs of which no check is known, and about images that
    may bring one (a HEALTHCHECK of the Dockerfile)."""
    for service in look.project.services.values():
        facts = look.facts.get(service.name)
        if service.health_test is not None or (facts is not None and facts.has_health_check):
            continue
        if is_waited_for(look.project, service):
            continue
        found = _of_airflow(look, service) if is_airflow(look, service) else _of_server(service)
        if found is not None:
            what, test, start_period = found
            yield Finding(
                CODE,
                look.line(look.project, service.name),
                f"{service.name} has no health check; {what}",
                (service.name,),
                _yaml(test, start_period),
            )


def _yaml(test: str, start_period: str) -> str:
    lines = (f"test: {test}", "interval: 30s", "timeout: 10s", "retries: 5", f"start_period: {start_period}")
    return "\n".join(("healthcheck:", *(f"  {line}" for line in lines)))


def _of_airflow(look: Look, service: Service) -> tuple[str, str, str] | None:
    start = start_of(service, look.facts.get(service.name))
    version = version_for(look, service)
    role = start.role or (None if start.calls else role_by_name(service))
    if role in ("webserver", "standalone", "api-server"):
        path = _web_path(role, version)
        what = "a request to its health page tells whether it answers"
        return (what, _curl(_port(service, start), path), "60s") if path else None
    if role == "scheduler" and _has_own_health_server(service):
        return "its own health server tells whether it is alive", _curl("8974", "/health"), "60s"
    if role in _JOBS:
        what = f"`airflow jobs check` sees whether its {_JOBS[role]} is alive in the database"
        return what, _shell(f'airflow jobs check --job-type {_JOBS[role]} --hostname "$${{HOSTNAME}}"'), "60s"
    if role == "worker" and at_least(version, "2.0.0") is not False:
        app = _CELERY_APP[at_least(version, "2.7.0") is not False]
        what = "Celery's own ping tells whether this worker answers"
        return what, _shell(f'celery --app {app} inspect ping -d "celery@$${{HOSTNAME}}"'), "60s"
    if role == "flower":
        return "a request tells whether it answers", _curl("5555", "/"), "60s"
    return None


def _has_own_health_server(service: Service) -> bool:
    return (service.environment.get("AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK") or "").lower() in ("true", "t", "1")


def _web_path(role: str, version: str | None) -> str | None:
    """None where the version decides and is not known."""
    if role == "api-server" or major(version) == 3:  # a `webserver` there is gone anyway: OB201 says so
        return "/api/v2/monitor/health"
    return "/health" if role == "webserver" or major(version) == 2 else None


def _port(service: Service, start: Start) -> str:
    """Of ``--port``, or of the configuration in the environment; 8080 is Airflow's own default."""
    for call in start.calls:
        for word, following in pairwise((*call, "")):
            if word in ("-p", "--port") and following.isdigit():
                return following
            if word.startswith("--port=") and word.partition("=")[2].isdigit():
                return word.partition("=")[2]
    for name in ("AIRFLOW__WEBSERVER__WEB_SERVER_PORT", "AIRFLOW__API__PORT"):
        value = service.environment.get(name) or ""
        if value.isdigit():
            return value
    return "8080"


def _curl(port: str, path: str) -> str:
    return f'["CMD", "curl", "--fail", "http://localhost:{port}{path}"]'


def _shell(script: str) -> str:
    return f"[\"CMD-SHELL\", '{script}']"


def _of_server(service: Service) -> tuple[str, str, str] | None:
    """Only a service that starts what its image starts: ``psql`` in a postgres image is no server."""
    image = image_text(service) if service.build is None else None
    if image is None or service.entrypoint or (service.command and not _is_server(service.command)):
        return None
    test = find_health_test(extract_last_component(image))
    return ("its own client tells whether it answers", test, "10s") if test else None


def _is_server(command: tuple[str, ...]) -> bool:
    first = command[0].rpartition("/")[2]
    return first.startswith("-") or first == ENTRYPOINT or first in TESTED_SERVERS
