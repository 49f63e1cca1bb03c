"""OB202: the right health check for each role, and silence where none is needed or one exists."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from project_factories import AIRFLOW, build, facts, project, service

from builder.airflow.releases import SERIES
from builder.compose.rules.context import RuleContext
from builder.compose.rules.health import find_missing_health_checks
from builder.compose.sharing.groups import group_services
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from builder.airflow.model import ReleaseSeries
    from builder.findings.model import Finding


def findings(name: str = "web", *, version: str | None = "2.8.1", **keys: Any) -> list[Finding]:
    keys = {"build": build(), "environment": AIRFLOW, **keys}
    made = project(service(name, **keys))
    known = {} if keys["build"] is None else {name: _facts(version)}
    return list(find_missing_health_checks(RuleContext(made, group_services(made, known), known)))


def _facts(version: str | None) -> Any:
    return replace(facts(airflow=True, base="apache/airflow:x"), airflow_version=version)


@pytest.mark.parametrize(
    ("command", "version", "expected"),
    [
        ("webserver", "2.8.1", "http://localhost:8080/health"),
        ("webserver --port 9000", "2.8.1", "http://localhost:9000/health"),
        ("api-server", "3.0.2", "http://localhost:8080/api/v2/monitor/health"),
        ("standalone", "3.0.2", "/api/v2/monitor/health"),
        ("webserver", "3.0.2", "/api/v2/monitor/health"),
        ("standalone", "2.8.1", "http://localhost:8080/health"),
        ("scheduler", "2.8.1", """'airflow jobs check --job-type SchedulerJob --hostname "$${HOSTNAME}"'"""),
        ("triggerer", "2.8.1", "TriggererJob"),
        ("dag-processor", "3.0.2", "DagProcessorJob"),
        ("celery worker", "2.8.1", "airflow.providers.celery.executors.celery_executor.app inspect ping"),
        ("celery worker", "2.6.3", "--app airflow.executors.celery_executor.app inspect ping"),
        ("celery flower", "2.8.1", "http://localhost:5555/"),
    ],
)
def test_each_role(command: str, version: str, expected: str) -> None:
    (found,) = findings(command=tuple(command.split()), version=version)
    assert found.fix is not None
    assert expected in found.fix
    assert found.fix.startswith("healthcheck:\n  test: [")


@pytest.mark.parametrize("row", [row for row in SERIES if row.python_versions], ids=lambda row: row.first)
def test_no_role_of_the_table_is_forgotten(row: ReleaseSeries) -> None:
    """A role that an image of ours can have gets the check that the table knows."""
    for known in (*row.roles, *row.optional_roles):
        if known.is_lasting:
            assert len(findings(command=known.role.command, version=row.first)) == 1, known.name


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("postgres:13", "pg_isready"),
        ("registry.example/library/postgres:13", "pg_isready"),
        ("redis:7", "redis-cli"),
        ("mysql:8", "mysqladmin"),
    ],
)
def test_servers_beside_it(image: str, expected: str) -> None:
    (found,) = findings("db", image=image, build=None, environment={})
    assert expected in (found.fix or "")


def test_the_fix_is_yaml_that_says_what_it_should() -> None:
    for command in ("webserver", "scheduler", "celery worker"):
        (found,) = findings(command=tuple(command.split()))
        read = yaml.safe_load(found.fix or "")
        assert read["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
        assert read["healthcheck"]["interval"] == "30s"


@pytest.mark.parametrize(
    "keys",
    [
        {"command": ("webserver",), "health_test": ("CMD", "true")},
        {"command": ("webserver",), "health_test": ("NONE",)},
        {"command": ("db", "migrate")},
        {"command": ("users", "create")},
        {"command": ("version",)},
        {"name": "airflow-init", "command": None},
        {"image": "postgres:13", "build": None, "environment": {}, "command": ("psql", "-c", "select 1")},
        {"image": "postgres:13", "build": None, "environment": {}, "entrypoint": ("/backup.sh",)},
        {"image": "grafana/grafana:10.0.0", "build": None, "environment": {}},
    ],
)
def test_silence(keys: dict[str, Any]) -> None:
    assert findings(**keys) == []


def test_a_health_check_of_the_dockerfile_is_one() -> None:
    made = project(service("web", build=build(), environment=AIRFLOW, command=("webserver",)))
    known = {"web": replace(_facts("2.8.1"), has_health_check=True)}
    assert list(find_missing_health_checks(RuleContext(made, group_services(made, known), known))) == []


def test_who_is_waited_for_ends() -> None:
    waits = {"prepare": "service_completed_successfully"}
    made = project(
        service("prepare", image="postgres:13"),
        service("web", image="other:1", depends_on=waits),
    )
    assert list(find_missing_health_checks(RuleContext(made, group_services(made, {}), {}))) == []


def test_the_schedulers_own_health_server_is_cheaper() -> None:
    environment = {**AIRFLOW, "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "true"}
    (found,) = findings(command=("scheduler",), environment=environment, version="3.0.2")
    assert "http://localhost:8974/health" in (found.fix or "")


@pytest.mark.parametrize("version", ["2.4.0", "2.8.1", "2.11.2"])
def test_a_health_server_that_can_hang_its_scheduler_is_not_advised(version: str) -> None:
    environment = {**AIRFLOW, "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "true"}
    (found,) = findings(command=("scheduler",), environment=environment, version=version)
    assert "airflow jobs check --job-type SchedulerJob" in (found.fix or "")


def test_a_health_server_that_the_version_does_not_have_is_not_asked() -> None:
    environment = {**AIRFLOW, "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "true"}
    (found,) = findings(command=("scheduler",), environment=environment, version="2.3.4")
    assert "SchedulerJob" in (found.fix or "")
    moved = {**environment, "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": "9000"}
    (found,) = findings(command=("scheduler",), environment=moved, version="3.0.2")
    assert "http://localhost:9000/health" in (found.fix or "")


@pytest.mark.parametrize(
    ("command", "version"),
    [
        ("scheduler", "1.10.15"),
        ("scheduler", "2.0.2"),
        ("dag-processor", "2.5.3"),
        ("worker", "1.10.15"),
        ("standalone", None),
    ],
)
def test_a_version_without_a_check_is_not_told_one(command: str, version: str | None) -> None:
    assert findings(command=tuple(command.split()), version=version) == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("scheduler", "(from Airflow 2.1 on)"),
        ("dag-processor", "(from Airflow 2.6 on)"),
        ("celery worker", "(from Airflow 2.7 on)"),
    ],
)
def test_a_check_that_not_every_version_has_is_told_with_its_condition(command: str, said: str) -> None:
    (found,) = findings(command=tuple(command.split()), version=None)
    assert said in found.message
    (found,) = findings(command=tuple(command.split()), version="2.8.1")
    assert "from Airflow" not in found.message


WEB, API = "AIRFLOW__WEBSERVER__", "AIRFLOW__API__"


@pytest.mark.parametrize(
    ("command", "version", "environment", "address"),
    [
        ("webserver", "2.8.1", {f"{WEB}BASE_URL": "https://a.example/airflow"}, "http://localhost:8080/airflow/health"),
        ("webserver", "2.8.1", {f"{WEB}BASE_URL": "https://a.example/x/y/"}, "http://localhost:8080/x/y/health"),
        ("webserver", "2.8.1", {f"{WEB}BASE_URL": "https://a.example:9"}, "http://localhost:8080/health"),
        ("webserver", "2.8.1", {f"{WEB}WEB_SERVER_SSL_CERT": "/c.pem"}, "https://localhost:8080/health"),
        ("webserver", "2.8.1", {f"{WEB}WEB_SERVER_SSL_CERT": ""}, "http://localhost:8080/health"),
        ("webserver", "2.8.1", {f"{WEB}WEB_SERVER_PORT": "9090"}, "http://localhost:9090/health"),
        ("webserver", "1.10.15", {f"{WEB}BASE_URL": "http://h/a"}, "http://localhost:8080/a/health"),
        (
            "webserver --port 7000",
            "2.8.1",
            {f"{WEB}BASE_URL": "http://h/a", f"{WEB}WEB_SERVER_SSL_CERT": "/c.pem", f"{WEB}WEB_SERVER_PORT": "9090"},
            "https://localhost:7000/a/health",
        ),
        ("api-server", "3.0.2", {f"{API}BASE_URL": "http://h/a"}, "http://localhost:8080/a/api/v2/monitor/health"),
        ("api-server", "3.0.2", {f"{WEB}BASE_URL": "http://h/a"}, "http://localhost:8080/api/v2/monitor/health"),
        ("api-server", "3.0.2", {f"{API}SSL_CERT": "/c"}, "https://localhost:8080/api/v2/monitor/health"),
        ("api-server", "3.0.2", {f"{WEB}WEB_SERVER_SSL_CERT": "/c"}, "https://localhost:8080/api/v2/monitor/health"),
        ("api-server", "3.0.2", {f"{WEB}WEB_SERVER_PORT": "1"}, "http://localhost:1/api/v2/monitor/health"),
        ("standalone", "2.8.1", {f"{WEB}BASE_URL": "http://h/a"}, "http://localhost:8080/a/health"),
        ("celery flower", "2.8.1", {"AIRFLOW__CELERY__FLOWER_URL_PREFIX": "/flower"}, "http://localhost:5555/flower/"),
        ("celery flower", "2.8.1", {"AIRFLOW__CELERY__FLOWER_PORT": "80"}, "http://localhost:80/"),
    ],
)
def test_path_port_and_tls_of_the_address(
    command: str, version: str, environment: dict[str, str], address: str
) -> None:
    insecure = '"--insecure", ' if address.startswith("https") else ""
    (found,) = findings(command=tuple(command.split()), version=version, environment={**AIRFLOW, **environment})
    assert f'["CMD", "curl", "--fail", {insecure}"{address}"]' in (found.fix or "")


def test_the_image_may_move_the_address_too() -> None:
    made = project(service("web", build=build(), environment=AIRFLOW, command=("webserver",)))
    known = {"web": replace(_facts("2.8.1"), environment={f"{WEB}BASE_URL": "http://localhost:8080/airflow"})}
    (found,) = find_missing_health_checks(RuleContext(made, group_services(made, known), known))
    assert "http://localhost:8080/airflow/health" in (found.fix or "")


PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environment", "start"),
    [
        ({"http_proxy": PROXY}, '"--noproxy", "*", "http:'),
        ({"HTTP_PROXY": PROXY}, '"--noproxy", "*", "http:'),
        ({"ALL_PROXY": PROXY}, '"--noproxy", "*", "http:'),
        ({"http_proxy": ""}, '"http:'),
        ({"https_proxy": PROXY}, '"http:'),
        ({"https_proxy": PROXY, f"{WEB}WEB_SERVER_SSL_CERT": "/c"}, '"--noproxy", "*", "--insecure", "https:'),
        ({"http_proxy": PROXY, "no_proxy": "db,localhost,.example"}, '"http:'),
        ({"http_proxy": PROXY, "NO_PROXY": "*"}, '"http:'),
        ({"http_proxy": PROXY, "no_proxy": "db,.example"}, '"--noproxy", "*", "http:'),
    ],
)
def test_a_request_to_the_own_container_passes_by_a_proxy(environment: dict[str, str], start: str) -> None:
    (found,) = findings(command=("webserver",), environment={**AIRFLOW, **environment})
    assert f'["CMD", "curl", "--fail", {start}' in (found.fix or "")


def test_the_proxy_of_the_image_counts_too_and_so_does_the_check_without_curl() -> None:
    made = project(service("web", build=build(), environment=AIRFLOW, command=("webserver",)))
    known = {"web": replace(_facts("2.8.1"), environment={"http_proxy": PROXY, "https_proxy": PROXY})}
    (found,) = find_missing_health_checks(RuleContext(made, group_services(made, known), known))
    assert '"--noproxy", "*"' in (found.fix or "")
    slim = analyze_dockerfile(
        f"FROM python:3.11-slim\nENV http_proxy={PROXY} https_proxy={PROXY}\nRUN pip install apache-airflow==2.8.1",
        build(),
    )
    for certificate in ("", "/c.pem"):
        (one,) = _findings_of(slim, {f"{WEB}WEB_SERVER_SSL_CERT": certificate})
        test = yaml.safe_load(one.fix or "")["healthcheck"]["test"]
        compile(test[3], "the check", "exec")
        assert "r.ProxyHandler({})" in test[3]
        assert ("_create_unverified_context" in test[3]) == bool(certificate)


def _findings_of(known: Any, environment: dict[str, str]) -> list[Finding]:
    keys = {"environment": {**AIRFLOW, **environment}, "command": ("airflow", "webserver")}
    made = project(service("web", build=build(), **keys))
    return list(find_missing_health_checks(RuleContext(made, group_services(made, {"web": known}), {"web": known})))


def test_an_address_with_a_variable_is_not_guessed() -> None:
    environment = {**AIRFLOW, f"{WEB}BASE_URL": "https://${HOST}/airflow"}
    assert findings(command=("webserver",), environment=environment) == []


def test_services_of_one_role_have_one_finding() -> None:
    made = project(
        *(service(f"scheduler-{n}", image="apache/airflow:2.8.1", command=("scheduler",)) for n in (1, 2, 3)),
        service("other", image="apache/airflow:2.0.2", command=("scheduler",)),
        service("web", image="apache/airflow:2.8.1", command=("webserver",)),
        service("web-2", image="apache/airflow:2.8.1", command=("webserver", "--port", "81")),
        service("a", image="postgres:13"),
        service("b", image="postgres:16"),
    )
    found = list(find_missing_health_checks(RuleContext(made, group_services(made, {}), {})))
    assert sorted(one.services for one in found) == [
        ("a", "b"),
        ("scheduler-1", "scheduler-2", "scheduler-3"),
        ("web",),
        ("web-2",),
    ]
    assert "scheduler-1, scheduler-2 and scheduler-3 have no health check" in " ".join(one.message for one in found)


def test_a_health_check_of_the_dockerfile_is_that_of_all_who_use_the_image() -> None:
    made = project(
        service("web", build=build(), image="shop", environment=AIRFLOW, command=("webserver",)),
        service("scheduler", image="shop", environment=AIRFLOW, command=("scheduler",)),
    )
    known = {"web": replace(_facts("2.8.1"), has_health_check=True)}
    assert list(find_missing_health_checks(RuleContext(made, group_services(made, known), known))) == []


def test_a_role_without_command_is_taken_from_the_name() -> None:
    (found,) = findings("airflow-scheduler", command=None)
    assert "SchedulerJob" in (found.fix or "")


@pytest.mark.parametrize(
    ("base", "run", "expected"),
    [
        ("python:3.11-slim-bookworm", "pip install flask", "python3"),
        ("python:3.12-alpine", "apk add tini", "python3"),
        ("debian:12", "apt-get install -y python3", "python3"),
        ("python:3.11-slim", "apt-get install -y --no-install-recommends curl", "curl"),
        ("python:3.11", "pip install flask", "curl"),
        ("apache/airflow:slim-2.8.1", "pip install flask", "curl"),
        ("registry.example/python-slim:1", "pip install flask", "curl"),
    ],
)
def test_the_check_needs_nothing_that_the_image_lacks(base: str, run: str, expected: str) -> None:
    known = analyze_dockerfile(f"FROM {base}\nRUN pip install apache-airflow==2.8.1\nRUN {run}\n", build())
    made = project(service("web", build=build(), command=("airflow", "webserver"), environment=AIRFLOW))
    groups = group_services(made, {"web": known})
    (found,) = find_missing_health_checks(RuleContext(made, groups, {"web": known}))
    test = yaml.safe_load(found.fix or "")["healthcheck"]["test"]
    assert test[:2] == ["CMD", expected]
    assert "http://localhost:8080/health" in test[-1]
    if expected == "python3":
        compile(test[-1], "test", "exec")
