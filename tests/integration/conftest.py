"""What every test against the real engine is given. A missing engine fails these tests, it never skips them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from proven_image import ProvenImage
from runtime_factory import make_runtime
from xdist.scheduler import LoadScopeScheduling

from builder.core.files import hold_lock
from builder.core.process import Command, LocalRunner, ProcessResult
from builder.engine.client import Engine, connect_engine
from builder.image.base.servers import POSTGRES, REDIS, PackagedServer, ensure_server_image
from builder.image.lock.document import read_lock
from builder.image.render.context import render_context
from builder.image.spec.reader import read_spec
from builder.image.verify.plan import make_plan_from_spec
from builder.operations.project import ImageProject, load_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xdist.remote import Producer

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "images"
TEST_IMAGE_VARIABLE = "OPTBUILD_TEST_IMAGE"
"""For work on the tests: an image to use as it is, instead of the one of images/airflow. Nothing is built then: the
promoted images of Airflow 3 and of Celery are used as they are too."""
BUILD_SECONDS = 1500
"""Also on a busy machine; the first test that asks for the image has the time limit of the whole build."""
TEST_LABEL = "optbuild.test"
"""On every container and every image of these tests; its value is "process ID of pytest-something"."""
FOLDER = "tests/integration/"
MAIN = "from builder.cli.main import main; main()"
GROUPS = {
    "airflow": (
        "bases/test_published_base.py",
        "bases/test_verify_foreign.py",
        "compose/test_official_files.py",
        "compose/test_seed.py",
        "test_contract.py",
        "test_entrypoint.py",
        "test_readme_commands.py",
        "test_sabotage.py",
        "test_structure.py",
        "test_verify.py",
        "test_verify_dags.py",
    ),
    "base": ("test_base.py", "test_reproducible.py"),
}
"""Files below tests/integration that one worker runs, one after the other, where `make test` has two. The longest
groups come first, so that none begins at the end.

Airflow's roles have time limits, those of the product: never two tests that start Airflow side by side. The tests of
the base share one that takes a minute to make. Each other file is a group by itself.
"""


def find_group(nodeid: str) -> str:
    """The name of the group of a test."""
    name = nodeid.partition("::")[0].removeprefix(FOLDER)
    return next((group for group, files in GROUPS.items() if name in files), name)


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """What xdist calls a scope is a group here. Its own groups by a mark do nothing under pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return find_group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    config.option.loadscopereorder = False  # the order of pytest_collection_modifyitems, not the number of tests
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long runs are `make soak`'s."""
    if not os.environ.get("OPTBUILD_SOAK"):
        long = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    for item in items:
        if "image" in getattr(item, "fixturenames", ()) and not _may_have_the_image(item.nodeid):
            raise pytest.UsageError(f"{item.nodeid} is given Airflow's image: name it in GROUPS, {__file__}")
    order = [*GROUPS]
    items.sort(key=lambda item: order.index(group) if (group := find_group(item.nodeid)) in GROUPS else len(order))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a test wants to be read although it passed: ``record_property("note", TEXT)``."""
    for reports in terminalreporter.stats.values():
        for report in (one for one in reports if isinstance(one, pytest.TestReport) and one.when == "call"):
            for text in (value for name, value in report.user_properties if name == "note"):
                terminalreporter.write_line(f"note: {report.nodeid}: {text}")


def _may_have_the_image(nodeid: str) -> bool:
    """inspect/ only reads it."""
    return find_group(nodeid) == "airflow" or nodeid.startswith(f"{FOLDER}inspect/")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run, the same for all its workers."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine of this environment."""
    with connect_engine(os.environ) as found:
        yield found


def optbuild(*words: str, cwd: Path = ROOT) -> ProcessResult:
    """The command line of this checkout, run to its end."""
    return LocalRunner().run(Command((sys.executable, "-c", MAIN, *words), cwd=cwd, timeout=BUILD_SECONDS))


def copy_image(name: str, run_folder: Path) -> Path:
    """A copy of a folder of images/ whose Debian versions the mirror still has: Debian drops a version with the next.

    One for all workers: what they build of it is the same.
    """
    folder, unfinished = run_folder / "sample" / name, run_folder / "sample/unfinished" / name
    with hold_lock(run_folder / f"{name}.lock", f"locking images/{name}"):
        if not folder.exists():
            shutil.copytree(IMAGES / name, unfinished)
            done = optbuild("lock", "--refresh-debian", str(unfinished))
            assert done.ok, f"`optbuild lock --refresh-debian` failed with {done.code}:\n{done.out}\n{done.err}"
            unfinished.rename(folder)
    return folder


def build_image(folder: Path, run_folder: Path) -> None:
    """Built, verified and promoted as `make image` does, once for all workers; cheap when it was."""
    built = run_folder / f"{folder.name}.built"
    with hold_lock(run_folder / f"{folder.name}.build.lock", f"building images/{folder.name}"):
        if not built.exists():
            done = optbuild("build", "--verify", "--refresh-base", str(folder))
            assert done.ok, f"`optbuild build --verify` failed with {done.code}:\n{done.out}\n{done.err}"
            built.touch()


def describe_image(project: ImageProject, reference: str, postgres: str, redis: str | None = None) -> ProvenImage:
    made = make_plan_from_spec(project.spec, project.lock, project.roles)
    return ProvenImage(reference, replace(made, database=postgres, broker=redis))


def find_promoted(project: ImageProject) -> str:
    return f"{project.spec.image.name}:{project.spec.image.tags[0]}"


def prove_image(name: str, run_folder: Path, postgres: str, redis: str | None = None) -> ProvenImage:
    """Of images/: as `make image` leaves it."""
    is_given = TEST_IMAGE_VARIABLE in os.environ
    folder = IMAGES / name if is_given else copy_image(name, run_folder)
    if not is_given:
        build_image(folder, run_folder)
    project = load_project(folder)
    return describe_image(project, find_promoted(project), postgres, redis)


@pytest.fixture(scope="session")
def airflow_3(run_folder: Path, postgres_image: str) -> ProvenImage:
    """Minutes where it is not built yet: for long runs."""
    return prove_image("airflow-3", run_folder, postgres_image)


@pytest.fixture(scope="session")
def airflow_celery(run_folder: Path, postgres_image: str, redis_image: str) -> ProvenImage:
    """As ``airflow_3``."""
    return prove_image("airflow-celery", run_folder, postgres_image, redis_image)


@pytest.fixture(scope="session")
def airflow(image: str, project: ImageProject, postgres_image: str) -> ProvenImage:
    """The image of images/airflow."""
    return describe_image(project, image, postgres_image)


@pytest.fixture(scope="session")
def airflow_folder(run_folder: Path) -> Path:
    return copy_image("airflow", run_folder)


@pytest.fixture(scope="session")
def fresh_base(airflow_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample image's context, its base made now by its own base.sh, whatever the machine's cache holds."""
    folder = tmp_path_factory.mktemp("context")
    render_context(read_spec(airflow_folder), read_lock(airflow_folder / "optbuild.lock")).write(folder)
    done = subprocess.run([folder / "base.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def project(airflow_folder: Path) -> ImageProject:
    """images/airflow: its spec, its lock, its roles."""
    return load_project(airflow_folder)


@pytest.fixture(scope="session")
def image(engine: Engine, project: ImageProject, airflow_folder: Path, postgres_image: str, run_folder: Path) -> str:
    """The promoted image of images/airflow.

    The verification needs ``postgres_image``: it would make one beside that of another worker.
    """
    if given := os.environ.get(TEST_IMAGE_VARIABLE):
        return given
    reference = find_promoted(project)
    build_image(airflow_folder, run_folder)
    assert engine.find_image_id(reference) is not None, f"{reference} was not promoted"
    return reference


@pytest.fixture(scope="session")
def postgres_image(engine: Engine, run_folder: Path) -> str:
    """PostgreSQL made from Debian's packages; made once per machine."""
    return make_server_image(engine, run_folder, POSTGRES)


@pytest.fixture(scope="session")
def redis_image(engine: Engine, run_folder: Path) -> str:
    """Redis made from Debian's packages; made once per machine."""
    return make_server_image(engine, run_folder, REDIS)


def make_server_image(engine: Engine, run_folder: Path, server: PackagedServer) -> str:
    """One worker makes it, where there are several."""
    env = {**os.environ, "XDG_CACHE_HOME": str(run_folder / server.name)}
    with hold_lock(run_folder / f"{server.name}.lock", f"making the image {server.reference}"):
        return ensure_server_image(make_runtime(run_folder, env, runner=LocalRunner()), engine, server)


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


def remove_orphans(run_folder: Path) -> None:
    """Removes containers and images of the tests of a pytest that is gone: it was killed before it could do so."""
    with hold_lock(run_folder / "orphans.lock", "removing what killed tests left"):
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
def orphans_removed(run_folder: Path) -> Callable[[], None]:
    """For tests that label their containers: what killed runs left is gone; call it to do it once more."""
    remove_orphans(run_folder)
    return lambda: remove_orphans(run_folder)
