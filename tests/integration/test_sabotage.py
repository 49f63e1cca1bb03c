"""Images that break one promise each: `verify` names that check, and blames no other.

One case is a whole run; the others run the check, and some that stand beside it, on a server that all share.

Each is made from the good image by one to four lines of a Dockerfile, without network, and removed afterwards. What is
broken in which image is in ``sabotage/sabotage_cases.py``; those of Airflow 3 and of Celery are long runs.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sabotage import AIRFLOW_2, AIRFLOW_3, BROKER, CELERY, DATABASE, SERVERS, Sabotage, derive, remove_user, verify
from sabotage_cases import CASES

from builder.airflow.model import Role
from builder.core.process import Command, LocalRunner
from builder.image.verify.bench import VerifyContext
from builder.image.verify.checks import STATIC_CHECKS, make_check_tasks
from builder.image.verify.environment import NO_DATABASE
from builder.image.verify.model import CheckStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proven_image import ProvenImage

FIXTURES = {AIRFLOW_2: "airflow", AIRFLOW_3: "airflow_3", CELERY: "airflow_celery"}
Migrated = Callable[["ProvenImage"], str]


def make_case_parameter(name: str) -> Any:
    """Airflow 2 is for `make test`; another image is for long runs."""
    return name if CASES[name].verified == AIRFLOW_2 else pytest.param(name, marks=pytest.mark.soak)


@pytest.fixture
def proven(request: pytest.FixtureRequest) -> ProvenImage:
    """The good image that the case is about."""
    found: ProvenImage = request.getfixturevalue(FIXTURES[CASES[request.node.callspec.params["derived"]].verified])
    return found


@pytest.fixture
def derived(
    proven: ProvenImage, request: pytest.FixtureRequest, tmp_path: Path, orphans_removed: object
) -> Iterator[tuple[str, Sabotage]]:
    """The sabotaged image."""
    case = CASES[request.param]
    servers = {DATABASE: proven.plan.database, BROKER: str(proven.plan.broker)}
    good, user = (servers[case.base], "0") if case.base in SERVERS else (proven.reference, "50000")
    with derive(good, user, case.dockerfile, tmp_path) as reference:
        yield reference, case


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that the good image's layers are read once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def migrated(cache: Path, server: Any) -> Migrated:
    """Gives a database that the good image's init migrated, for all cases that do not need an empty one."""
    urls: dict[str, str] = {}

    def migrate(proven: ProvenImage) -> str:
        if proven.reference not in urls:
            url: str = server.database(f"sabotage-{uuid.uuid4().hex[:8]}")
            report = verify(proven.reference, proven.plan, cache, "migrations", url=url)
            assert report.passed, report.checks
            urls[proven.reference] = url
        return urls[proven.reference]

    return migrate


def find_database_url(case: Sabotage, proven: ProvenImage, request: pytest.FixtureRequest) -> str:
    """Empty: none is needed, or a server in a container of the verification's own. Whole runs have one, as a person's
    do."""
    if case.fresh:
        return str(request.getfixturevalue("server").database(f"fresh-{uuid.uuid4().hex[:8]}"))
    if not case.only or case.base == DATABASE or set(case.only) <= STATIC_CHECKS:
        return ""
    migrate: Migrated = request.getfixturevalue("migrated")
    return migrate(proven)


@pytest.mark.parametrize("derived", [make_case_parameter(name) for name in sorted(CASES)], indirect=True)
def test_the_broken_promise_is_named_and_no_other(
    derived: tuple[str, Sabotage], proven: ProvenImage, cache: Path, request: pytest.FixtureRequest
) -> None:
    reference, case = derived
    subject = proven.reference if case.base in SERVERS else reference
    plan = case.change_plan(proven.plan, reference)
    report = verify(subject, plan, cache, *case.only, url=find_database_url(case, proven, request))
    failed = {check.name: check for check in report.checks if check.status is CheckStatus.FAILED}
    assert not report.passed
    assert list(failed) == [case.check], report.checks
    assert case.words in failed[case.check].message + failed[case.check].log


CERTIFICATE = """RUN python - <<'EOF' && chown 50000 /key.pem
from datetime import datetime, timedelta
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization as to
from cryptography.hazmat.primitives.asymmetric import rsa
key, day = rsa.generate_private_key(65537, 2048), datetime(2020, 1, 1)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "data.example")])
unsigned = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + timedelta(36500))
made = unsigned.sign(key, hashes.SHA256())
open("/cert.pem", "wb").write(made.public_bytes(to.Encoding.PEM))
open("/key.pem", "wb").write(key.private_bytes(to.Encoding.PEM, to.PrivateFormat.PKCS8, to.NoEncryption()))
EOF"""
ELSEWHERE = (
    CERTIFICATE,
    "RUN printf '[webserver]\\nbase_url = https://data.example/data/airflow\\n' >/opt/airflow/airflow.cfg",
    "ENV AIRFLOW__WEBSERVER__COOKIE_SECURE=True",
    "ENV AIRFLOW__WEBSERVER__WEB_SERVER_SSL_CERT=/cert.pem AIRFLOW__WEBSERVER__WEB_SERVER_SSL_KEY=/key.pem",
    "ENV http_proxy=http://proxy.example:3128 https_proxy=http://proxy.example:3128",
)
"""Nothing in it is broken: a path from airflow.cfg, TLS, and the proxy of a company."""


def test_an_image_whose_settings_move_its_web_server_passes(
    airflow: ProvenImage, migrated: Migrated, tmp_path: Path, orphans_removed: object
) -> None:
    with derive(airflow.reference, "50000", ELSEWHERE, tmp_path) as reference:
        checks = ("webserver", "login", "read-only", "dag")
        report = verify(reference, airflow.plan, tmp_path, *checks, url=migrated(airflow))
    assert report.passed, report.checks
    said = {check.name: check.message for check in report.checks}
    assert said["webserver"].startswith("port 8080/data/airflow/health: metadatabase is healthy, scheduler is healthy")
    assert said["login"].startswith("/data/airflow/login/ and /data/airflow/home: ")
    assert "port 8080/data/airflow/health" in said["read-only"]


UP = "http://webserver:8080/health"
QUIET = (
    Role("stays", ("bash", "-c", "exec sleep infinity"), None),
    Role("ends-later", ("bash", "-c", f"until curl -sf {UP}; do sleep 0.2; done; exit 3"), None),
)


def test_a_role_without_a_health_check_is_watched_until_all_are_stopped(
    airflow: ProvenImage, cache: Path, migrated: Migrated
) -> None:
    """One of them ends when the web server is up, before anything is stopped. That is after more than the five seconds
    that each is watched at the least, unless a busy machine starts it when the server is up already."""
    asked = replace(airflow.plan, roles=(*map(remove_user, airflow.plan.roles), *QUIET))
    checks_run = ("stop", "webserver", "stays", "ends-later")
    report = verify(airflow.reference, asked, cache, *checks_run, url=migrated(airflow))
    checks = {check.name: check for check in report.checks}
    assert [name for name, check in checks.items() if check.status is not CheckStatus.PASSED] == ["ends-later"]
    said = re.fullmatch(r"ends-later ended by itself after \d+ s with exit code 3", checks["ends-later"].message)
    assert said is not None, checks["ends-later"]
    assert "stays 143 in" in checks["stop"].message
    assert "ends-later" not in checks["stop"].message


def list_checks(proven: ProvenImage) -> set[str]:
    nothing: Any = None
    made = VerifyContext(proven.plan, {}, nothing, nothing, NO_DATABASE, {}, nothing, "x")
    return {task.name for task in make_check_tasks(made)}


def list_sabotaged_checks(*images: str) -> set[str]:
    return {case.check for case in CASES.values() if case.verified in images}


def test_every_check_has_a_sabotage_that_only_it_catches(airflow: ProvenImage) -> None:
    assert list_sabotaged_checks(AIRFLOW_2) == list_checks(airflow)


@pytest.mark.soak
def test_so_has_every_check_of_airflow_3_and_of_celery(airflow_3: ProvenImage, airflow_celery: ProvenImage) -> None:
    """Those of Celery's image that the one of Airflow 2 has too are the same checks of the same Airflow."""
    in_2 = list_sabotaged_checks(AIRFLOW_2)
    assert list_checks(airflow_3) - list_sabotaged_checks(AIRFLOW_3) == {"database"}, "a server's, not the image's"
    assert list_checks(airflow_celery) - list_sabotaged_checks(CELERY) <= in_2
    assert list_checks(airflow_celery) - in_2 <= list_sabotaged_checks(CELERY)


def test_one_case_is_a_whole_run_and_the_others_take_less() -> None:
    assert [name for name, case in CASES.items() if not case.only] == ["no-psycopg2"]


def test_sabotaged_images_of_a_killed_run_are_removed(
    postgres_image: str, tmp_path: Path, orphans_removed: Callable[[], None]
) -> None:
    gone = LocalRunner().run(Command(("sh", "-c", "echo $$"))).out.strip()
    (tmp_path / "Dockerfile").write_text(f"FROM {postgres_image}\n")
    names = {owner: f"optbuild-sabotaged-postgres:{uuid.uuid4().hex[:12]}" for owner in (gone, str(os.getpid()))}
    try:
        for owner, name in names.items():
            words = ("docker", "build", "--quiet", f"--label=optbuild.test={owner}-x", "--tag", name, str(tmp_path))
            assert LocalRunner().run(Command(words, timeout=120)).ok
        orphans_removed()
        listing = ("docker", "images", "--format={{.Repository}}:{{.Tag}}", "optbuild-sabotaged-postgres")
        left = LocalRunner().run(Command(listing, timeout=60)).out.split()
        assert [name in left for name in names.values()] == [False, True]
    finally:
        LocalRunner().run(Command(("docker", "rmi", "--force", *names.values()), timeout=60))
