"""The images of Airflow 3 and of Celery: built, each role proven. What breaks one check is in test_sabotage.py."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sabotage import verify

from builder.airflow.variables import AUTH_MANAGER
from builder.core.process import Command, LocalRunner, ProcessResult
from builder.image.verify.environment import make_role_environment, make_sqlite_database
from builder.image.verify.model import CheckResult, CheckStatus
from builder.image.verify.users import NO_USERS

if TYPE_CHECKING:
    from proven_image import ProvenImage

MAIN = "from builder.cli.main import main; main()"
IMAGES = Path(__file__).parents[2] / "images"
BUILD_SECONDS = 1800
pytestmark = [pytest.mark.soak, pytest.mark.alone]


def run(*words: str) -> str:
    """What the command prints; it must end well."""
    done = LocalRunner().run(Command((sys.executable, "-c", MAIN, *words), timeout=BUILD_SECONDS))
    assert done.ok, f"{done.out}\n{done.err}"
    return done.out


def prove(proven: ProvenImage, folder: Path, *only: str) -> dict[str, CheckResult]:
    return {check.name: check for check in verify(proven.reference, proven.plan, folder, *only).checks}


def test_every_role_of_airflow_3_works(airflow_3: ProvenImage, tmp_path: Path) -> None:
    checks = prove(airflow_3, tmp_path)
    assert {check.status for check in checks.values()} == {CheckStatus.PASSED}
    assert {"init", "api-server", "scheduler", "dag-processor", "triggerer", "login", "read-only", "dag"} < set(checks)
    assert checks["init"].message == "exit code 0; the user that it made is in the database"
    assert "/auth/token gives a token, and /api/v2/dags takes it" in checks["login"].message


def test_without_fabs_auth_manager_no_user_is_made_and_the_report_says_so(
    airflow_3: ProvenImage, tmp_path: Path
) -> None:
    """Airflow's own, with its roles as they are; the read-only web server writes the passwords where it may."""
    simple = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
    roles = tuple(
        replace(role, environment=(*role.environment, (AUTH_MANAGER.name, simple))) for role in airflow_3.plan.roles
    )
    changed = replace(airflow_3, plan=replace(airflow_3.plan, roles=roles))
    checks = prove(changed, tmp_path, "login", "read-only")
    assert checks["init"].message == f"exit code 0; {NO_USERS}"
    assert (checks["login"].status, checks["login"].message) == (CheckStatus.NOT_RUN, NO_USERS)
    assert {check.status for name, check in checks.items() if name != "login"} == {CheckStatus.PASSED}


def test_it_works_on_trixie_with_python_3_13_too(postgres_image: str, tmp_path: Path) -> None:
    text = (IMAGES / "airflow-3/optbuild.toml").read_text()
    for old, new in (
        ("bookworm", "trixie"),
        ('version = "3.11"', 'version = "3.13"'),
        ('name = "ml-pipeline-airflow-3"', 'name = "optbuild-trixie"'),
        ("[airflow]\n", "[airflow]\nconstraints = false\n"),
        ("postgres:13", postgres_image),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (tmp_path / "optbuild.toml").write_text(text)
    try:
        run("lock", str(tmp_path))
        assert "optbuild-trixie-dag-processor:latest" in run("build", "--verify", str(tmp_path))
    finally:
        found = LocalRunner().run(Command(("docker", "images", "--quiet", "optbuild-trixie*"), timeout=60)).out.split()
        LocalRunner().run(Command(("docker", "rmi", "--force", *dict.fromkeys(found)), timeout=120))


FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


def start_without_words(folder: Path, configuration: str) -> ProcessResult:
    """Airflow 3 with a migration and a user asked for, nothing in the environment naming an auth manager."""
    (folder / "airflow.cfg").write_text(configuration)
    (folder / "airflow.cfg").chmod(0o644)
    wanted = {"_AIRFLOW_DB_MIGRATE": "true", "_AIRFLOW_WWW_USER_CREATE": "true", "_AIRFLOW_WWW_USER_PASSWORD": "secret"}
    options = [f"--env={name}={value}" for name, value in wanted.items()]
    options += [f"--volume={folder}/airflow.cfg:/opt/airflow/airflow.cfg:ro", "--entrypoint=env"]
    words = ("-u", "AIRFLOW__CORE__AUTH_MANAGER", "/entrypoint")
    argv = ("docker", "run", "--rm", *options, "ml-pipeline-airflow-3:latest", *words)
    return LocalRunner().run(Command(argv, timeout=300))


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        pytest.param(f"[core]\nauth_manager = {FAB}\n", 'User "admin" created with role "Admin"', id="fab"),
        pytest.param("", "no user created: users are kept by the FAB auth manager", id="default"),
    ],
)
def test_without_words_airflow_3_migrates_and_its_file_says_who_keeps_users(
    airflow_3: ProvenImage, tmp_path: Path, configuration: str, said: str
) -> None:
    done = start_without_words(tmp_path, configuration)
    assert done.code == 0, done.err
    assert said in done.out + done.err


def test_without_a_dag_processor_no_role_reads_dag_files(airflow_3: ProvenImage, tmp_path: Path) -> None:
    roles = tuple(role for role in airflow_3.plan.roles if role.name != "dag-processor")
    checks = prove(replace(airflow_3, plan=replace(airflow_3.plan, roles=roles)), tmp_path, "dag")
    assert checks["dag"].status is CheckStatus.NOT_RUN
    assert "no role reads DAG files" in checks["dag"].message


def test_every_role_of_celery_works_and_the_dag_runs_on_the_worker(airflow_celery: ProvenImage, tmp_path: Path) -> None:
    checks = prove(airflow_celery, tmp_path)
    assert {check.status for check in checks.values()} == {CheckStatus.PASSED}
    assert "success on worker-" in checks["dag"].message


def list_options(reference: str) -> set[str]:
    """Every option of the image's Airflow, as the variable that sets it."""
    words = ("docker", "run", "--rm", "--entrypoint", "airflow", reference, "config", "list", "--defaults")
    found, section = set[str](), ""
    for line in LocalRunner().run(Command(words, timeout=120)).out.splitlines():
        if head := re.match(r"\[(\w+)\]", line):
            section = head[1]
        elif option := re.match(r"#?\s*([a-z_0-9]+)\s*=", line):
            found.add(f"AIRFLOW__{section}__{option[1]}".upper())
    return found


def test_every_setting_of_a_verification_is_one_of_its_airflow(
    airflow_3: ProvenImage, airflow_celery: ProvenImage
) -> None:
    for proven in (airflow_3, airflow_celery):
        made = make_role_environment(make_sqlite_database("/x"), proven.plan.release, proven.plan.roles)
        assert {name for name in made if name.startswith("AIRFLOW__")} - list_options(proven.reference) <= UNLISTED


UNLISTED = {"AIRFLOW__CELERY__OPERATION_TIMEOUT"}
"""Of Celery's provider, which the image of Airflow 3 does not have."""
