"""What every test against the real engine is given. A missing engine fails these tests, it never skips them."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.base.postgres import ensure_postgres
from builder.cli.project import Project, load_project
from builder.engine.client import Engine, connect
from builder.process import Command, LocalRunner, Result
from builder.progress import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
IMAGE_FOLDER = ROOT / "images" / "airflow"
TEST_IMAGE_VARIABLE = "OPTBUILD_TEST_IMAGE"
"""For work on the tests: an image to use as it is, instead of the promoted one."""
BUILD_SECONDS = 1500
"""Also on a busy machine; the first test that asks for the image has the time limit of the whole build."""
TEST_LABEL = "optbuild.test"
"""On every container of these tests; its value is "process ID of pytest-something"."""
MAIN = "from builder.cli.main import main; main()"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine of this environment."""
    with connect(os.environ) as found:
        yield found


def optbuild(*words: str, cwd: Path = ROOT) -> Result:
    """The command line of this checkout, run to its end."""
    return LocalRunner().run(Command((sys.executable, "-c", MAIN, *words), cwd=cwd, timeout=BUILD_SECONDS))


@pytest.fixture(scope="session")
def airflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of images/airflow whose Debian versions the mirror still has: Debian drops a version with the next one."""
    folder = tmp_path_factory.mktemp("sample") / "airflow"
    shutil.copytree(IMAGE_FOLDER, folder)
    done = optbuild("lock", "--refresh-debian", str(folder))
    assert done.ok, f"`optbuild lock --refresh-debian` failed with {done.code}:\n{done.out}\n{done.err}"
    return folder


@pytest.fixture(scope="session")
def project(airflow_folder: Path) -> Project:
    """images/airflow: its spec, its lock, its roles."""
    return load_project(airflow_folder)


@pytest.fixture(scope="session")
def image(engine: Engine, project: Project, airflow_folder: Path) -> str:
    """The promoted image of images/airflow. Built, verified and promoted as `make image` does; cheap when it was."""
    if given := os.environ.get(TEST_IMAGE_VARIABLE):
        return given
    reference = f"{project.spec.image.name}:{project.spec.image.tags[0]}"
    done = optbuild("build", "--verify", "--refresh-base", str(airflow_folder))
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


def remove_orphans() -> None:
    """Removes the test containers of a pytest that is gone: it was killed before it could do so itself."""
    template = f'{{{{.ID}}}} {{{{.Label "{TEST_LABEL}"}}}}'
    argv = ("docker", "ps", "--all", f"--filter=label={TEST_LABEL}", f"--format={template}")
    for line in LocalRunner().run(Command(argv, timeout=60)).out.splitlines():
        container, _, value = line.partition(" ")
        owner = re.match(r"(\d+)-", value)
        if owner and not Path("/proc", owner[1]).exists():
            LocalRunner().run(Command(("docker", "rm", "--force", "--volumes", container), timeout=60))


@pytest.fixture(scope="session")
def orphans_removed() -> Callable[[], None]:
    """For tests that label their containers: what killed runs left is gone; call it to do it once more."""
    remove_orphans()
    return remove_orphans
