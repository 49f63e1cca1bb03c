"""OB218: nobody reads the DAG files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from project_factories import service
from rule_inputs import context_of, started

from builder.compose.rules.dag_readers import find_missing_dag_readers

if TYPE_CHECKING:
    from builder.compose.model import Service
    from builder.findings.model import Finding

SWITCH = "AIRFLOW__SCHEDULER__STANDALONE_DAG_PROCESSOR"
ON = {SWITCH: "True"}
DATABASE = service("db", image="postgres:13")


def find(version: str, *commands: str, environment: dict[str, Any] | None = None, **keys: Any) -> list[Finding]:
    services = [
        started(command.split()[-1], command, version, environment=environment or {}, **keys) for command in commands
    ]
    return list(find_missing_dag_readers(context_of(*services, DATABASE)))


@pytest.mark.parametrize("version", ["3.0.0", "3.0.6", "3.1.3", "3.2.0", "3.3.2"])
def test_airflow_3_without_a_dag_processor(version: str) -> None:
    (found,) = find(version, "api-server", "scheduler", "triggerer", "celery worker")
    assert found.services == ("scheduler",)
    assert f"the scheduler of Airflow {version} does not" in found.message
    assert (found.fix or "").startswith("command: dag-processor ")


def test_airflow_3_by_what_only_it_starts() -> None:
    (found,) = find("latest", "api-server", "scheduler")
    assert "the scheduler of Airflow 3 does not" in found.message


def test_airflow_2_whose_scheduler_is_told_not_to_read() -> None:
    (found,) = find("2.10.5", "webserver", "scheduler", environment=ON)
    assert f"{SWITCH} tells the scheduler not to" in found.message


@pytest.mark.parametrize(
    ("version", "commands", "environment"),
    [
        ("3.3.2", ("api-server", "scheduler", "dag-processor"), {}),
        ("3.3.2", ("standalone",), {}),
        ("3.3.2", ("api-server",), {}),
        ("3.3.2", ("bash -c 'airflow dag-processor & exec airflow scheduler'",), {}),
        ("3.3.2", ("scheduler", "bash /opt/start.sh"), {}),
        ("3.3.2", ("scheduler",), {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://rds.example/airflow"}),
        ("2.8.1", ("webserver", "scheduler"), {}),
        ("2.8.1", ("webserver", "scheduler", "dag-processor"), ON),
        ("latest", ("webserver", "scheduler"), {}),
        ("latest", ("scheduler",), {}),
    ],
)
def test_where_somebody_reads_them_or_may(version: str, commands: tuple[str, ...], environment: dict[str, Any]) -> None:
    assert find(version, *commands, environment=environment) == []


@pytest.mark.parametrize(
    "more", [service("dag_processor", image="registry.example/parser:1"), started("other", None, "3.3.2")]
)
def test_another_service_may_read_them(more: Service) -> None:
    scheduler = started("scheduler", "scheduler", "3.3.2")
    assert list(find_missing_dag_readers(context_of(scheduler, more, DATABASE))) == []


@pytest.mark.parametrize("environment", [{}, {SWITCH: "false"}, {SWITCH: ""}])
@pytest.mark.parametrize("version", ["2.3.0", "2.8.1", "2.11.2"])
def test_a_dag_processor_of_airflow_2_without_its_switch(version: str, environment: dict[str, str]) -> None:
    (found,) = find(version, "scheduler", "dag-processor", environment=environment)
    assert found.services == ("dag-processor",)
    assert (found.fix or "").startswith(f"{SWITCH}: 'true' ")


@pytest.mark.parametrize(
    "environment", [ON, {SWITCH: "1"}, {f"{SWITCH}_CMD": "echo true"}, {"AIRFLOW_CONFIG": "/c/airflow.cfg"}]
)
def test_a_dag_processor_with_its_switch(environment: dict[str, str]) -> None:
    assert find("2.8.1", "scheduler", "dag-processor", environment=environment) == []
