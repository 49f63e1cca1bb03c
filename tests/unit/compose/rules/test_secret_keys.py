"""OB209: no common key between web servers and those who have the logs."""

from __future__ import annotations

from typing import Any

import pytest
from rule_inputs import context_of, started

from builder.compose.model import Mount
from builder.compose.rules.secret_keys import find_missing_secret_keys

KEY, API_KEY = "AIRFLOW__WEBSERVER__SECRET_KEY", "AIRFLOW__API__SECRET_KEY"
LOGS = (Mount("bind", "/home/ada/shop/logs", "/opt/airflow/logs"),)
DAGS = (Mount("bind", "/home/ada/shop/dags", "/opt/airflow/dags"),)
LOCAL, CELERY = ({"AIRFLOW__CORE__EXECUTOR": f"{name}Executor"} for name in ("Local", "Celery"))


def found(
    *commands: str, version: str = "2.8.1", environment: dict[str, Any] | None = None, **keys: Any
) -> list[tuple[str, ...]]:
    services = [
        started(command.split()[-1], command, version, environment=environment or LOCAL, **keys) for command in commands
    ]
    return [one.services for one in find_missing_secret_keys(context_of(*services))]


@pytest.mark.parametrize(
    ("commands", "keys", "expected"),
    [
        (("webserver", "scheduler"), {}, [("webserver", "scheduler")]),
        (("webserver", "celery worker"), {"environment": CELERY}, [("webserver", "worker")]),
        (("webserver", "scheduler"), {"environment": CELERY}, []),
        (("webserver", "scheduler"), {"environment": {**LOCAL, KEY: "x"}}, []),
        (("webserver", "scheduler"), {"environment": {**LOCAL, f"{KEY}_CMD": "cat /key"}}, []),
        (("webserver", "scheduler"), {"mounts": LOGS}, []),
        (
            ("webserver", "scheduler"),
            {"mounts": (Mount("bind", "/x", "/opt/airflow/dags"),)},
            [("webserver", "scheduler")],
        ),
        (("webserver", "scheduler"), {"environment": {**LOCAL, "AIRFLOW__LOGGING__REMOTE_LOGGING": "True"}}, []),
        (("webserver", "scheduler"), {"environment": {**LOCAL, "AIRFLOW_CONFIG": "/c/airflow.cfg"}}, []),
        (("webserver", "scheduler"), {"version": "2.1.4"}, []),
        (("api-server", "scheduler"), {"version": "3.1.3"}, [("api-server", "scheduler")]),
        (("api-server", "scheduler"), {"version": "3.1.3", "environment": {**LOCAL, API_KEY: "x"}}, []),
        (("api-server", "scheduler"), {"version": "3.1.3", "environment": {**LOCAL, KEY: "x"}}, []),
        (
            ("api-server", "scheduler"),
            {"version": "3.1.3", "environment": {**LOCAL, API_KEY: ""}},
            [("api-server", "scheduler")],
        ),
        (("webserver", "scheduler"), {"environment": {**LOCAL, KEY: ""}}, []),
        (("api-server", "scheduler"), {"version": "latest"}, [("api-server", "scheduler")]),
        (("webserver",), {"mounts": LOGS, "replicas": 2}, [("webserver",)]),
        (("webserver",), {"mounts": LOGS, "replicas": 2, "environment": {**LOCAL, KEY: "x"}}, []),
        (("webserver",), {}, []),
        (("scheduler", "triggerer"), {}, []),
    ],
)
def test_who_needs_a_common_key(
    commands: tuple[str, ...], keys: dict[str, Any], expected: list[tuple[str, ...]]
) -> None:
    assert found(*commands, **keys) == expected


def test_two_keys_are_not_a_common_one() -> None:
    web = started("web", "webserver", environment={**LOCAL, KEY: "hunter2"})
    scheduler = started("scheduler", "scheduler", environment={**LOCAL, KEY: "hunter3"})
    (one,) = find_missing_secret_keys(context_of(web, scheduler))
    assert "hunter" not in repr(one)
    assert (one.fix or "").startswith(f"{KEY}: ${{WEBSERVER_SECRET_KEY:?}}")


def test_a_volume_of_each_is_not_a_common_folder() -> None:
    web = started("web", "webserver", environment=LOCAL, mounts=(Mount("volume", "a", "/opt/airflow/logs"),))
    scheduler = started("s", "scheduler", environment=LOCAL, mounts=(Mount("volume", "b", "/opt/airflow/logs"),))
    assert len(list(find_missing_secret_keys(context_of(web, scheduler)))) == 1


def test_web_servers_of_two_databases_have_nothing_in_common() -> None:
    conn = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
    services = [started(name, "webserver", environment={conn: f"postgresql://{name}/a"}) for name in ("dev", "prod")]
    assert list(find_missing_secret_keys(context_of(*services))) == []
    services = [started(name, "webserver") for name in ("one", "two")]
    assert len(list(find_missing_secret_keys(context_of(*services)))) == 1
