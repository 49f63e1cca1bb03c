"""Airflow 3 on Celery, run for real: six images of one Dockerfile, then one, then six again; each role does its job."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from airflow_3_project import WEB, WORKER, find_task_hosts, is_healthy, run_dag

if TYPE_CHECKING:
    from seed_project import Stack

JWT = "AIRFLOW__API_AUTH__JWT_SECRET"
FEW = (WEB, "airflow-scheduler", "airflow-init")
"""Enough for what breaks before a task runs."""
pytestmark = [pytest.mark.soak, pytest.mark.alone]


def check_every_role(stack: Stack) -> None:
    """A DAG that needs all of them comes to its end, on the worker that runs now."""
    assert is_healthy(stack)
    assert run_dag(stack) == "success"
    assert find_task_hosts(stack) == {stack.containers()[WORKER]["Config"]["Hostname"]}


def identify(stack: Stack, *services: str) -> dict[str, tuple[str, str]]:
    """Container and its start: unchanged means never stopped in between."""
    found = stack.containers()
    return {name: (found[name]["Id"], found[name]["State"]["StartedAt"]) for name in services}


def name_images(stack: Stack) -> dict[str, str]:
    containers = stack.containers()
    return {service: containers[service]["Image"] for service in stack.sharers}


def keep_few(stack: Stack) -> Stack:
    """Without the services that the test does not need."""
    text = stack.file.read_text(encoding="utf-8")
    for name in set(stack.sharers) - set(FEW):
        text, count = re.subn(rf"(?ms)^  {name}:\n.*?(?=^  \S|^\S)", "", text)
        assert count == 1, name
    stack.file.write_text(text, encoding="utf-8")
    return replace(stack, sharers=FEW)


def change(stack: Stack, old: str, new: str) -> None:
    text = stack.file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    stack.file.write_text(text.replace(old, new), encoding="utf-8")


def append_to_dockerfile(stack: Stack, line: str) -> None:
    with (stack.folder / "Dockerfile").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def test_optimize_and_rollback_on_the_running_stack(live_3: Stack) -> None:
    original = live_3.file.read_bytes()
    live_3.build_apart()
    live_3.up()
    images, servers = name_images(live_3), identify(live_3, "postgres", "redis")
    assert len(set(images.values())) == 6
    check_every_role(live_3)

    live_3.optbuild("optimize", "--yes", "--timeout", "600")
    assert len(live_3.image_ids()) == 1
    assert len(re.findall(rb"(?m)^ +build:", live_3.file.read_bytes())) == 1
    check_every_role(live_3)
    assert "Nothing to do" in live_3.optbuild("optimize", "--yes").out

    live_3.optbuild("rollback", "--yes")
    assert live_3.file.read_bytes() == original
    assert name_images(live_3) == images
    check_every_role(live_3)
    assert identify(live_3, "postgres", "redis") == servers


def test_an_api_server_that_never_gets_healthy_is_rolled_back(live_3: Stack) -> None:
    """The health check asks a port that nobody serves, once the container runs from the shared image."""
    stack = keep_few(live_3)
    probe = 'test: ["CMD", "curl", "--fail", "http://localhost:8080/api/v2/monitor/health"]'
    change(stack, probe, "test: curl --fail http://localhost:$${PROBE_PORT:-8080}/api/v2/monitor/health")
    before = stack.file.read_bytes()
    stack.up()
    images = name_images(stack)
    append_to_dockerfile(stack, "ENV PROBE_PORT=1")
    # the old containers have as long to get healthy again
    failed = stack.optbuild("optimize", "--yes", "--timeout", "120", ok=False)
    assert failed.code == 1, failed.err
    assert f"{WEB} did not come up: it was not up after 120 s" in failed.err
    assert stack.file.read_bytes() == before
    assert name_images(stack) == images
    assert stack.containers()[WEB]["State"]["Health"]["Status"] == "healthy"


def test_a_scheduler_that_would_lose_the_jwt_secret_is_left_as_it_was(live_3: Stack) -> None:
    """Everything would come up and be healthy, and no task would ever end."""
    stack = keep_few(live_3)
    secret = next(line for line in stack.file.read_text(encoding="utf-8").splitlines() if JWT in line).strip()
    change(stack, f"  {secret}\n", "")
    value = secret.partition(": ")[2]
    append_to_dockerfile(stack, f"ENV {JWT}={value}")
    change(
        stack,
        "    command: api-server\n",
        f"    command: api-server\n    environment:\n      <<: *airflow-env\n      {secret}\n",
    )
    stack.up()
    before, running = stack.file.read_bytes(), identify(stack, WEB, "airflow-scheduler")
    dockerfile = stack.folder / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text(encoding="utf-8").replace(f"ENV {JWT}={value}\n", ""), encoding="utf-8")
    failed = stack.optbuild("optimize", "--yes", ok=False)
    assert failed.code == 1, failed.err
    assert f"airflow-init and airflow-scheduler would lose {JWT}" in failed.err
    assert value not in f"{failed.out}{failed.err}"
    assert stack.file.read_bytes() == before
    assert identify(stack, WEB, "airflow-scheduler") == running, "nothing was stopped"
