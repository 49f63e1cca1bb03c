"""Stand-ins for images that cannot be pulled here. Only tests give them official names, and take those away again."""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from airflow_3_project import SHARERS_3
from runtime_factory import make_runtime
from seed_project import MAIN, Stack, lend_names, new_stack

from builder.core.process import Command, LocalRunner
from builder.image.base.servers import REDIS, ensure_server_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.engine.client import Engine

AIRFLOW_3 = Path(__file__).parents[2] / "fixtures/images/airflow-3-celery"
AIRFLOW_3_VARIABLE = "OPTBUILD_TEST_AIRFLOW_3"
"""For work on the tests: an image to use as it is, instead of the one of that spec."""
BUILD_SECONDS = 1800


@pytest.fixture(scope="session")
def official_names(engine: Engine, image: str, postgres_image: str) -> Iterator[None]:
    """`apache/airflow:2.8.1` and `postgres:13`: the project's own image and Debian's PostgreSQL stand in for them."""
    yield from lend_names(engine, {"apache/airflow:2.8.1": image, "postgres:13": postgres_image})


@pytest.fixture(scope="session")
def airflow_3_names(engine: Engine, postgres_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """`apache/airflow:3.3.2`, `postgres:13` and `redis:7`, in the same way; the first from a spec of the tests."""
    folder = tmp_path_factory.mktemp("airflow-3")
    airflow = os.environ.get(AIRFLOW_3_VARIABLE) or build_airflow_3(folder)
    runtime = make_runtime(folder, dict(os.environ), runner=LocalRunner())
    redis = ensure_server_image(runtime, engine, REDIS)
    yield from lend_names(engine, {"apache/airflow:3.3.2": airflow, "postgres:13": postgres_image, "redis:7": redis})


def build_airflow_3(folder: Path) -> str:
    """The candidate's reference."""
    shutil.copytree(AIRFLOW_3, folder, dirs_exist_ok=True)
    argv = (sys.executable, "-c", MAIN, "build", "--refresh-base", "--format", "json")
    done = LocalRunner().run(Command(argv, cwd=folder, timeout=BUILD_SECONDS))
    assert done.ok, f"{done.out}\n{done.err}"
    return str(json.loads(done.out)["reference"])


@pytest.fixture
def seed(official_names: None, tmp_path: Path) -> Iterator[Stack]:
    """The runnable seed project: each service's image built by itself, nothing started."""
    stack = new_stack(tmp_path, f"seed{os.getpid()}x{uuid.uuid4().hex[:8]}")
    try:
        stack.build_apart()
        yield stack
    finally:
        stack.remove()


@pytest.fixture
def live_3(airflow_3_names: None, tmp_path: Path) -> Iterator[Stack]:
    """Airflow 3 on Celery: nothing built, nothing started."""
    name = f"seed{os.getpid()}x{uuid.uuid4().hex[:8]}"
    stack = new_stack(tmp_path, name, fixture="airflow-3-live", sharers=SHARERS_3)
    try:
        yield stack
    finally:
        stack.remove()
