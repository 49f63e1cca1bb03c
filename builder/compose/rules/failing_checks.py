"""OB213: health checks that cannot pass, as they do that were copied from a service with another role."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.airflow.find import ROLES, WEB_ROLES, find_role, is_before
from builder.airflow.model import HttpHealth, JobHealth, PingHealth
from builder.compose.rules.addresses import find_health_port, find_web_address, is_health_server_on
from builder.compose.rules.airflow import is_start_known
from builder.compose.rules.health import choose_airflow_check
from builder.compose.services.settings import has_own_network
from builder.core.phrases import join_names
from builder.core.proxies import uses_proxy
from builder.dockerfile.shell import parse_argv, parse_shell_commands
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.airflow.model import KnownRole
    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext
    from builder.dockerfile.shell import ShellCommand

CODE = "OB213"
_OWN_NAMES = ("localhost", "127.0.0.1", "0.0.0.0", "$HOSTNAME", "${HOSTNAME}")  # noqa: S104 - to recognise
_HERE = re.compile(r"\$HOSTNAME|\$\{HOSTNAME\}|\$\(hostname\)")
_PAGES = {
    known.name: known.role.health.path
    for known in ROLES
    if known.name in WEB_ROLES and isinstance(known.role.health, HttpHealth)
}
"""Role → its health page, which the web server of another major version does not have."""
_SPOKEN = {8080: "a web server", 8974: "a scheduler's health server", 5555: "Flower"}
"""Port → who alone answers there."""

_PROXIES = {
    ("curl", "http"): ("http_proxy", "all_proxy", "ALL_PROXY"),
    ("curl", "https"): ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    ("wget", "http"): ("http_proxy",),
    ("wget", "https"): ("https_proxy",),
}
"""Program and scheme → the variables that it reads (curl(1), "ENVIRONMENT"; wget's manual, "Proxies")."""


@dataclass(frozen=True)
class _Probe:
    """What a health check asks: a URL, or words of a command."""

    program: str
    words: tuple[str, ...]

    @property
    def url(self) -> str:
        return next((word for word in self.words if re.match(r"https?://", word)), "")

    @property
    def fails_on_errors(self) -> bool:
        """Whether an answer such as 404 fails it: wget's always do."""
        return self.program == "wget" or any(re.fullmatch(r"--fail(-.*)?|-[a-zA-Z]*f[a-zA-Z]*", w) for w in self.words)


def find_failing_checks(context: RuleContext) -> Iterator[Finding]:
    """One finding for each reason, only where what the container starts is known whole and the check surely fails."""
    found: dict[tuple[str, str | None], list[AirflowService]] = {}
    for one in context.airflow_services:
        reason = _explain_failure(context, one)
        if reason is not None:
            advice = choose_airflow_check(one)
            found.setdefault((reason, None if advice is None else advice.fix), []).append(one)
    for (reason, fix), services in found.items():
        names = tuple(one.name for one in services)
        yield Finding(
            CODE,
            context.line(context.project, names[0], "healthcheck", "test"),
            f"the health check of {join_names(names)} cannot pass: {reason}",
            names,
            fix,
            _name_original(context, services[0], names),
        )


def _name_original(context: RuleContext, one: AirflowService, names: tuple[str, ...]) -> tuple[str, ...]:
    same = [
        other.name
        for other in context.airflow_services
        if other.service.health_test == one.service.health_test and other.name not in names
    ]
    return (f"it is the check of {join_names(same)}",) if same else ()


def _explain_failure(context: RuleContext, one: AirflowService) -> str | None:
    """The end of a sentence; None: it may pass."""
    probe = _parse_probe(one.service.health_test or ())
    roles = [known for role in one.start.roles if (known := find_role(role, one.version)) is not None]
    if probe is None or not roles or "standalone" in one.start.roles or not is_start_known(one):
        return None
    if probe.url:
        return _explain_request(context, one, probe, roles)
    if probe.program == "airflow" and probe.words[1:3] == ("jobs", "check"):
        return _explain_job(one, probe, roles)
    text = " ".join(probe.words)
    asks_worker = "inspect ping" in text and _HERE.search(text)
    if asks_worker and not any(isinstance(known.role.health, PingHealth) for known in roles):
        return f"it pings a Celery worker in this container, which starts {_name_roles(roles)}"
    return None


def _parse_probe(test: tuple[str, ...]) -> _Probe | None:
    """The one command of the check; None: there are several, or the check passes though it fails."""
    if len(test) < 2 or test[0] not in {"CMD", "CMD-SHELL"}:
        return None
    script = test[1].replace("$$", "$") if test[0] == "CMD-SHELL" else ""
    if re.search(r";|\n|\|\|(?!\s*exit 1\s*$)|!\s", script):
        return None
    calls: tuple[ShellCommand, ...] = (
        parse_shell_commands(script) if script else parse_argv(tuple(word.replace("$$", "$") for word in test[1:]))
    )
    asking = [call for call in calls if call.program not in {"exit", "grep"}]
    return _Probe(asking[0].program, asking[0].words) if len(asking) == 1 else None


def _name_roles(roles: list[KnownRole]) -> str:
    return join_names([f"the {known.name}" for known in roles])


def _explain_job(one: AirflowService, probe: _Probe, roles: list[KnownRole]) -> str | None:
    if is_before(one.version, "2.1.0"):
        return f"`airflow jobs check` came with Airflow 2.1; this is {one.version}"
    text = " ".join(probe.words)
    asked = re.search(r"--job-type[= ](\w+)", text)
    jobs = {known.role.health.job_type for known in roles if isinstance(known.role.health, JobHealth)}
    if asked is None or asked[1] in jobs or not (_HERE.search(text) or "--local" in probe.words):
        return None
    if any(known.name == "dag-processor" and not jobs for known in roles):
        return None
    return f"it asks for a {asked[1]} of this container, which starts {_name_roles(roles)}"


def _explain_request(context: RuleContext, one: AirflowService, probe: _Probe, roles: list[KnownRole]) -> str | None:
    port = _find_own_port(probe.url)
    if port is None or not has_own_network(context.project, one.service) or not one.settings.is_complete:
        return None
    listening = _list_addresses(one, roles)
    known = next((role for role, address in listening if urlsplit(address).port == port), None)
    if known is not None:
        return _explain_path(one, probe, known, urlsplit(probe.url).path or "/") or _explain_proxy(one, probe)
    servers = [known.health_server for known in roles if known.health_server is not None]
    off = next((server for server in servers if find_health_port(one, server) == str(port)), None)
    if off is not None:
        return f"{off.variable} is not true, so nothing answers at port {port}"
    asked = _SPOKEN.get(port)
    return asked and f"it asks {asked} at port {port}, and this container starts {_name_roles(roles)}"


def _explain_proxy(one: AirflowService, probe: _Probe) -> str | None:
    """Its own ``localhost`` is all that a proxy could ask."""
    scheme, host = probe.url.partition(":")[0], urlsplit(probe.url).hostname or ""
    read = _PROXIES.get((probe.program, scheme), ())
    variable = next((name for name in read if one.settings.environment.get(name)), None)
    is_direct = {"--noproxy", "--no-proxy", "-x", "--proxy"} & {word.partition("=")[0] for word in probe.words}
    if variable is None or is_direct or not probe.fails_on_errors:
        return None
    if not uses_proxy(one.settings.environment, scheme, host):
        return None
    return f"{variable} sends its request for {host} to a proxy, and no_proxy does not name that host"


def _find_own_port(url: str) -> int | None:
    """The port, where it is one of the container itself."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    return port if parts.hostname in _OWN_NAMES or parts.netloc.startswith(_OWN_NAMES) else None


def _list_addresses(one: AirflowService, roles: list[KnownRole]) -> list[tuple[KnownRole, str]]:
    found = []
    for known in roles:
        server, health = known.health_server, known.role.health
        if server is not None and is_health_server_on(one, server):
            found.append((known, f"http://localhost:{find_health_port(one, server)}{server.path}"))
        if isinstance(health, HttpHealth):
            found.append((known, find_web_address(one, known, health) or ""))
    return found


def _explain_path(one: AirflowService, probe: _Probe, known: KnownRole, path: str) -> str | None:
    """The right port with an address that the version does not have."""
    health = known.role.health
    if not isinstance(health, HttpHealth) or one.version is None:
        return None
    right = find_web_address(one, known, health) or ""
    if right.startswith("https:") and probe.url.startswith("http:"):
        return "the web server has a certificate and speaks TLS only"
    prefix = urlsplit(right).path.removesuffix(health.path)
    if not probe.fails_on_errors or not _is_missing_page(known, path, prefix):
        return None
    below = f" and serves everything below {prefix}" if prefix and known.name == "webserver" else ""
    return f"Airflow {one.version} answers {path} with 404{below}"


def _is_missing_page(known: KnownRole, path: str, prefix: str) -> bool:
    """``prefix``: the path of the web server's own address."""
    if known.name not in _PAGES:
        return False
    asked = max((page for page in _PAGES.values() if path.rstrip("/").endswith(page)), key=len, default=None)
    is_outside = known.name == "webserver" and bool(prefix) and not path.startswith(f"{prefix}/")
    return is_outside or (asked is not None and asked != _PAGES[known.name])
