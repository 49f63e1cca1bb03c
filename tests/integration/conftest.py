"""What every test against the real engine is given. A missing engine fails these tests, it never skips them."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runtime_factory import make_runtime

from builder.core.process import Command, LocalRunner, ProcessResult
from builder.engine.client import Engine, connect_engine
from builder.image.base.postgres import ensure_postgres_image
from builder.operations.project import ImageProject, load_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
IMAGE_FOLDER = ROOT / "images" / "airflow"
TEST_IMAGE_VARIABLE = "OPTBUILD_TEST_IMAGE"
"""For work on the tests: an image to use as it is, instead of the promoted one."""
BUILD_SECONDS = 1500
"""Also on a busy machine; the first test that asks for the image has the time limit of the whole build."""
TEST_LABEL = "optbuild.test"
"""On every container and every image of these tests; its value is "process ID of pytest-something"."""
MAIN = "from builder.cli.main import main; main()"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long runs are `make soak`'s."""
    if not os.environ.get("OPTBUILD_SOAK"):
        long = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine of this environment."""
    with connect_engine(os.environ) as found:
        yield found


def optbuild(*words: str, cwd: Path = ROOT) -> ProcessResult:
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
def project(airflow_folder: Path) -> ImageProject:
    """images/airflow: its spec, its lock, its roles."""
    return load_project(airflow_folder)


@pytest.fixture(scope="session")
def image(engine: Engine, project: ImageProject, airflow_folder: Path) -> str:
    """The promoted image of images/airflow. Built, verified and promoted as `make image` does; cheap when it was."""
    if given := os.environ.get(TEST_IMAGE_VARIABLE):
        return given
    reference = f"{project.spec.image.name}:{project.spec.image.tags[0]}"
    done = optbuild("build", "--verify", "--refresh-base", str(airflow_folder))
    assert done.ok, f"`optbuild build --verify` failed with {done.code}:\n{done.out}\n{done.err}"
    assert engine.find_image_id(reference) is not None, f"{reference} was not promoted"
    return reference


@pytest.fixture(scope="session")
def postgres_image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """PostgreSQL made from Debian's packages; made once per machine."""
    folder = tmp_path_factory.mktemp("postgres")
    env = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    return ensure_postgres_image(make_runtime(folder, env, runner=LocalRunner()), engine)


class Server:
    """A PostgreSQL server on this machine, where containers reach it too, with as many databases as tests want."""

    def __init__(self, container: str, port: str, password: str) -> None:
        self.container, self._port, self.password = container, port, password

    def database(self, name: str) -> str:
        """Make an empty database; its URL as this machine sees it."""
        self.ask("postgres", f'CREATE DATABASE "{name}"')
        return f"postgresql+psycopg2://me:{self.password}@localhost:{self._port}/{name}"

    def ask(self, database: str, query: str) -> list[str]:
        """The rows of an answer, columns separated by ``|``."""
        argv = ("docker", "exec", self.container, "psql", "-U", "me", "-d", database, "-Atc", query)
        done = LocalRunner().run(Command(argv, timeout=60))
        assert done.ok, done.err
        return done.out.splitlines()


@pytest.fixture(scope="session")
def server(engine: Engine, postgres_image: str, orphans_removed: object) -> Iterator[Server]:
    """One for all tests that share a server; each takes a database of its own."""
    password = f"s3cr3t-{uuid.uuid4().hex}"
    gateway = engine.client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    container = engine.client.containers.run(
        postgres_image,
        ["postgres", "-c", "fsync=off"],
        name=f"optbuild-test-{uuid.uuid4().hex[:10]}",
        environment={"POSTGRES_USER": "me", "POSTGRES_PASSWORD": password, "POSTGRES_DB": "me"},
        detach=True,
        labels={TEST_LABEL: f"{os.getpid()}-{uuid.uuid4().hex}"},
        ports={"5432/tcp": (gateway, 0)},
        tmpfs={"/var/lib/postgresql/data": ""},
    )
    try:
        while container.exec_run(["pg_isready", "-q", "-h", "127.0.0.1", "-U", "me", "-d", "me"])[0] != 0:
            time.sleep(0.5)
            container.reload()
            assert container.status == "running", container.logs()
        container.reload()
        port = container.attrs["NetworkSettings"]["Ports"]["5432/tcp"][0]["HostPort"]
        yield Server(str(container.name), port, password)
    finally:
        container.remove(force=True, v=True)


def remove_orphans() -> None:
    """Removes containers and images of the tests of a pytest that is gone: it was killed before it could do so."""
    _remove_orphaned_containers()
    _remove_orphaned_images()


def is_orphaned(value: str) -> bool:
    """Whether the test label's value names a process that is gone."""
    owner = re.match(r"(\d+)-", value)
    return owner is not None and not Path("/proc", owner[1]).exists()


def _remove_orphaned_images() -> None:
    """Images have no label column: each is asked."""
    runner = LocalRunner()
    listing = runner.run(Command(("docker", "images", "--quiet", f"--filter=label={TEST_LABEL}"), timeout=60))
    template = f'{{{{index .Config.Labels "{TEST_LABEL}"}}}}'
    for image in set(listing.out.split()):
        found = runner.run(Command(("docker", "image", "inspect", f"--format={template}", image), timeout=60))
        if found.ok and is_orphaned(found.out.strip()):
            runner.run(Command(("docker", "rmi", "--force", image), timeout=60))


def _remove_orphaned_containers() -> None:
    template = f'{{{{.ID}}}} {{{{.Label "{TEST_LABEL}"}}}}'
    argv = ("docker", "ps", "--all", f"--filter=label={TEST_LABEL}", f"--format={template}")
    for line in LocalRunner().run(Command(argv, timeout=60)).out.splitlines():
        container, _, value = line.partition(" ")
        if is_orphaned(value):
            LocalRunner().run(Command(("docker", "rm", "--force", "--volumes", container), timeout=60))


@pytest.fixture(scope="session")
def orphans_removed() -> Callable[[], None]:
    """For tests that label their containers: what killed runs left is gone; call it to do it once more."""
    remove_orphans()
    return remove_orphans
