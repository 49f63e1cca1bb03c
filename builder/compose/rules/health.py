"""OB202: services without health check, with the right one for what they run, as YAML to paste."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from builder.airflow.find import LATEST, find_role, find_series
from builder.airflow.model import HttpHealth, JobHealth
from builder.compose.rules.airflow import find_airflow_version, uses_airflow
from builder.compose.services.dependencies import is_waited_for
from builder.compose.services.start_commands import (
    StartCommand,
    guess_role,
    parse_start_command,
    substitute_image_defaults,
)
from builder.core.image_reference import extract_last_component
from builder.findings.model import Finding
from builder.products.find import ENTRYPOINT, TESTED_SERVERS, find_health_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.airflow.model import KnownRole
    from builder.airflow.variables import ConfigOption
    from builder.compose.model import Service
    from builder.compose.rules.context import RuleContext

CODE = "OB202"


def find_missing_health_checks(context: RuleContext) -> Iterator[Finding]:
    """Silent about services that end by themselves, about programs of which no check is known, and about images that
    may bring one (a HEALTHCHECK of the Dockerfile)."""
    for service in context.project.services.values():
        facts = context.facts.get(service.name)
        if service.health_test is not None or (facts is not None and facts.has_health_check):
            continue
        if is_waited_for(context.project, service):
            continue
        found = (
            _choose_airflow_check(context, service) if uses_airflow(context, service) else _choose_server_check(service)
        )
        if found is not None:
            what, test, start_period = found
            yield Finding(
                CODE,
                context.line(context.project, service.name),
                f"{service.name} has no health check; {what}",
                (service.name,),
                _format_health_check(test, start_period),
            )


def _format_health_check(test: str, start_period: str) -> str:
    lines = (f"test: {test}", "interval: 30s", "timeout: 10s", "retries: 5", f"start_period: {start_period}")
    return "\n".join(("healthcheck:", *(f"  {line}" for line in lines)))


def _choose_airflow_check(context: RuleContext, service: Service) -> tuple[str, str, str] | None:
    """None where nothing is known of the role, or the version decides and is not known."""
    start = parse_start_command(service, context.facts.get(service.name))
    version = find_airflow_version(context, service)
    known = find_role(start.role or (None if start.calls else guess_role(service)) or "", version)
    if known is None:
        return None
    server = known.health_server
    if server is not None and _is_on(service, server.variable):
        return (
            "its own health server shows whether it is alive",
            _format_curl_test(str(server.port), server.path),
            "60s",
        )
    if known.answers_ping:
        return _choose_worker_check(version)
    return _choose_role_check(service, start, known)


def _choose_role_check(service: Service, start: StartCommand, known: KnownRole) -> tuple[str, str, str] | None:
    health = known.role.health
    if isinstance(health, HttpHealth) and known.port is not None:
        port = _find_changed_port(service, start, known.port) or str(health.port)
        return "a request to its health page shows whether it answers", _format_curl_test(port, health.path), "60s"
    if isinstance(health, HttpHealth):
        return "a request shows whether it answers", _format_curl_test(str(health.port), health.path), "60s"
    if isinstance(health, JobHealth):
        what = f"`airflow jobs check` checks in the database whether its {health.job_type} is alive"
        return (
            what,
            _format_shell_test(f'airflow jobs check --job-type {health.job_type} --hostname "$${{HOSTNAME}}"'),
            "60s",
        )
    return None


def _choose_worker_check(version: str | None) -> tuple[str, str, str] | None:
    app = (find_series(version) or LATEST).celery_app
    if app is None:
        return None
    what = "Celery's own ping shows whether this worker answers"
    return what, _format_shell_test(f'celery --app {app} inspect ping -d "celery@$${{HOSTNAME}}"'), "60s"


def _is_on(service: Service, variable: str) -> bool:
    return (service.environment.get(variable) or "").lower() in ("true", "t", "1")


def _find_changed_port(service: Service, start: StartCommand, option: ConfigOption) -> str | None:
    """Of ``--port``, or of the configuration in the environment, whose former name is asked first."""
    for call in start.calls:
        for word, following in pairwise((*call, "")):
            if word in ("-p", "--port") and following.isdigit():
                return following
            if word.startswith("--port=") and word.partition("=")[2].isdigit():
                return word.partition("=")[2]
    values = (service.environment.get(name) or "" for name in reversed(option.names))
    return next((value for value in values if value.isdigit()), None)


def _format_curl_test(port: str, path: str) -> str:
    return f'["CMD", "curl", "--fail", "http://localhost:{port}{path}"]'


def _format_shell_test(script: str) -> str:
    return f"[\"CMD-SHELL\", '{script}']"


def _choose_server_check(service: Service) -> tuple[str, str, str] | None:
    """Only a service that starts what its image starts: ``psql`` in a postgres image is not a server."""
    image = substitute_image_defaults(service) if service.build is None else None
    if image is None or service.entrypoint or (service.command and not _is_server_command(service.command)):
        return None
    test = find_health_test(extract_last_component(image))
    return ("its own client shows whether it answers", test, "10s") if test else None


def _is_server_command(command: tuple[str, ...]) -> bool:
    first = command[0].rpartition("/")[2]
    return first.startswith("-") or first == ENTRYPOINT or first in TESTED_SERVERS
