"""The images of Airflow 3 and of Celery: built, each role proven, and what breaks one check on purpose."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runtime_factory import make_runtime

from builder.airflow.variables import BROKER, JWT_SECRET
from builder.core.process import Command, LocalRunner, ProcessResult
from builder.image.verify.model import CheckResult, CheckStatus, VerifyReport
from builder.image.verify.plan import VerifyPlan, make_plan_from_spec
from builder.image.verify.run import verify_image
from builder.operations.project import load_project

if TYPE_CHECKING:
    from builder.airflow.model import Role

IMAGES = Path(__file__).parents[2] / "images"
BUILD_SECONDS = 1800
pytestmark = [pytest.mark.soak, pytest.mark.alone]


def run(optbuild: Path, *words: str) -> str:
    """What the command prints; it must end well."""
    done = LocalRunner().run(Command((str(optbuild), *words), timeout=BUILD_SECONDS))
    assert done.ok, f"{done.out}\n{done.err}"
    return done.out


def build(name: str, folder: Path, optbuild: Path) -> VerifyPlan:
    """Built and proven as `make image` does; the plan of its verification."""
    shutil.copytree(IMAGES / name, folder)
    run(optbuild, "build", "--verify", "--refresh-base", str(folder))
    project = load_project(folder)
    return make_plan_from_spec(project.spec, project.lock, project.roles)


@pytest.fixture(scope="module")
def optbuild() -> Path:
    return IMAGES.parent / ".venv/bin/optbuild"


@pytest.fixture(scope="module")
def airflow_3(tmp_path_factory: pytest.TempPathFactory, optbuild: Path, postgres_image: str) -> VerifyPlan:
    made = build("airflow-3", tmp_path_factory.mktemp("three") / "image", optbuild)
    return replace(made, database=postgres_image)


@pytest.fixture(scope="module")
def celery(tmp_path_factory: pytest.TempPathFactory, optbuild: Path, postgres_image: str) -> VerifyPlan:
    made = build("airflow-celery", tmp_path_factory.mktemp("celery") / "image", optbuild)
    return replace(made, database=postgres_image)


def verify(image: str, plan: VerifyPlan, folder: Path, *only: str) -> dict[str, CheckResult]:
    env = {**os.environ, "XDG_CACHE_HOME": str(folder), "XDG_STATE_HOME": str(folder)}
    report: VerifyReport = verify_image(make_runtime(folder, env, runner=LocalRunner()), image, plan, only=only)
    return {check.name: check for check in report.checks}


def change(plan: VerifyPlan, name: str, variables: tuple[tuple[str, str], ...]) -> VerifyPlan:
    """The plan, one of whose roles is started with other variables."""

    def changed(role: Role) -> Role:
        return replace(role, environment=(*role.environment, *variables)) if role.name == name else role

    return replace(plan, roles=tuple(changed(role) for role in plan.roles))


def list_failed(checks: dict[str, CheckResult]) -> list[str]:
    return [name for name, check in checks.items() if check.status is CheckStatus.FAILED]


def test_every_role_of_airflow_3_works(airflow_3: VerifyPlan, tmp_path: Path) -> None:
    checks = verify("ml-pipeline-airflow-3:latest", airflow_3, tmp_path)
    assert {check.status for check in checks.values()} == {CheckStatus.PASSED}
    assert {"init", "api-server", "scheduler", "dag-processor", "triggerer", "login", "read-only", "dag"} < set(checks)


def test_it_works_on_trixie_with_python_3_13_too(optbuild: Path, postgres_image: str, tmp_path: Path) -> None:
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
        run(optbuild, "lock", str(tmp_path))
        assert "optbuild-trixie-dag-processor:latest" in run(optbuild, "build", "--verify", str(tmp_path))
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
    airflow_3: VerifyPlan, tmp_path: Path, configuration: str, said: str
) -> None:
    done = start_without_words(tmp_path, configuration)
    assert done.code == 0, done.err
    assert said in done.out + done.err


def test_a_scheduler_with_another_jwt_secret_fails_the_dag_for_that_reason(
    airflow_3: VerifyPlan, tmp_path: Path
) -> None:
    other = change(airflow_3, "scheduler", ((JWT_SECRET.name, "5" * 128),))
    checks = verify("ml-pipeline-airflow-3:latest", other, tmp_path, "dag")
    assert list_failed(checks) == ["dag"]
    assert "do not share AIRFLOW__API_AUTH__JWT_SECRET" in checks["dag"].message


def test_without_a_dag_processor_no_role_reads_dag_files(airflow_3: VerifyPlan, tmp_path: Path) -> None:
    roles = tuple(role for role in airflow_3.roles if role.name != "dag-processor")
    checks = verify("ml-pipeline-airflow-3:latest", replace(airflow_3, roles=roles), tmp_path, "dag")
    assert checks["dag"].status is CheckStatus.NOT_RUN
    assert "no role reads DAG files" in checks["dag"].message


def test_every_role_of_celery_works_and_the_dag_runs_on_the_worker(celery: VerifyPlan, tmp_path: Path) -> None:
    checks = verify("ml-pipeline-airflow-celery:latest", celery, tmp_path)
    assert {check.status for check in checks.values()} == {CheckStatus.PASSED}
    assert "success on worker-" in checks["dag"].message


def test_a_worker_that_does_not_find_its_broker_is_not_believed(celery: VerifyPlan, tmp_path: Path) -> None:
    patient = replace(celery, timeouts=replace(celery.timeouts, role=40.0))
    lost = change(patient, "worker", ((BROKER.name, "redis://broker:6399/0"), ("CONNECTION_CHECK_MAX_COUNT", "0")))
    checks = verify("ml-pipeline-airflow-celery:latest", lost, tmp_path, "worker")
    assert list_failed(checks) == ["worker"]
    assert "did not answer Celery's ping" in checks["worker"].message
