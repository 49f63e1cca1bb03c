"""Images that break one promise each: `verify` names that check, and blames no other.

One case is a whole run; the others run the check, and some that stand beside it, on a server that all share.

Each is made from the good image by one to four lines of a Dockerfile, without network, and removed afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from runtime_factory import make_runtime

from builder.airflow.model import Role
from builder.core.process import Command, LocalRunner
from builder.image.verify.bench import VerifyContext
from builder.image.verify.checks import make_check_tasks
from builder.image.verify.environment import NO_DATABASE
from builder.image.verify.model import CheckStatus, VerifyReport
from builder.image.verify.plan import VerifyPlan, make_plan_from_spec
from builder.image.verify.run import verify_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from builder.operations.project import ImageProject

SITE = "/home/airflow/.local/lib/python3.11/site-packages"
SET_CAPABILITY = (  # setcap is not in the image; the bytes are those of cap_net_raw+p (linux/capability.h)
    'python -c \'import os; data = bytes.fromhex("0100000200200000" + "0" * 24); '
    'os.setxattr("/bin/raised", "security.capability", data)\''
)
GOOD = 'exec /entrypoint.good "$@"'
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
    roles: tuple[str, ...] = ("init", "webserver", "scheduler")
    """Those of the plan. Without init the others start on the database that all cases share, migrated already."""
    fresh: bool = False
    """Needs an empty database."""
    base: str = "image"
    """What is sabotaged: the good image, or the "database" image."""


INSIDE = ("imports", "dependencies", "providers", "bytecode", "system", "tls", "user")
STATIC = ("version", "configuration", "folders", "user")
LOGIN = ("login", "webserver")
WITH_USER = ("init", "webserver")
CASES = {
    "no-psycopg2": Sabotage(
        "imports",
        (f"RUN rm -rf {SITE}/psycopg2",),
        "psycopg2-binary: import psycopg2",
    ),
    "operator-missing": Sabotage(
        "providers",
        (f"RUN rm {SITE}/airflow/operators/bash.py {SITE}/airflow/operators/__pycache__/bash.*",),
        "Airflow: airflow.operators.bash: ModuleNotFoundError",
        only=INSIDE,
    ),
    "provider-broken": Sabotage(
        "providers",
        (
            (
                f"RUN echo 'raise OSError(\"broken on purpose\")' >{SITE}/airflow/providers/http/operators/http.py"
                f" && rm {SITE}/airflow/providers/http/operators/__pycache__/http.*"
            ),
        ),
        "apache-airflow-providers-http: airflow.providers.http.operators.http: OSError: broken on purpose",
        only=INSIDE,
    ),
    "provider-ends-python": Sabotage(
        "providers",
        (
            (
                f"RUN printf 'import os\\nos.kill(os.getpid(), 11)\\n' >{SITE}/airflow/providers/ftp/sensors/ftp.py"
                f" && rm {SITE}/airflow/providers/ftp/sensors/__pycache__/ftp.*"
            ),
        ),
        "importing airflow.providers.ftp.sensors.ftp ended Python with signal 11",
        only=INSIDE,
    ),
    "script-without-interpreter": Sabotage(
        "providers",
        ("RUN sed -i '1s|.*|#!/opt/gone/python|' /home/airflow/.local/bin/alembic",),
        "/home/airflow/.local/bin/alembic: its interpreter /opt/gone/python is not there",
        only=INSIDE,
    ),
    "source-patched-beside-its-bytecode": Sabotage(
        "bytecode",
        (f"RUN echo '# patched' >>{SITE}/airflow/utils/dates.py",),
        f"{SITE}/airflow/utils/dates.py is not what runs",
        only=INSIDE,
    ),
    "no-time-zones": Sabotage(
        "system",
        ("RUN rm -rf /usr/share/zoneinfo",),
        "TZ=Europe/Berlin means UTC",
        only=INSIDE,
    ),
    "locale-not-installed": Sabotage(
        "system",
        ("ENV LC_ALL=de_DE.UTF-8",),
        "the locale that the environment names is not installed: LC_ALL=de_DE.UTF-8",
        only=INSIDE,
    ),
    "no-certificate-authorities": Sabotage(
        "tls",
        ("RUN rm -rf /etc/ssl/certs /usr/share/ca-certificates",),
        "Python knows no certificate authority",
        only=INSIDE,
    ),
    "no-authorities-for-requests": Sabotage(
        "tls",
        (f"RUN rm {SITE}/certifi/cacert.pem",),
        "certifi names",
        only=INSIDE,
    ),
    "certificates-are-not-verified": Sabotage(
        "tls",
        (
            (
                "RUN echo 'import ssl; ssl._create_default_https_context = ssl._create_unverified_context'"
                f" >{SITE}/unverified.pth"
            ),
        ),
        "urllib trusts a server that no authority vouches for",
        only=INSIDE,
    ),
    "another-version-on-the-label": Sabotage(
        "configuration",
        ("LABEL org.apache.airflow.version=2.8.0",),
        "label org.apache.airflow.version is 2.8.0, expected 2.8.1",
        only=("configuration", "version", "folders"),
    ),
    "database-dies": Sabotage(
        "database",
        ('ENTRYPOINT ["/bin/sh", "-c", "exit 6"]',),
        "ended with exit code 6",
        only=("database", "init"),
        base="database",
    ),
    "init-fails": Sabotage(
        "init",
        (entrypoint("[[ $1 != version ]] || exit 4", GOOD),),
        "init ended with exit code 4",
        only=("init",),
    ),
    "requirement-missing": Sabotage(
        "dependencies",
        (f"RUN rm -rf {SITE}/seaborn {SITE}/seaborn-*.dist-info",),
        "the spec needs seaborn==0.12.2: not installed",
        only=("dependencies", "imports", "version", "folders"),
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
        only=("failed-migration", "configuration"),
    ),
    "migration-failed-and-swallowed": Sabotage(
        "migrations",
        (entrypoint("[[ -z ${_AIRFLOW_DB_MIGRATE:-} ]] || { airflow db migrate --no-such-option || exit 0; }", GOOD),),
        "`airflow db check-migrations` does not agree",
        only=("migrations", "scheduler", "dag"),
        fresh=True,
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
    "setuid-shell": Sabotage(
        "privileges",
        ("RUN chmod u+s /bin/bash",),
        "a setuid file: /usr/bin/bash",
        only=("privileges", "contents", "credentials", "configuration"),
    ),
    "writable-by-everybody": Sabotage(
        "privileges",
        ("RUN chmod o+w /home/airflow/.local/bin/airflow",),
        "a file that every user may write: /home/airflow/.local/bin/airflow",
        only=("privileges", "contents"),
    ),
    "program-with-capabilities": Sabotage(
        "privileges",
        (f"RUN cp /bin/true /bin/raised && {SET_CAPABILITY}",),
        "a file with capabilities: /usr/bin/raised",
        only=("privileges", "contents"),
    ),
    "connection-in-the-environment": Sabotage(
        "credentials",
        ("ENV AIRFLOW_CONN_WAREHOUSE=postgresql://reporting:r3alpw@warehouse.example/dwh",),
        "the environment variable AIRFLOW_CONN_WAREHOUSE holds a password",
        only=("privileges", "contents", "credentials", "configuration"),
    ),
    "token-as-build-argument": Sabotage(
        "credentials",
        ("ARG INDEX_TOKEN=r3alpw", "RUN true"),
        "holds the value of INDEX_TOKEN",
        only=("contents", "credentials"),
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
        roles=("scheduler",),
    ),
    "webserver-on-another-port": Sabotage(
        "webserver",
        (entrypoint("[[ $1 != webserver ]] || export AIRFLOW__WEBSERVER__WEB_SERVER_PORT=8081", GOOD),),
        "nothing answers; the container listens on 8081 instead",
        only=("webserver", "migrations"),
        roles=("webserver",),
    ),
    "port-moved-by-a-variable": Sabotage(
        "configuration",
        ("ENV AIRFLOW__WEBSERVER__WEB_SERVER_PORT=8081",),
        "its variables move the webserver to port 8081, expected 8080",
        only=("configuration", "webserver"),
        roles=("webserver",),
    ),
    "no-dumb-init": Sabotage(
        "configuration",
        ('ENTRYPOINT ["/entrypoint"]',),
        "expected /entrypoint behind dumb-init",
        only=STATIC,
    ),
    "no-templates": Sabotage(
        "login",
        (f"RUN rm -r {SITE}/airflow/www/templates/airflow",),
        "jinja2.exceptions.TemplateNotFound",
        only=LOGIN,
        roles=WITH_USER,
    ),
    "one-style-sheet-missing": Sabotage(
        "login",
        (f"RUN rm {SITE}/airflow/www/static/dist/main.*.css",),
        ".css: HTTP status 404",
        only=LOGIN,
        roles=WITH_USER,
    ),
    "no-static-files": Sabotage(
        "login",
        (f"RUN rm -r {SITE}/airflow/www/static/dist",),
        "HTTP status",
        only=LOGIN,
        roles=WITH_USER,
    ),
    "writes-beside-itself": Sabotage(
        "read-only",
        (entrypoint("echo started >/opt/airflow/started || exit 3", GOOD),),
        "the webserver does not work on a read-only file system",
        only=("read-only", "webserver"),
        roles=("webserver",),
    ),
    "task-cannot-import-pandas": Sabotage(
        "dag",
        (
            "RUN mkdir /broken && echo 'raise ImportError(\"broken on purpose\")' >/broken/pandas.py",
            entrypoint("[[ $1 != scheduler ]] || export PYTHONPATH=/broken", GOOD),
        ),
        "broken on purpose",
        only=("imports", "dependencies", "scheduler", "dag"),
        roles=("scheduler",),
    ),
    "init-ignores-sigterm": Sabotage(
        "stop",
        (entrypoint('[[ $1 != version ]] || trap "" TERM', GOOD),),
        "init still runs 15 s after SIGTERM",
        only=("stop",),
    ),
    "init-says-0-to-sigterm": Sabotage(
        "stop",
        (
            entrypoint(
                '[[ $1 == version ]] || exec /entrypoint.good "$@"', "trap : TERM", '/entrypoint.good "$@" || exit 0'
            ),
        ),
        "init ended with exit code 0, not 143",
        only=("stop",),
    ),
    "webserver-dies-later": Sabotage(
        "stop",
        (
            entrypoint(
                "[[ $1 != version ]] || sleep 6",  # the init that is stopped: until then the webserver is dead for sure
                '[[ $1 == webserver ]] || exec /entrypoint.good "$@"',
                '/entrypoint.good "$@" &',
                'healthy() { curl -s localhost:8080/health | tr -d "[:space:]" | grep -q "scheduler.*:.healthy"; }',
                "until healthy; do sleep 0.5; done",
                "sleep 3; exit 7",
            ),
        ),
        "webserver had ended by itself with exit code 7 before SIGTERM",
        only=("webserver", "scheduler", "stop"),
    ),
    "ignores-sigterm": Sabotage(
        "stop",
        (
            entrypoint("trap : TERM", '/entrypoint.good "$@" &', "while kill -0 $! 2>/dev/null; do wait $!; done"),
            'ENTRYPOINT ["/entrypoint"]',
        ),
        "scheduler still runs 15 s after SIGTERM",
        only=("scheduler", "stop"),
        roles=("scheduler",),
    ),
}


@contextlib.contextmanager
def derive(good: str, user: str, lines: tuple[str, ...], folder: Path) -> Iterator[str]:
    """An image made of the good one; only its own tag and layers are removed, never the good one."""
    reference = f"optbuild-sabotaged-postgres:{uuid.uuid4().hex[:12]}"
    (folder / "Dockerfile").write_text("\n".join((f"FROM {good}", "USER 0", *lines, f"USER {user}")) + "\n")
    label = f"--label=optbuild.test={os.getpid()}-{uuid.uuid4().hex}"
    command = ("docker", "build", "--quiet", "--network=none", label, "--tag", reference, str(folder))
    built = LocalRunner().run(Command(command, timeout=300))
    assert built.ok, built.err
    yield reference
    LocalRunner().run(Command(("docker", "rmi", reference), timeout=120))


@pytest.fixture
def derived(
    image: str, postgres_image: str, request: pytest.FixtureRequest, tmp_path: Path, orphans_removed: object
) -> Iterator[tuple[str, Sabotage]]:
    """The sabotaged image."""
    case = CASES[request.param]
    good, user = {"image": (image, "50000"), "database": (postgres_image, "0")}[case.base]
    with derive(good, user, case.dockerfile, tmp_path) as reference:
        yield reference, case


@pytest.fixture(scope="session")
def plan(project: ImageProject, postgres_image: str) -> VerifyPlan:
    """The good image's plan, as patient as ever: no case waits for its end, and the machine may be busy."""
    return replace(make_plan_from_spec(project.spec, project.lock, project.roles), database=postgres_image)


def without_user(role: Role) -> Role:
    """The role that makes no user: five seconds of each case."""
    return replace(role, environment=tuple(pair for pair in role.environment if "_WWW_USER_" not in pair[0]))


def verify(reference: str, plan: VerifyPlan, cache: Path, *only: str, url: str = "") -> VerifyReport:
    env = {name: value for name, value in os.environ.items() if name != "OPTBUILD_DATABASE_URL"}
    env |= {"XDG_CACHE_HOME": str(cache), "XDG_STATE_HOME": str(cache)}
    env |= {"OPTBUILD_DATABASE_URL": url} if url else {}
    return verify_image(make_runtime(cache, env, runner=LocalRunner()), reference, plan, only=only)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that the good image's layers are read once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def migrated(image: str, plan: VerifyPlan, cache: Path, server: Any) -> str:
    """A database that the good image's init migrated, for all cases that do not need an empty one."""
    url: str = server.database(f"sabotage-{uuid.uuid4().hex[:8]}")
    report = verify(image, plan, cache, "migrations", url=url)
    assert report.passed, report.checks
    return url


def database_url(case: Sabotage, request: pytest.FixtureRequest) -> str:
    """Empty: a server in a container of the verification's own. Whole runs have one, as a person's do."""
    if case.fresh:
        return str(request.getfixturevalue("server").database(f"fresh-{uuid.uuid4().hex[:8]}"))
    return str(request.getfixturevalue("migrated")) if case.only and case.base == "image" else ""


@pytest.mark.parametrize("derived", sorted(CASES), indirect=True)
def test_the_broken_promise_is_named_and_no_other(
    derived: tuple[str, Sabotage], image: str, plan: VerifyPlan, cache: Path, request: pytest.FixtureRequest
) -> None:
    reference, case = derived
    is_plain = bool(case.only) and "login" not in case.only
    roles = tuple(without_user(role) if is_plain else role for role in plan.roles if role.name in case.roles)
    asked = replace(plan, roles=roles, database=reference if case.base == "database" else plan.database)
    subject = image if case.base == "database" else reference
    report = verify(subject, asked, cache, *case.only, url=database_url(case, request))
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
    image: str, plan: VerifyPlan, migrated: str, tmp_path: Path, orphans_removed: object
) -> None:
    with derive(image, "50000", ELSEWHERE, tmp_path) as reference:
        report = verify(reference, plan, tmp_path, "webserver", "login", "read-only", "dag", url=migrated)
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
    image: str, plan: VerifyPlan, cache: Path, migrated: str
) -> None:
    """One of them ends when the web server is up: long after five seconds, and before anything is stopped."""
    asked = replace(plan, roles=(*(without_user(role) for role in plan.roles), *QUIET))
    report = verify(image, asked, cache, "stop", "webserver", "stays", "ends-later", url=migrated)
    checks = {check.name: check for check in report.checks}
    assert [name for name, check in checks.items() if check.status is not CheckStatus.PASSED] == ["ends-later"]
    found = re.fullmatch(r"ends-later ended by itself after (\d+) s with exit code 3", checks["ends-later"].message)
    assert found is not None, checks["ends-later"]
    assert int(found[1]) >= 5
    assert "stays 143 in" in checks["stop"].message
    assert "ends-later" not in checks["stop"].message


def test_every_check_has_a_sabotage_that_only_it_catches(plan: VerifyPlan) -> None:
    nothing: Any = None
    checks = {
        task.name for task in make_check_tasks(VerifyContext(plan, {}, nothing, nothing, NO_DATABASE, {}, nothing, "x"))
    }
    assert {case.check for case in CASES.values()} == checks


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
