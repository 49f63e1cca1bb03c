"""What every test against the real engine is given. A missing engine fails these tests, it never skips them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.base.postgres import ensure_postgres
from builder.cli.project import Project, load_project
from builder.engine.client import Engine, connect
from builder.process import Command, LocalRunner
from builder.progress import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
IMAGE_FOLDER = ROOT / "images" / "airflow"
TEST_IMAGE_VARIABLE = "OPTBUILD_TEST_IMAGE"
"""For work on the tests: an image to use as it is, instead of the promoted one."""
BUILD_SECONDS = 1200
MAIN = "from builder.cli.main import main; main()"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine of this environment."""
    with connect(os.environ) as found:
        yield found


@pytest.fixture(scope="session")
def project() -> Project:
    """images/airflow: its spec, its lock, its roles."""
    return load_project(IMAGE_FOLDER)


@pytest.fixture(scope="session")
def image(engine: Engine, project: Project) -> str:
    """The promoted image of images/airflow. Built, verified and promoted as `make image` does; cheap when it was."""
    if given := os.environ.get(TEST_IMAGE_VARIABLE):
        return given
    reference = f"{project.spec.image.name}:{project.spec.image.tags[0]}"
    argv = (sys.executable, "-c", MAIN, "build", "--verify", "--refresh-base", str(IMAGE_FOLDER))
    done = LocalRunner().run(Command(argv, cwd=ROOT, timeout=BUILD_SECONDS))
    assert done.ok, f"`optbuild build --verify` failed with {done.code}:\n{done.out}\n{done.err}"
    assert engine.image_id(reference) is not None, f"{reference} was not promoted"
    return reference


@pytest.fixture(scope="session")
def postgres_image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """PostgreSQL made from Debian's packages; made once per machine."""
    cache = tmp_path_factory.mktemp("postgres")
    return ensure_postgres(
        engine, runner=LocalRunner(), progress=SilentProgress(), env=dict(os.environ), cache_folder=cache
    )
