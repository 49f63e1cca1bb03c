"""Compose files of the shape of Airflow's own run with images of ours, and everything that a person does with them.

What stands in for the official images of PostgreSQL and Redis, and for Airflow's own files, says official_stack.py.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from official_stack import FOLDERS, OFFICIAL_FILES, PASSWORD, OfficialStack, set_up_stack
from seed_project import FIXTURES, MAIN, remove_orphaned_stacks

from builder.core.process import Command, LocalRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
BUILD_SECONDS = 1500
IMAGE_VARIABLE = "OPTBUILD_TEST_OFFICIAL_IMAGE"
"""For work on these tests: an image to use as it is. It must fit the file."""
CELERY_2 = ("apache-airflow-providers-celery==3.5.1", "celery==5.3.1", "kombu==5.3.1", "flower==2.0.1", "redis==4.6.0")


@dataclass(frozen=True)
class Sample:
    """How the image of a file is made: a folder with spec and lock, the image's name there, and changes of the spec."""

    folder: str
    name: str
    changes: tuple[tuple[str, str], ...] = ()


REQUIREMENTS = "".join(f'    "{name}",\n' for name in CELERY_2)
SAMPLES = {
    "2.8": Sample(
        "images/airflow",
        "ml-pipeline-airflow",
        (
            ('extras = ["postgres"]', 'extras = ["postgres", "celery", "redis"]\nconstraints = false'),
            ("requirements = [\n", f"requirements = [\n{REQUIREMENTS}"),
        ),
    ),
    "3.0": Sample(
        "tests/fixtures/images/airflow-3-celery",
        "optbuild-test-airflow-3-celery",
        (('version = "3.3.2"\n', 'version = "3.0.1"\nconstraints = "constraints.txt"\n'),),
    ),
    "3.3": Sample("tests/fixtures/images/airflow-3-celery", "optbuild-test-airflow-3-celery"),
}
"""What a changed spec adds is locked beside what the lock has; another Airflow is locked anew, by its constraints."""


def optbuild(*words: str) -> str:
    done = LocalRunner().run(Command((sys.executable, "-c", MAIN, *words), timeout=BUILD_SECONDS))
    assert done.ok, f"{words} failed with {done.code}:\n{done.out}\n{done.err}"
    return done.out


def write_spec(folder: Path, name: str) -> None:
    """Spec and lock of the file's image."""
    sample = SAMPLES[name]
    shutil.copytree(ROOT / sample.folder, folder)
    text = (folder / "optbuild.toml").read_text("utf-8")
    for old, new in (*sample.changes, (f'name = "{sample.name}"', f'name = "optbuild-drop-in-{name}"')):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "optbuild.toml").write_text(text, "utf-8")
    constraints = FIXTURES / "drop-in" / name / "constraints.txt"
    if constraints.exists():
        shutil.copy(constraints, folder)
        (folder / "optbuild.lock").unlink()
    optbuild("lock", *([] if sample.changes else ["--refresh-debian"]), str(folder))


def build_image(folder: Path, name: str) -> str:
    """The reference of the candidate: the run is its verification."""
    if given := os.environ.get(IMAGE_VARIABLE):
        return given
    write_spec(folder, name)
    return str(json.loads(optbuild("build", "--format", "json", str(folder)))["reference"])


QUICK = ("2.8", 50000)
"""The one of `make test`: it takes the least, and its image is that of images/airflow and Celery."""
RUNS = [
    pytest.param((name, uid), id=f"{name}-as-{uid}", marks=[] if (name, uid) == QUICK else [pytest.mark.soak])
    for name in OFFICIAL_FILES
    for uid in (50000, 1000)
]


@pytest.fixture(scope="module")
def find_image(
    postgres_image: str, redis_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """The image of a file, made when it is first asked for; those that stand in for servers are there too."""
    remove_orphaned_stacks()
    made: dict[str, str] = {}

    def find(name: str) -> str:
        if name not in made:
            made[name] = build_image(tmp_path_factory.mktemp("spec") / name, name)
        return made[name]

    yield find
    if IMAGE_VARIABLE not in os.environ:
        LocalRunner().run(Command(("docker", "rmi", *made.values()), timeout=120))


def make_project_name() -> str:
    """It holds this process, so that the stack is removed when this process is killed."""
    return f"dropin{os.getpid()}x{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module", params=RUNS)
def up(
    request: pytest.FixtureRequest, find_image: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OfficialStack]:
    """Up, as far as `docker compose up` itself waits: init has ended."""
    name, uid = request.param
    folder = tmp_path_factory.mktemp("official")
    official = set_up_stack(folder, make_project_name(), OFFICIAL_FILES[name], find_image(name), uid)
    try:
        official.stack.compose("up", "--detach")
        yield official
    finally:
        official.stack.remove()


def test_every_service_gets_healthy(up: OfficialStack) -> None:
    up.wait_until_healthy()
    health = up.find_health()
    assert {"postgres", "redis", "airflow-scheduler", "airflow-worker", "airflow-triggerer", "flower"} < set(health)
    assert up.file.web in health
    assert up.file.is_airflow_2 or "airflow-dag-processor" in health


def test_init_ends_with_0(up: OfficialStack) -> None:
    state = up.stack.containers()["airflow-init"]["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)


USERS = "SELECT username, r.name FROM ab_user u JOIN ab_user_role ON user_id = u.id JOIN ab_role r ON r.id = role_id"


def test_the_user_is_in_the_database(up: OfficialStack) -> None:
    assert up.stack.sql(USERS) == "airflow|Admin"


def test_the_user_is_let_in_and_only_with_the_password(up: OfficialStack) -> None:
    if up.file.is_airflow_2:
        assert up.log_in(PASSWORD) == "/home"
        assert up.log_in("wrong") == "/login/"
    else:
        assert up.ask("GET", "/api/v2/dags?limit=1", headers=up.make_authorization())["total_entries"] > 0
        with pytest.raises(OSError, match="401"):
            up.ask("POST", "/auth/token", {"username": "airflow", "password": "wrong"})


def test_a_dag_succeeds_on_the_worker(up: OfficialStack) -> None:
    assert up.run_dag() == "success"
    for task in ("bash", "python"):
        assert f"{task} ran on {up.find_host('airflow-worker')}" in up.read_task_log(task)


def test_the_folders_are_the_users_on_the_host(up: OfficialStack) -> None:
    """Those that are mounted, and every file that the roles wrote into them."""
    found = [path for name in FOLDERS for path in (up.stack.folder / name, *(up.stack.folder / name).rglob("*"))]
    assert len(found) > len(FOLDERS)
    others = {str(path): owner for path in found if (owner := (path.stat().st_uid, path.stat().st_gid)) != (up.uid, 0)}
    assert others == {}


def test_the_command_line_of_the_file_answers(up: OfficialStack) -> None:
    said = up.stack.compose("run", "--rm", "airflow-cli", "bash", "-c", "airflow version").out.split()
    assert said[-1].startswith(up.file.folder)


def test_stop_gives_only_0_and_143(up: OfficialStack, record_property: Callable[[str, str], None]) -> None:
    """The last test of a stack: whatever the roles did, they end in order. On a busy machine that takes its time."""
    for note in up.notes:
        record_property("note", note)
    up.stack.compose("stop", "--timeout", "60")
    codes = {service: one["State"]["ExitCode"] for service, one in up.stack.containers().items()}
    assert {service: code for service, code in codes.items() if code not in (0, 143)} == {}


@pytest.mark.soak
def test_an_init_that_cannot_use_its_database_starts_nothing(find_image: Callable[[str], str], tmp_path: Path) -> None:
    """What `init ends with 0` is worth: where it does not, every service that waits for it stays down."""
    official = set_up_stack(tmp_path, make_project_name(), OFFICIAL_FILES["2.8"], find_image("2.8"), 50000)
    override = official.stack.folder / "stand-ins.yaml"
    refusing = override.read_text().replace(
        "  postgres:\n", "  postgres:\n    environment:\n      POSTGRES_PASSWORD: another\n"
    )
    override.write_text(f"{refusing}  airflow-init:\n    environment:\n      CONNECTION_CHECK_MAX_COUNT: '1'\n")
    try:
        done = official.stack.compose("up", "--detach", ok=False)
        states = {service: one["State"] for service, one in official.stack.containers().items()}
        assert not done.ok
        assert states["airflow-init"]["ExitCode"] == 1
        assert {states[service]["Status"] for service in ("airflow-scheduler", "airflow-worker")} == {"created"}
        assert "password authentication failed" in official.stack.compose("logs", "airflow-init").out
    finally:
        official.stack.remove()
