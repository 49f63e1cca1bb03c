"""Airflow 3 on Celery as a running stack: what a person would do to see that each of its roles does its job."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from seed_project import Stack

WEB, WORKER = "airflow-apiserver", "airflow-worker"
SHARERS_3 = (WEB, "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", WORKER, "airflow-init")
DAG = "every_role"
PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
HEALTHY_SECONDS = 240.0
RUN_SECONDS = 300.0
PAUSE_SECONDS = 2.0


def request(stack: Stack, path: str, *, token: str = "", body: dict[str, Any] | None = None) -> Any:
    """The JSON that the api-server answers; a request with a body is a POST. Raises OSError."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(f"{stack.find_address(WEB)}{path}", data, headers)
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return json.load(answer)


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """A server that does not answer yet is not done."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if done():
                return True
        except OSError:
            pass
        time.sleep(PAUSE_SECONDS)
    return False


def is_healthy(stack: Stack) -> bool:
    """Whether the api-server sees every part that keeps a job in the database."""

    def looked() -> bool:
        health = request(stack, "/api/v2/monitor/health")
        return all(health[part]["status"] == "healthy" for part in PARTS)

    return wait_until(looked, HEALTHY_SECONDS)


def run_dag(stack: Stack) -> str:
    """The state in which a new run of the DAG ends; the user logs in, as the init service made it."""
    user = {"username": "airflow", "password": "airflow"}
    token = ""

    def logged_in() -> bool:
        nonlocal token
        token = request(stack, "/auth/token", body=user)["access_token"]
        return bool(request(stack, f"/api/v2/dags/{DAG}", token=token))  # there once the dag-processor has read it

    assert wait_until(logged_in, HEALTHY_SECONDS), "no login, or no DAG"
    run = request(stack, f"/api/v2/dags/{DAG}/dagRuns", token=token, body={"logical_date": None})["dag_run_id"]
    state = ""

    def ended() -> bool:
        nonlocal state
        state = request(stack, f"/api/v2/dags/{DAG}/dagRuns/{run}", token=token)["state"]
        return state in {"success", "failed"}

    wait_until(ended, RUN_SECONDS)
    return state


def find_task_hosts(stack: Stack) -> set[str]:
    """The containers in which the tasks of the newest run ran."""
    query = (
        "SELECT DISTINCT hostname FROM task_instance WHERE run_id = "
        "(SELECT run_id FROM dag_run ORDER BY queued_at DESC LIMIT 1)"
    )
    return set(stack.sql(query).split())
