"""Images that break one promise each: `verify` names that check, and blames no other.

Each is made from the good image by one to four lines of a Dockerfile, without network, and removed afterwards.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from builder.process import Command, LocalRunner
from builder.progress import SilentProgress
from builder.verify.model import Report, Status
from builder.verify.plan import Timeouts, VerifyPlan, plan_for
from builder.verify.run import verify_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.cli.project import Project

SITE = "/home/airflow/.local/lib/python3.11/site-packages"
QUICK = Timeouts(role=60.0, dag=60.0)
"""A role that will never come up is waited for this long; the good image's take a third of it."""
AS_ENTRYPOINT = (
    "RUN mv /entrypoint /entrypoint.good && printf '%s\\n' '#!/bin/bash' {lines} >/entrypoint && chmod 755 /entrypoint"
)


def entrypoint(*lines: str) -> str:
    """A script in the entrypoint's place; the good one is /entrypoint.good."""
    return AS_ENTRYPOINT.format(lines=" ".join(f"'{line}'" for line in lines))


@dataclass(frozen=True)
class Sabotage:
    """``dockerfile`` follows FROM and USER 0. ``only``: the checks to run besides what they need; empty: all."""

    check: str
    dockerfile: tuple[str, ...]
    words: str
    only: tuple[str, ...] = ()
    patience: float = 60.0
    """Seconds for a role to come up; the good image's take a third of it."""


GOOD = 'exec /entrypoint.good "$@"'
STATIC = ("version", "configuration", "folders", "user")
CASES = {
    "no-psycopg2": Sabotage(
        "imports",
        (f"RUN rm -rf {SITE}/psycopg2",),
        "psycopg2-binary: import psycopg2",
    ),
    "requirement-missing": Sabotage(
        "dependencies",
        (f"RUN rm -rf {SITE}/seaborn {SITE}/seaborn-*.dist-info",),
        "the spec needs seaborn==0.12.2: not installed",
    ),
    "wrong-airflow-version": Sabotage(
        "version",
        (
            (
                f"RUN sed -i 's/^__version__ = .*/__version__ = \"2.8.0\"/' {SITE}/airflow/__init__.py"
                f" && rm -f {SITE}/airflow/__pycache__/__init__.*"
            ),
        ),
        "says 2.8.0, expected 2.8.1",
        only=STATIC,
    ),
    "swallowed-migration": Sabotage(
        "failed-migration",
        (
            entrypoint(
                "[[ -z ${_AIRFLOW_DB_MIGRATE:-} ]] || airflow db migrate || true", "unset _AIRFLOW_DB_MIGRATE", GOOD
            ),
        ),
        "init ended with exit code 0 although the migration failed",
        only=("failed-migration", "migrations"),
    ),
    "migration-failed-and-swallowed": Sabotage(
        "migrations",
        (entrypoint("[[ -z ${_AIRFLOW_DB_MIGRATE:-} ]] || { airflow db migrate --no-such-option || exit 0; }", GOOD),),
        "`airflow db check-migrations` does not agree",
        only=("migrations", "scheduler", "dag"),
    ),
    "gcc-left-in": Sabotage(
        "contents",
        ("RUN cp /bin/true /usr/bin/gcc",),
        "a compiler or linker: /usr/bin/gcc",
        only=("contents", "configuration"),
    ),
    "secret-in-deleted-file": Sabotage(
        "contents",
        (
            "RUN printf 'machine pypi.example login me password hunter2\\n' >/root/.netrc",
            "RUN rm /root/.netrc",
        ),
        "a password of a netrc file: /root/.netrc",
        only=("contents", "configuration"),
    ),
    "entrypoint-for-50000-only": Sabotage(
        "user",
        (entrypoint("[[ $(id -u) == 50000 || $1 != python ]] || exit 1", GOOD),),
        "group 0: the container ended with exit code 1",
        only=STATIC,
    ),
    "files-for-50000-only": Sabotage(
        "user",
        ("RUN chmod 700 /home/airflow/.local/bin && chown 50000 /home/airflow/.local/bin",),
        "group 0",
        only=STATIC,
    ),
    "folder-not-group-writable": Sabotage(
        "folders",
        ("RUN chmod g-w /opt/airflow/logs",),
        "/opt/airflow/logs has mode",
        only=STATIC,
    ),
    "scheduler-dies": Sabotage(
        "scheduler",
        (entrypoint("[[ $1 != scheduler ]] || { sleep 3; exit 9; }", GOOD),),
        "scheduler ended with exit code 9",
        only=("scheduler", "dag", "migrations"),
    ),
    "webserver-on-another-port": Sabotage(
        "webserver",
        ("ENV AIRFLOW__WEBSERVER__WEB_SERVER_PORT=8081",),
        "nothing answers; the container listens on 8081 instead",
        only=("webserver", "migrations"),
        patience=40.0,
    ),
    "task-cannot-import-pandas": Sabotage(
        "dag",
        (
            "RUN mkdir /broken && echo 'raise ImportError(\"broken on purpose\")' >/broken/pandas.py",
            entrypoint("[[ $1 != scheduler ]] || export PYTHONPATH=/broken", GOOD),
        ),
        "broken on purpose",
        only=("imports", "dependencies", "scheduler", "dag"),
    ),
    "ignores-sigterm": Sabotage(
        "stop",
        (
            entrypoint("trap : TERM", '/entrypoint.good "$@" &', "while kill -0 $! 2>/dev/null; do wait $!; done"),
            'ENTRYPOINT ["/entrypoint"]',
        ),
        "scheduler still runs 15 s after SIGTERM",
        only=("scheduler", "stop"),
    ),
}


@pytest.fixture
def derived(image: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Sabotage]]:
    """The sabotaged image; only its own tag and layers are removed, never the good one."""
    case = CASES[request.param]
    reference = f"optbuild-sabotage:{uuid.uuid4().hex[:12]}"
    (tmp_path / "Dockerfile").write_text("\n".join((f"FROM {image}", "USER 0", *case.dockerfile, "USER 50000")) + "\n")
    command = ("docker", "build", "--quiet", "--network=none", "--tag", reference, str(tmp_path))
    built = LocalRunner().run(Command(command, timeout=300))
    assert built.ok, built.err
    yield reference, case
    LocalRunner().run(Command(("docker", "rmi", reference), timeout=120))


@pytest.fixture(scope="session")
def plan(project: Project, postgres_image: str) -> VerifyPlan:
    """The good image's plan, a little less patient."""
    return replace(plan_for(project.spec, project.lock, project.roles), database=postgres_image, timeouts=QUICK)


def verify(reference: str, plan: VerifyPlan, cache: Path, *only: str) -> Report:
    env = {name: value for name, value in os.environ.items() if name != "OPTBUILD_DATABASE_URL"}
    return verify_image(
        reference,
        plan,
        env=env,
        runner=LocalRunner(),
        progress=SilentProgress(),
        cache_folder=cache,
        state_folder=cache,
        only=only,
    )


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that the good image's layers are read once."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("derived", sorted(CASES), indirect=True)
def test_the_broken_promise_is_named_and_no_other(derived: tuple[str, Sabotage], plan: VerifyPlan, cache: Path) -> None:
    reference, case = derived
    patient = replace(plan, timeouts=replace(plan.timeouts, role=case.patience))
    report = verify(reference, patient, cache, *case.only)
    failed = {check.name: check for check in report.checks if check.status is Status.FAILED}
    assert not report.passed
    assert list(failed) == [case.check], report.checks
    assert case.words in failed[case.check].message + failed[case.check].log


def test_every_check_has_a_sabotage_that_only_it_catches() -> None:
    assert {case.check for case in CASES.values()} >= {
        "contents", "dag", "dependencies", "failed-migration", "folders", "imports", "migrations", "scheduler", "stop",
        "user", "version", "webserver",
    }  # fmt: skip
