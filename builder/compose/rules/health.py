"""OB202: services without health check, with the right one for what they run, as YAML to paste."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.airflow.commands import shorten_version
from builder.airflow.find import LATEST, find_health_since, find_role, find_series
from builder.airflow.model import HttpHealth, JobHealth, PingHealth
from builder.compose.rules.addresses import find_health_port, find_web_address, is_health_server_on
from builder.compose.services.dependencies import is_waited_for
from builder.compose.services.start_commands import substitute_image_defaults
from builder.core.image_reference import extract_last_component
from builder.core.phrases import choose_verb, join_names
from builder.core.proxies import uses_proxy
from builder.dockerfile.base_images import lacks_curl
from builder.findings.model import Finding
from builder.products.find import ENTRYPOINT, TESTED_SERVERS, find_health_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.airflow.model import KnownRole
    from builder.compose.model import Service
    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext
    from builder.dockerfile.facts import DockerfileAnalysis

CODE = "OB202"


@dataclass(frozen=True)
class HealthAdvice:
    """``what``: what the check shows; ``fix``: the YAML to paste."""

    what: str
    fix: str


def find_missing_health_checks(context: RuleContext) -> Iterator[Finding]:
    """One finding for each check that is missing, with all services that lack it.

    Silent about services that end by themselves, about programs of which no check is known, and about images that may
    bring one (a HEALTHCHECK of the Dockerfile).
    """
    airflow = {one.name: one for one in context.airflow_services}
    lacking: dict[HealthAdvice, list[str]] = {}
    for service in context.project.services.values():
        facts = context.find_facts(service)
        if service.health_test is not None or (facts is not None and facts.has_health_check):
            continue
        if is_waited_for(context.project, service):
            continue
        one = airflow.get(service.name)
        advice = _choose_server_check(service) if one is None else choose_airflow_check(one)
        if advice is not None:
            lacking.setdefault(advice, []).append(service.name)
    for advice, names in lacking.items():
        yield Finding(
            CODE,
            context.line(context.project, names[0]),
            f"{join_names(names)} {choose_verb(names, 'has', 'have')} no health check; {advice.what}",
            tuple(names),
            advice.fix,
        )


def _make_advice(what: str, test: str, start_period: str = "60s") -> HealthAdvice:
    lines = (f"test: {test}", "interval: 30s", "timeout: 10s", "retries: 5", f"start_period: {start_period}")
    return HealthAdvice(what, "\n".join(("healthcheck:", *(f"  {line}" for line in lines))))


def choose_airflow_check(one: AirflowService) -> HealthAdvice | None:
    """None where nothing is known of the role, or the version decides and is not known."""
    known = find_role(one.likely_role, one.version)
    if known is None:
        return None
    server = known.health_server
    if server is not None and not server.can_hang_role and is_health_server_on(one, server):
        port = find_health_port(one, server)
        return _make_advice(
            "the role's own health server shows whether it is alive",
            _format_request_test(one, f"http://localhost:{port}{server.path}"),
        )
    if isinstance(known.role.health, PingHealth):
        return _choose_worker_check(one.version)
    health = known.role.health
    if isinstance(health, HttpHealth):
        return _choose_web_check(one, known, health)
    return _choose_job_check(one, known, health) if isinstance(health, JobHealth) else None


def _choose_web_check(one: AirflowService, known: KnownRole, health: HttpHealth) -> HealthAdvice | None:
    address = find_web_address(one, known, health)
    if address is None:
        return None
    what = "a request to its health page shows whether it answers"
    return _make_advice(
        what if health.path != "/" else "a request shows whether it answers", _format_request_test(one, address)
    )


def _choose_job_check(one: AirflowService, known: KnownRole, health: JobHealth) -> HealthAdvice:
    since = find_health_since(known) if one.version is None else None
    condition = f" (from Airflow {shorten_version(since)} on)" if since else ""
    what = f"`airflow jobs check` asks the database whether the container's {health.job_type} is alive{condition}"
    script = f'airflow jobs check --job-type {health.job_type} --hostname "$${{HOSTNAME}}"'
    return _make_advice(what, _format_shell_test(script))


def _choose_worker_check(version: str | None) -> HealthAdvice | None:
    app = (find_series(version) or LATEST).celery_app
    if app is None:
        return None
    condition = "" if version else " (from Airflow 2.7 on)"
    what = f"Celery's own ping shows whether a worker answers{condition}"
    return _make_advice(what, _format_shell_test(f'celery --app {app} inspect ping -d "celery@$${{HOSTNAME}}"'))


def _format_request_test(one: AirflowService, address: str) -> str:
    """By Python, which Airflow needs, where the image has no curl. Past a proxy that the environment names: it knows
    another ``localhost``."""
    is_secure = address.startswith("https:")
    is_proxied = uses_proxy(one.settings.environment, address.partition(":")[0], "localhost")
    if _has_no_curl(one.facts):
        return f"""["CMD", "python3", "-c", "{_format_python_request(address, is_secure, is_proxied)}"]"""
    direct = '"--noproxy", "*", ' if is_proxied else ""
    insecure = '"--insecure", ' if is_secure else ""
    return f'["CMD", "curl", "--fail", {direct}{insecure}"{address}"]'


def _format_python_request(address: str, is_secure: bool, is_proxied: bool) -> str:
    names = "ssl, urllib.request as r" if is_secure else "urllib.request as r"
    context = "context=ssl._create_unverified_context()" if is_secure else ""
    if not is_proxied:
        return f"import {names}; r.urlopen('{address}'{context and f', {context}'})"
    handlers = f"r.ProxyHandler({{}}), r.HTTPSHandler({context})" if is_secure else "r.ProxyHandler({})"
    return f"import {names}; r.build_opener({handlers}).open('{address}')"


def _has_no_curl(facts: DockerfileAnalysis | None) -> bool:
    """Surely: the base has none, and no Dockerfile on the way says the word."""
    if facts is None or any("curl" in instruction.value for instruction in facts.instructions):
        return False
    return lacks_curl(facts.base) if facts.parent is None else _has_no_curl(facts.parent)


def _format_shell_test(script: str) -> str:
    return f"[\"CMD-SHELL\", '{script}']"


def _choose_server_check(service: Service) -> HealthAdvice | None:
    """Only a service that starts what its image starts: ``psql`` in a postgres image is not a server."""
    image = substitute_image_defaults(service) if service.build is None else None
    if image is None or service.entrypoint or (service.command and not _is_server_command(service.command)):
        return None
    test = find_health_test(extract_last_component(image))
    return _make_advice("the server's own client shows whether it answers", test, "10s") if test else None


def _is_server_command(command: tuple[str, ...]) -> bool:
    first = command[0].rpartition("/")[2]
    return first.startswith("-") or first == ENTRYPOINT or first in TESTED_SERVERS
