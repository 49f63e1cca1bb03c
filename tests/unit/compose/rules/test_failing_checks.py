"""OB213: health checks that cannot pass."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from project_factories import project
from rule_inputs import context_of, started

from builder.compose.model import Mount
from builder.compose.rules.failing_checks import find_failing_checks

if TYPE_CHECKING:
    from builder.findings.model import Finding

WEB = ("CMD", "curl", "--fail", "http://localhost:8080/health")
NEW = ("CMD", "curl", "--fail", "http://localhost:8080/api/v2/monitor/health")
SERVER = ("CMD", "curl", "--fail", "http://localhost:8974/health")
ON = {"AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "true"}
BASE = {"AIRFLOW__WEBSERVER__BASE_URL": "https://data.example/airflow"}
PROXY = {"http_proxy": "http://proxy.example:3128"}
TLS = {"AIRFLOW__WEBSERVER__WEB_SERVER_SSL_CERT": "/c.pem"}


def job(kind: str, more: str = '--hostname "$${HOSTNAME}"') -> tuple[str, str]:
    return ("CMD-SHELL", f"airflow jobs check --job-type {kind} {more}")


PING = 'celery --app airflow.providers.celery.executors.celery_executor.app inspect ping -d "celery@$${HOSTNAME}"'


def findings(command: str, test: tuple[str, ...], version: str = "2.8.1", **keys: Any) -> list[Finding]:
    return list(find_failing_checks(context_of(started("a", command, version, health_test=test, **keys))))


@pytest.mark.parametrize(
    ("command", "test", "version", "environment", "reason"),
    [
        ("scheduler", WEB, "2.8.1", {}, "it asks a web server at port 8080, and this container starts the scheduler"),
        ("scheduler", WEB, "latest", {}, "web server"),
        ("triggerer", ("CMD-SHELL", "curl -f http://127.0.0.1:8080/health || exit 1"), "2.8.1", {}, "web server"),
        ("celery worker", ("CMD-SHELL", "curl -s http://localhost:8080 | grep ok"), "2.8.1", {}, "web server"),
        ("dag-processor", NEW, "3.1.3", {}, "the dag-processor"),
        ("triggerer", SERVER, "2.8.1", ON, "a scheduler's health server"),
        ("scheduler", SERVER, "2.8.1", {}, "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK is not true"),
        ("scheduler", ("CMD", "wget", "-q", "http://localhost:5555/"), "2.8.1", {}, "Flower"),
        ("triggerer", job("SchedulerJob"), "2.8.1", {}, "a SchedulerJob of this container, which starts the triggerer"),
        ("scheduler", job("TriggererJob", "--local"), "2.8.1", {}, "a TriggererJob"),
        ("celery worker", job("SchedulerJob", "--hostname $$(hostname)"), "2.8.1", {}, "a SchedulerJob"),
        ("scheduler", job("SchedulerJob"), "2.0.2", {}, "came with Airflow 2.1; this is 2.0.2"),
        ("scheduler", ("CMD-SHELL", PING), "2.8.1", {}, "it pings a Celery worker in this container"),
        ("api-server", WEB, "3.1.3", {}, "Airflow 3.1.3 answers /health with 404"),
        ("webserver", NEW, "2.8.1", {}, "Airflow 2.8.1 answers /api/v2/monitor/health with 404"),
        ("webserver", WEB, "2.8.1", BASE, "answers /health with 404 and serves everything below /airflow"),
        ("webserver", WEB, "2.8.1", TLS, "speaks TLS only"),
        ("webserver", WEB, "2.8.1", PROXY, "http_proxy sends its request for localhost to a proxy"),
        ("webserver", WEB, "2.8.1", {"ALL_PROXY": "http://p:1"}, "ALL_PROXY sends its request"),
        (
            "webserver",
            ("CMD", "wget", "http://127.0.0.1:8080/health"),
            "2.8.1",
            PROXY,
            "request for 127.0.0.1 to a proxy",
        ),
        ("scheduler", SERVER, "2.8.1", {**ON, **PROXY, "no_proxy": "db"}, "no_proxy does not name that host"),
        ("webserver --port 9090", WEB, "2.8.1", {}, "it asks a web server at port 8080"),
    ],
)
def test_it_cannot_pass(
    command: str, test: tuple[str, ...], version: str, environment: dict[str, str], reason: str
) -> None:
    (found,) = findings(command, test, version, environment=environment)
    assert found.message.startswith("the health check of a cannot pass: ")
    assert reason in found.message


@pytest.mark.parametrize(
    ("command", "test", "version", "environment"),
    [
        ("webserver", WEB, "2.8.1", {}),
        ("webserver", ("CMD", "curl", "http://localhost:8080/api/v2/monitor/health"), "2.8.1", {}),
        ("webserver", ("CMD", "curl", "--fail", "http://localhost:8080/airflow/health"), "2.8.1", BASE),
        ("webserver", ("CMD", "curl", "-kf", "https://localhost:8080/health"), "2.8.1", TLS),
        ("webserver", ("CMD", "curl", "-kf", "https://localhost:8080/health"), "2.8.1", {**TLS, **PROXY}),
        ("webserver", WEB, "2.8.1", {**PROXY, "no_proxy": "localhost"}),
        ("webserver", WEB, "2.8.1", {"HTTP_PROXY": "http://p:1"}),
        ("webserver", ("CMD", "curl", "--noproxy", "*", "-f", "http://localhost:8080/health"), "2.8.1", PROXY),
        ("webserver", ("CMD", "curl", "http://localhost:8080/health"), "2.8.1", PROXY),
        ("api-server", NEW, "3.1.3", {}),
        ("api-server", ("CMD", "curl", "--fail", "http://localhost:8080/api/v2/version"), "3.0.1", {}),
        ("api-server", NEW, "3.1.3", {"AIRFLOW__API__BASE_URL": "http://x/airflow"}),
        ("scheduler", SERVER, "2.8.1", ON),
        ("scheduler", job("SchedulerJob"), "2.8.1", {}),
        ("triggerer", job("SchedulerJob", ""), "2.8.1", {}),
        ("scheduler", ("CMD", "curl", "--fail", "http://webserver:8080/health"), "2.8.1", {}),
        ("scheduler", ("CMD", "curl", "--fail", "http://localhost:9102/metrics"), "2.8.1", {}),
        ("scheduler", ("CMD-SHELL", "curl http://localhost:8080/health || true"), "2.8.1", {}),
        ("scheduler", ("CMD-SHELL", "curl http://localhost:8080; pgrep airflow"), "2.8.1", {}),
        ("scheduler", ("NONE",), "2.8.1", {}),
        ("scheduler", ("CMD", "true"), "2.8.1", {}),
        ("celery worker", ("CMD-SHELL", PING), "2.8.1", {}),
        ("standalone", job("SchedulerJob"), "2.8.1", {}),
        ("bash -c 'airflow webserver & exec airflow scheduler'", WEB, "2.8.1", {}),
        ("bash -c 'airflow webserver & exec airflow scheduler'", job("SchedulerJob"), "2.8.1", {}),
        ("bash /start.sh", WEB, "2.8.1", {}),
        ("db migrate", WEB, "2.8.1", {}),
        ("scheduler", SERVER, "2.8.1", {"AIRFLOW_CONFIG": "/c/airflow.cfg"}),
        ("scheduler", WEB, "2.8.1", {"AIRFLOW_CONFIG": "/c/airflow.cfg"}),
    ],
)
def test_it_may_pass(command: str, test: tuple[str, ...], version: str, environment: dict[str, str]) -> None:
    assert findings(command, test, version, environment=environment) == []


def test_the_fix_is_the_check_of_the_role_and_the_original_is_named() -> None:
    made = context_of(
        started("web", "webserver", health_test=WEB),
        started("one", "scheduler", health_test=WEB),
        started("two", "scheduler", health_test=WEB),
    )
    (found,) = find_failing_checks(made)
    assert found.services == ("one", "two")
    assert "jobs check --job-type SchedulerJob" in (found.fix or "")
    assert found.details == ("it is the check of web",)


@pytest.mark.parametrize(
    "keys",
    [
        {"image": "registry.example/airflow:1"},
        {"entrypoint": ("/start.sh",)},
        {"mounts": (Mount("bind", "/airflow.cfg", "/opt/airflow/airflow.cfg"),)},
    ],
)
def test_what_cannot_be_seen_may_answer(keys: dict[str, Any]) -> None:
    assert findings("scheduler", WEB, **keys) == []


def test_in_the_network_of_another_somebody_may_answer() -> None:
    made = project(started("a", "scheduler", health_test=WEB))
    host = replace(made, resolved={"services": {"a": {"network_mode": "service:web"}}})
    assert list(find_failing_checks(context_of(made=host))) == []
    assert len(list(find_failing_checks(context_of(made=made)))) == 1
