"""The seed project, run for real: three images of one Dockerfile, then one, then three again, and nothing lost."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from seed_project import SHARERS, new_stack

if TYPE_CHECKING:
    from pathlib import Path

    from seed_project import Stack

    from builder.engine.client import Engine

ROW = "CREATE TABLE kept (what text); INSERT INTO kept VALUES ('a row of before')"


def plan_of(stack: Stack) -> dict[str, Any]:
    planned: dict[str, Any] = json.loads(stack.optbuild("plan", "--format", "json").out)
    return planned


def codes(plan: dict[str, Any]) -> set[tuple[str, str]]:
    """Code and service of each finding."""
    return {(found["code"], service) for found in plan["findings"] for service in found["services"]}


def unchanged(stack: Stack, before: dict[str, Any], service: str) -> bool:
    """The same container, never stopped in between."""
    now = stack.containers()[service]
    return (now["Id"], now["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])


def row_is_there(stack: Stack) -> bool:
    return stack.sql("SELECT what FROM kept") == "a row of before"


def test_the_literal_file_gets_the_findings_that_it_deserves(tmp_path: Path) -> None:
    stack = new_stack(tmp_path, "seed", fixture="seed")
    found = codes(plan_of(stack))
    assert {("OB101", service) for service in SHARERS} <= found
    assert {("OB104", "postgres"), ("OB201", "airflow-init")} <= found
    assert {("OB201", "airflow-webserver"), ("OB201", "airflow-scheduler")} <= found, "they have no command at all"
    assert {("OB202", "airflow-webserver"), ("OB202", "airflow-scheduler"), ("OB202", "postgres")} <= found
    assert {("OB207", service) for service in SHARERS} <= found, "no connection: each has a SQLite file of its own"
    assert {"OB205", "OB301", "OB303"} <= {one["code"] for one in plan_of(stack)["findings"]}
    assert ("OB204", "postgres") not in found, "its data is on a volume"
    assert ("OB202", "airflow-init") not in found, "it ends by itself"


def test_optimize_rollback_optimize_on_the_running_stack(seed: Stack) -> None:
    original = seed.file.read_bytes()
    seed.up()
    assert len(seed.image_ids()) == 3
    assert seed.webserver_is_healthy()
    seed.sql(ROW)
    postgres = seed.containers()["postgres"]
    sizes = next(group["bytes"] for group in plan_of(seed)["groups"] if "airflow-init" in group["services"])
    assert sizes["now"]["images"] == 3
    assert sizes["now"]["real"] - sizes["then"]["real"] >= 2 * 20_000_000, "each has its own 20 MB"

    done = seed.optbuild("optimize", "--yes")
    optimized = seed.file.read_bytes()
    assert len(seed.image_ids()) == 1
    assert seed.webserver_is_healthy()
    assert row_is_there(seed)
    assert unchanged(seed, postgres, "postgres")
    assert seed.file.with_name("docker-compose.yml.bak").read_bytes() == original
    assert b"# one Dockerfile for all three" in optimized
    for words in ("docker image rm", "docker compose build", "up --no-deps"):
        assert words in done.out + done.err

    seed.optbuild("rollback", "--yes")
    assert seed.file.read_bytes() == original
    assert len(seed.image_ids()) == 3
    assert seed.webserver_is_healthy()
    assert row_is_there(seed)
    assert unchanged(seed, postgres, "postgres")

    seed.optbuild("optimize", "--yes", "--clean")
    assert seed.file.read_bytes() == optimized
    assert len(seed.image_ids()) == 1
    assert row_is_there(seed)
    names = seed.docker("image", "ls", "--format", "{{.Repository}}").out.split()
    assert not [name for name in names if name.startswith(seed.name) and name.removeprefix(f"{seed.name}-") in SHARERS]

    again = seed.optbuild("optimize", "--yes")
    assert seed.file.read_bytes() == optimized
    assert "Nothing to do" in again.out


def test_the_image_of_a_spec_takes_over(seed: Stack, airflow_folder: Path, engine: Engine) -> None:
    for name in ("optbuild.toml", "optbuild.lock"):
        shutil.copy(airflow_folder / name, seed.folder)
    original = seed.file.read_bytes()
    seed.up()
    seed.sql(ROW)
    postgres = seed.containers()["postgres"]
    seed.optbuild("optimize", "--yes")
    assert b"build:" not in seed.file.read_bytes()
    assert seed.image_ids() == {engine.find_image_id("ml-pipeline-airflow:latest")}
    assert seed.webserver_is_healthy()
    assert row_is_there(seed)
    assert unchanged(seed, postgres, "postgres")
    seed.optbuild("rollback", "--yes")
    assert seed.file.read_bytes() == original
    assert row_is_there(seed)


def test_a_webserver_that_never_gets_healthy_is_rolled_back(seed: Stack) -> None:
    """The health check asks a port that nobody serves, once the container runs from the shared image."""
    text = seed.file.read_text(encoding="utf-8")
    probe = 'test: ["CMD", "curl", "--fail", "http://localhost:8080/health"]'
    assert probe in text
    broken = text.replace(probe, "test: curl --fail http://localhost:$${PROBE_PORT:-8080}/health")
    seed.file.write_text(broken, encoding="utf-8")
    dockerfile = seed.folder / "Dockerfile.airflow"
    seed.up()
    seed.sql(ROW)
    postgres = seed.containers()["postgres"]
    images = {service: seed.containers()[service]["Image"] for service in SHARERS}
    dockerfile.write_text(dockerfile.read_text(encoding="utf-8") + "ENV PROBE_PORT=1\n", encoding="utf-8")
    # the old containers have as long to get healthy again: 20 s are too short for them on a busy machine
    failed = seed.optbuild("optimize", "--yes", "--timeout", "60", ok=False)
    assert failed.code == 1, failed.err
    assert "airflow-webserver" in failed.err
    assert seed.file.read_text(encoding="utf-8") == broken
    assert {service: seed.containers()[service]["Image"] for service in SHARERS} == images
    assert seed.webserver_is_healthy()
    assert row_is_there(seed)
    assert unchanged(seed, postgres, "postgres")
