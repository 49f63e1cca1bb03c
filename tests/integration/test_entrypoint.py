"""What the entrypoint does before the command: waits, migration, user creation; and how everything ends on a signal.

Containers have no network: those that must meet share one network namespace, so that a server is at 127.0.0.1 for all.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.core.process import Command, LocalRunner, ProcessResult
from builder.image.verify.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOTFS = Path(__file__).parents[2] / "templates" / "rootfs"
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
NO_FOLDER = "sqlite:////nowhere/airflow.db"
ONE_TRY = {"CONNECTION_CHECK_MAX_COUNT": "1"}
SECRET = secrets.token_hex(8)


def docker(*words: str, seconds: float = 120) -> ProcessResult:
    return LocalRunner().run(Command(("docker", *words), timeout=seconds))


def docker_ok(*words: str) -> str:
    done = docker(*words)
    assert done.code == 0, done.err
    return done.out.strip()


def flags(env: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"--env={name}={value}" for name, value in env.items())


@dataclass(frozen=True)
class Place:
    """A container that only holds a network namespace and files, until the test is over."""

    image: str
    id: str
    label: str
    """On it and on everything that was started in it."""

    def start(self, *words: str, env: dict[str, str] | None = None, options: tuple[str, ...] = ()) -> ProcessResult:
        """Another container of the image, to its end."""
        return docker(*self._run("--rm"), *flags(env or {}), *options, self.image, *words)

    def launch(self, *words: str, env: dict[str, str] | None = None, options: tuple[str, ...] = ()) -> str:
        """Another container of the image in the background: its ID."""
        return docker_ok(*self._run("--detach"), *flags(env or {}), *options, self.image, *words)

    def execute(self, *words: str, env: dict[str, str] | None = None, detach: bool = False) -> ProcessResult:
        """One more process in this container, without the entrypoint unless the words name it."""
        return docker("exec", *(("--detach",) if detach else ()), *flags(env or {}), self.id, *words)

    def _run(self, how: str) -> tuple[str, ...]:
        return ("run", how, f"--label={self.label}", f"--network=container:{self.id}")

    def close(self) -> None:
        left = docker("ps", "--all", "--quiet", f"--filter=label={self.label}").out.split()
        docker("rm", "--force", "--volumes", *left)


@contextmanager
def opened(image: str) -> Iterator[Place]:
    label = f"optbuild.test={os.getpid()}-{uuid.uuid4().hex}"
    words = ("run", "--detach", f"--label={label}", "--network=none", image, "bash", "-c", "exec sleep infinity")
    place = Place(image, docker_ok(*words), label)
    try:
        yield place
    finally:
        place.close()


@pytest.fixture(scope="module", autouse=True)
def _sweep(orphans_removed: object) -> None:
    """Before the first container of this file."""


@pytest.fixture(scope="module")
def place(image: str) -> Iterator[Place]:
    """For tests that leave nothing behind."""
    with opened(image) as made:
        yield made


@pytest.fixture
def home(image: str) -> Iterator[Place]:
    """With an AIRFLOW_HOME, and thus a sqlite database, of the test's own."""
    with opened(image) as made:
        yield made


def serve(place: Place, postgres_image: str) -> str:
    """A PostgreSQL server at 127.0.0.1:5432 of the place: its container."""
    env = {"POSTGRES_USER": "airflow", "POSTGRES_DB": "airflow", "POSTGRES_PASSWORD": SECRET}
    network = f"--network=container:{place.id}"
    data = "--tmpfs=/var/lib/postgresql/data"
    words = ("run", "--detach", f"--label={place.label}", network, data, *flags(env), postgres_image)
    return docker_ok(*words, "postgres", "-c", "fsync=off")


def url(password: str = SECRET, port: int = 5432, scheme: str = "postgresql+psycopg2") -> str:
    return f"{scheme}://airflow:{password}@127.0.0.1:{port}/airflow"


@pytest.fixture(scope="module")
def served(image: str, postgres_image: str) -> Iterator[Place]:
    """A place with a server that answers."""
    with opened(image) as here:
        serve(here, postgres_image)
        done = here.start("bash", "-c", "true", env={DATABASE: url(), "CONNECTION_CHECK_SLEEP_TIME": "1"})
        assert done.code == 0, done.err
        yield here


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    limit = Deadline(seconds)  # other tests run beside this one
    while not holds():
        if limit.is_over():
            return False
        time.sleep(0.3)
    return True


def until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    assert within(seconds, holds), f"{what}: not within {seconds} s"


def test_containers_of_a_killed_run_are_removed(image: str, orphans_removed: Callable[[], None]) -> None:
    gone = LocalRunner().run(Command(("sh", "-c", "echo $$"))).out.strip()
    names = {owner: f"optbuild-test-{uuid.uuid4().hex[:10]}" for owner in (gone, str(os.getpid()))}
    try:
        for owner, name in names.items():
            docker_ok("create", f"--name={name}", f"--label=optbuild.test={owner}-x", image, "bash")
        orphans_removed()
        left = docker_ok("ps", "--all", "--format={{.Names}}").split()
        assert [name in left for name in names.values()] == [False, True]
    finally:
        docker("rm", "--force", *names.values())


# -- the script -------------------------------------------------------------------------------------------------------


def test_shellcheck_finds_nothing() -> None:
    tool = str(Path(sys.executable).with_name("shellcheck"))
    done = LocalRunner().run(Command((tool, *(str(ROOTFS / name) for name in ("entrypoint", "pip")))))
    assert (done.code, done.out) == (0, ""), done.out


@pytest.mark.alone
def test_it_costs_less_than_a_tenth_of_a_second(place: Place) -> None:
    """The best of ten: what other processes take of the machine is not the entrypoint's."""
    script = """
    best=1000000
    for _ in {1..10}; do
        started=${EPOCHREALTIME/./}; /entrypoint bash -c true; took=$((${EPOCHREALTIME/./} - started))
        ((took < best)) && best=${took}
    done
    echo "${best}"
    """
    assert int(place.execute("bash", "-c", script).out) < 100_000


# -- waits ------------------------------------------------------------------------------------------------------------


def test_it_waits_until_the_database_answers(home: Place, postgres_image: str) -> None:
    env = {DATABASE: url(), "CONNECTION_CHECK_SLEEP_TIME": "1"}
    waiting = home.launch("bash", "-c", "echo works", env=env)
    until(lambda: "try 1 of 20" in docker("logs", waiting).err, 30, "a first try")
    assert "works" not in docker("logs", waiting).out
    serve(home, postgres_image)
    assert docker_ok("wait", waiting) == "0"
    logs = docker("logs", waiting)
    assert logs.out == "works\n"
    assert logs.err.startswith(
        "entrypoint: waiting for the database at 127.0.0.1:5432, try 1 of 20: Connection refused\n"
    )
    assert SECRET not in logs.err


def test_no_tries_means_no_wait(place: Place) -> None:
    done = place.start("bash", "-c", "echo ran", env={DATABASE: url(port=1), "CONNECTION_CHECK_MAX_COUNT": "0"})
    assert (done.code, done.out, done.err) == (0, "ran\n", "")


def test_a_port_that_is_open_is_not_yet_a_database(place: Place) -> None:
    """As a proxy in front of a server that is still starting."""
    server = "import socket\ns = socket.create_server(('127.0.0.1', 4001))\nwhile True:\n    s.accept()[0].close()"
    place.execute("python", "-c", server, detach=True)
    dial = "import socket; socket.create_connection(('127.0.0.1', 4001))"
    until(lambda: place.execute("python", "-c", dial).code == 0, 20, "the listener")
    done = place.start("bash", "-c", "true", env={DATABASE: url(port=4001), **ONE_TRY})
    assert done.code == 1
    assert "server closed the connection" in done.err


def test_the_second_of_several_hosts_is_enough(served: Place) -> None:
    """libpq goes on to the next."""
    hosts = f"postgresql://airflow:{SECRET}@no.invalid,127.0.0.1/airflow"
    done = served.start("bash", "-c", "echo works", env={DATABASE: hosts, **ONE_TRY})
    assert (done.code, done.out) == (0, "works\n"), done.err


def test_a_wrong_password_is_told_and_not_shown(served: Place) -> None:
    done = served.start("bash", "-c", "true", env={DATABASE: url("hush%40word"), **ONE_TRY})
    assert done.code == 1
    assert "password authentication failed" in done.err
    assert "hush" not in done.err


def test_a_driver_that_the_image_lacks_is_not_waited_for(served: Place) -> None:
    done = served.start("bash", "-c", "true", env={DATABASE: url(scheme="mysql")})
    assert done.code == 1
    assert "this image lacks its driver MySQLdb" in done.err
    assert len(done.err.splitlines()) == 1


def test_connection_arguments_of_the_user_are_applied_by_airflow(served: Place, tmp_path: Path) -> None:
    """Only Airflow can load them, so its own check asks the database."""
    tmp_path.chmod(0o755)
    env = {DATABASE: url("wrong"), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "connection.arguments", **ONE_TRY}

    def start(password: str) -> ProcessResult:
        folder = tmp_path / password
        folder.mkdir(mode=0o755)
        (folder / "connection.py").write_text(f"arguments = {{'password': '{password}'}}\n")
        return served.start("bash", "-c", "true", env=env, options=(f"--volume={folder}:/opt/airflow/config:ro",))

    with ThreadPoolExecutor() as pool:
        right, wrong = pool.map(start, (SECRET, "wrong-too"))
    assert right.code == 0, right.err
    assert "airflow db check ended with 1" in wrong.err


@dataclass(frozen=True)
class Unreachable:
    """A start that must give up; ``shown`` is what its last line begins with."""

    shown: str
    env: dict[str, str]
    config: str = ""
    """airflow.cfg."""
    words: tuple[str, ...] = ("bash", "-c", "echo ran")


CELERY = {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "AIRFLOW__CELERY__BROKER_URL": f"redis://:{SECRET}@127.0.0.1/0"}
BROKER = "the broker at 127.0.0.1:6379 could not be used (1 of 1 tries): Connection refused; check"
TRIES = {"CONNECTION_CHECK_MAX_COUNT": "2", "CONNECTION_CHECK_SLEEP_TIME": "0.5"}
UNREACHABLE = {
    "tries": Unreachable(
        "the database at 127.0.0.1:1 could not be used (2 of 2 tries): Connection refused; check",
        {DATABASE: url(port=1), **TRIES},
    ),
    "old-name": Unreachable("the database at 127.0.0.1:2 could", {"AIRFLOW__CORE__SQL_ALCHEMY_CONN": url(port=2)}),
    "command": Unreachable("the database at 127.0.0.1:3 could", {f"{DATABASE}_CMD": f"echo {url(port=3)}"}),
    "ipv6": Unreachable("the database at [::1]:4 could", {DATABASE: "postgresql://u@[::1]:4/x"}),
    "unknown-host": Unreachable("the database at no.invalid:5432 could", {DATABASE: "postgresql://u@no.invalid/x"}),
    "several-hosts": Unreachable("the database could", {DATABASE: f"postgresql://u:{SECRET}@127.0.0.1,127.0.0.2/x"}),
    "file": Unreachable("the database at 127.0.0.1:5 could", {}, f"sql_alchemy_conn = {url(port=5)}"),
    "file-command": Unreachable("the database at 127.0.0.1:6 could", {}, f"sql_alchemy_conn_cmd = echo {url(port=6)}"),
    "scheduler": Unreachable(BROKER, CELERY, words=("scheduler",)),
    "airflow-scheduler": Unreachable(BROKER, CELERY, words=("airflow", "scheduler")),
    "celery-worker": Unreachable(BROKER, CELERY, words=("celery", "worker")),
}


@pytest.fixture(scope="module")
def given_up(place: Place, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ProcessResult]:
    """All at the same time, because each lasts as long as its tries."""

    def start(name: str) -> ProcessResult:
        case, config = UNREACHABLE[name], tmp_path_factory.mktemp(name) / "airflow.cfg"
        config.write_text(f"[database]\n{case.config}\n")
        config.chmod(0o644)
        options = (f"--volume={config}:/opt/airflow/airflow.cfg",) if case.config else ()
        return place.start(*case.words, env={**ONE_TRY, **case.env}, options=options)

    with ThreadPoolExecutor(len(UNREACHABLE)) as pool:
        return dict(zip(UNREACHABLE, pool.map(start, UNREACHABLE), strict=True))


@pytest.mark.parametrize("name", UNREACHABLE)
def test_it_gives_up_after_the_tries_and_says_what_to_check(given_up: dict[str, ProcessResult], name: str) -> None:
    """Wherever the address comes from."""
    done, case = given_up[name], UNREACHABLE[name]
    lines = done.err.splitlines()
    assert (done.code, done.out) == (1, "")
    assert lines[-1].startswith(f"entrypoint: error: {case.shown}")
    assert lines[-1].endswith("AIRFLOW__CELERY__BROKER_URL" if "broker" in case.shown else DATABASE)
    assert len(lines) == int({**ONE_TRY, **case.env}["CONNECTION_CHECK_MAX_COUNT"])
    assert SECRET not in done.err


@pytest.mark.parametrize(
    ("executor", "words"),
    [("CeleryExecutor", ("webserver", "--help")), ("LocalExecutor", ("scheduler", "--help"))],
)
def test_who_needs_no_broker_waits_for_none(place: Place, executor: str, words: tuple[str, ...]) -> None:
    env = {"AIRFLOW__CORE__EXECUTOR": executor, "AIRFLOW__CELERY__BROKER_URL": "redis://127.0.0.1/0"}
    assert place.start(*words, env=env).code == 0


FAKE_AIRFLOW = """#!/bin/bash
echo "airflow $*"
"""
"""What another version of Airflow would do is not the question here: only what the entrypoint does before."""


def make_fake_airflow(folder: Path) -> Path:
    fake = folder / "airflow"
    fake.write_text(FAKE_AIRFLOW)
    fake.chmod(0o755)
    return fake


def start_version(place: Place, folder: Path, version: str, *words: str, **env: str) -> ProcessResult:
    """The entrypoint as it stands beside Airflow ``version``, with a database that nobody answers for."""
    mount = f"--volume={make_fake_airflow(folder)}:/home/airflow/.local/bin/airflow:ro"
    return place.start(
        *words, env={"AIRFLOW_VERSION": version, DATABASE: url(port=1), **ONE_TRY, **env}, options=(mount,)
    )


@pytest.mark.parametrize(
    ("version", "words", "waits"),
    [
        ("3.3.2", ("scheduler",), True),
        ("3.3.2", ("airflow", "dag-processor", "--verbose"), True),
        ("3.3.2", ("bash", "-c", "true && exec airflow api-server"), True),
        ("3.3.2", ("version",), False),
        ("3.3.2", ("bash", "-c", "echo scheduler"), False),
        ("3.3.2", ("celery", "worker"), False),
        ("3.2.2", ("version",), True),
        ("2.11.2", ("celery", "worker"), True),
    ],
)
def test_which_commands_wait_for_the_database(
    place: Place, tmp_path: Path, version: str, words: tuple[str, ...], waits: bool
) -> None:
    done = start_version(place, tmp_path, version, *words)
    assert (done.code, "could not be used" in done.err) == ((1, True) if waits else (0, False)), done.err


def test_without_words_a_migration_of_airflow_3_is_all(place: Place, tmp_path: Path) -> None:
    env = {"CONNECTION_CHECK_MAX_COUNT": "0", "_AIRFLOW_DB_MIGRATE": "true"}
    done = start_version(place, tmp_path, "3.0.1", **env)
    assert (done.code, done.out) == (0, "airflow db migrate\n")
    assert start_version(place, tmp_path, "2.11.2", **env).out == "airflow db migrate\nairflow \n"


LOGS = "/opt/airflow/logs; the root file system is read-only: mount a tmpfs or a volume there"
HOME = "/opt/airflow; the root file system is read-only: set {}, with a tmpfs at /tmp"
LOGS_MOUNTED = ("--tmpfs=/opt/airflow/logs",)
WEBSERVER_FILES = ("AIRFLOW_CONFIG=/tmp/airflow.cfg", "AIRFLOW__WEBSERVER__CONFIG_FILE=/tmp/webserver_config.py")
PASSWORDS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=/tmp/passwords.json"


@pytest.mark.parametrize(
    ("words", "options", "told"),
    [
        (("bash", "-c", "true"), (), (HOME.format(WEBSERVER_FILES[0]), LOGS)),
        (("version",), (*LOGS_MOUNTED, f"--env={WEBSERVER_FILES[0]}"), ()),
        (
            ("airflow", "webserver"),
            LOGS_MOUNTED,
            (HOME.format(", ".join((*WEBSERVER_FILES, "webserver --pid /tmp/webserver.pid"))),),
        ),
        (("webserver", "--pid", "/x"), (*LOGS_MOUNTED, *(f"--env={one}" for one in WEBSERVER_FILES)), ()),
        (("api-server",), (*LOGS_MOUNTED, f"--env={WEBSERVER_FILES[0]}"), (HOME.format(PASSWORDS),)),
        (
            ("api-server",),
            (*LOGS_MOUNTED, f"--env={WEBSERVER_FILES[0]}", "--env=AIRFLOW__CORE__AUTH_MANAGER=x.Fab"),
            (),
        ),
    ],
)
def test_a_read_only_start_gets_the_remedy_that_fits(
    place: Place, tmp_path: Path, words: tuple[str, ...], options: tuple[str, ...], told: tuple[str, ...]
) -> None:
    mounts = (
        "--read-only",
        "--tmpfs=/tmp",
        f"--volume={make_fake_airflow(tmp_path)}:/home/airflow/.local/bin/airflow:ro",
    )
    done = place.start(*words, options=(*mounts, *options))
    said = [line for line in done.err.splitlines() if "cannot write" in line]
    assert said == [f"entrypoint: warning: user 50000 cannot write to {one}" for one in told]


# -- migration and user -----------------------------------------------------------------------------------------------


def failing_migration(place: Place, *options: str, name: str = "_AIRFLOW_DB_MIGRATE") -> None:
    """The container ends with the migration's exit code, and the command never runs. Any value switches it on."""
    done = place.start("bash", "-c", "echo ran", env={DATABASE: NO_FOLDER, name: "False"}, options=options)
    assert done.code == 1
    assert "ran" not in done.out
    assert f'entrypoint: warning: {name}="False" switches it on' in done.err
    assert "entrypoint: error: airflow db migrate failed with exit code 1" in done.err


@pytest.mark.parametrize("name", ["_AIRFLOW_DB_UPGRADE", "_AIRFLOW_DB_MIGRATE"])
def test_a_failing_migration_ends_the_container(place: Place, name: str) -> None:
    failing_migration(place, name=name)


def test_an_entrypoint_that_swallows_a_failed_migration_is_noticed(place: Place, tmp_path: Path) -> None:
    text = (ROOTFS / "entrypoint").read_text("utf-8")
    kept = 'run airflow db "${verb}" || status=$?'
    assert kept in text
    broken = tmp_path / "entrypoint"
    broken.write_text(text.replace(kept, 'run airflow db "${verb}" || true'), "utf-8")
    broken.chmod(0o755)
    with pytest.raises(AssertionError):
        failing_migration(place, f"--volume={broken}:/entrypoint:ro")


def test_an_empty_switch_is_off(place: Place) -> None:
    names = ("_AIRFLOW_DB_UPGRADE", "_AIRFLOW_DB_MIGRATE", "_AIRFLOW_WWW_USER_CREATE")
    done = place.start("bash", "-c", "echo ran", env={DATABASE: NO_FOLDER, **dict.fromkeys(names, "")})
    assert (done.code, done.out) == (0, "ran\n")


CREATE = {"_AIRFLOW_DB_MIGRATE": "true", "_AIRFLOW_WWW_USER_CREATE": "true"}
USERS = """
import sqlite3
from werkzeug.security import check_password_hash
rows = sqlite3.connect("/opt/airflow/airflow.db").execute(
    "select username, first_name, last_name, email, r.name, password from ab_user u "
    "join ab_user_role j on j.user_id = u.id join ab_role r on r.id = j.role_id")
for *fields, hashed in rows:
    print(*fields, check_password_hash(hashed, "%s"), sep=",")
"""
WATCH = """
import glob, os, sys, time
secret = sys.argv[1].encode()[::-1]
open("/tmp/watching", "w").close()
while not os.path.exists("/tmp/ended"):
    time.sleep(0.02)
    for name in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words = open(name, "rb").read()
        except OSError:
            continue
        if secret in words:
            sys.exit("seen in " + repr(words))
"""


@pytest.fixture(scope="module")
def first_start(image: str) -> Iterator[tuple[Place, ProcessResult]]:
    """A place of its own with a migrated database and the default user, and what its making said."""
    with opened(image) as made:
        env = {**CREATE, "_AIRFLOW_WWW_USER_PASSWORD": SECRET}
        yield made, made.execute("/entrypoint", "airflow", "db", "check-migrations", env=env)


def test_the_database_is_migrated_and_the_user_made_once(first_start: tuple[Place, ProcessResult]) -> None:
    home, first = first_start
    env = {**CREATE, "_AIRFLOW_WWW_USER_PASSWORD": SECRET}
    assert first.code == 0, first.err
    assert 'User "admin" created with role "Admin"' in first.out
    again = home.execute("/entrypoint", "bash", "-c", 'echo "left: ${_AIRFLOW_WWW_USER_PASSWORD:-none}"', env=env)
    assert again.code == 0, again.err
    assert again.out.splitlines()[-1] == "left: none"
    assert again.err.endswith('warning: user "admin" exists: it is left as it is, password and role too; going on\n')
    env |= {"_AIRFLOW_WWW_USER_USERNAME": "other", "_AIRFLOW_DB_MIGRATE": ""}
    other = home.execute("/entrypoint", "bash", "-c", "echo went on", env=env)
    assert (other.code, other.out) == (0, "went on\n")
    assert 'user "other" was not created: its e-mail airflowadmin@example.com belongs to user "admin"' in other.err
    users = home.execute("python", "-c", USERS % SECRET).out.splitlines()
    assert users.count("admin,Airflow,Admin,airflowadmin@example.com,Admin,True") == 1
    assert not any(line.startswith("other,") for line in users)
    assert SECRET not in first.out + first.err + again.out + again.err


def watch(place: Place) -> Future[ProcessResult]:
    """Reads every command line in the container 50 times a second, until /tmp/ended is there or the secret is seen."""
    watched = ThreadPoolExecutor().submit(place.execute, "python", "-c", WATCH, SECRET[::-1])
    until(lambda: place.execute("test", "-e", "/tmp/watching").code == 0, 20, "the watcher")  # noqa: S108 - in the container
    return watched


def test_a_password_on_a_command_line_would_be_noticed(home: Place) -> None:
    watched = watch(home)
    home.execute("bash", "-c", "sleep 1; touch /tmp/ended", SECRET)
    assert watched.result().code == 1


def test_a_password_of_a_command_is_on_no_command_line(first_start: tuple[Place, ProcessResult]) -> None:
    """Every command line in the container is read while the user is made, which takes seconds."""
    home, _ = first_start
    watched = watch(home)
    fields = {"USERNAME": "ada", "FIRSTNAME": "Ada", "LASTNAME": "of L", "EMAIL": "ada@example.com", "ROLE": "Public"}
    env = {"_AIRFLOW_WWW_USER_CREATE": "true", **{f"_AIRFLOW_WWW_USER_{name}": value for name, value in fields.items()}}
    env |= {"_AIRFLOW_WWW_USER_PASSWORD_CMD": "cat /tmp/secret", "_AIRFLOW_WWW_USER_PASSWORD": "the command goes first"}
    home.execute("bash", "-c", 'echo "${SECRET}" >/tmp/secret', env={"SECRET": SECRET})
    done = home.execute("/entrypoint", "bash", "-c", "touch /tmp/ended", env=env)
    assert done.code == 0, done.err
    assert watched.result().code == 0, watched.result().err
    assert "ada,Ada,of L,ada@example.com,Public,True\n" in home.execute("python", "-c", USERS % SECRET).out


@pytest.mark.parametrize(
    ("env", "said"),
    [
        pytest.param({}, "no password: set _AIRFLOW_WWW_USER_PASSWORD", id="no-password"),
        pytest.param({"_AIRFLOW_WWW_USER_PASSWORD": ""}, "no password: set", id="empty-password"),
        pytest.param({"_AIRFLOW_WWW_USER_PASSWORD_CMD": "exit 3"}, "PASSWORD_CMD ended with exit code 3", id="command"),
    ],
)
def test_a_user_without_a_password_ends_the_container(place: Place, env: dict[str, str], said: str) -> None:
    env = {DATABASE: NO_FOLDER, "_AIRFLOW_WWW_USER_CREATE": "true", **env}
    done = place.start("bash", "-c", "echo ran", env=env)
    assert (done.code, done.out) == (1, "")
    assert said in done.err


def test_any_other_reason_not_to_create_the_user_is_a_warning(place: Place) -> None:
    env = {DATABASE: NO_FOLDER, "_AIRFLOW_WWW_USER_CREATE": "true", "_AIRFLOW_WWW_USER_PASSWORD": SECRET}
    done = place.start("bash", "-c", "echo went on", env=env)
    assert (done.code, done.out.splitlines()[-1]) == (0, "went on")
    last = done.err.splitlines()[-1]
    assert last.startswith('entrypoint: warning: user "admin" was not created, nobody may be able to log in: ')
    assert "unable to open database file" in last
    assert SECRET not in done.err


# -- signals ----------------------------------------------------------------------------------------------------------

WAITING = {DATABASE: url(port=1)}
MIGRATING = {"_AIRFLOW_DB_MIGRATE": "true", "CONNECTION_CHECK_MAX_COUNT": "0", f"{DATABASE}_CMD": "sleep 60"}
"""A migration that never ends: nobody waits for the database before, and Airflow itself asks this for its address."""
ASKING = {"_AIRFLOW_WWW_USER_CREATE": "1", "_AIRFLOW_WWW_USER_PASSWORD_CMD": "sleep 60"}
"""For the password."""


@pytest.mark.parametrize(
    ("env", "busy", "option"),
    [
        pytest.param(WAITING, "TRY_SECONDS", "--env=DUMB_INIT_SETSID=1", id="waiting"),
        pytest.param(WAITING, "TRY_SECONDS", "--env=DUMB_INIT_SETSID=0", id="waiting-no-setsid"),
        pytest.param(WAITING, "TRY_SECONDS", "--entrypoint=/entrypoint", id="waiting-as-pid-1"),
        pytest.param(MIGRATING, "sleep 60", "--env=DUMB_INIT_SETSID=0", id="migrating-no-setsid"),
        pytest.param(MIGRATING, "sleep 60", "--entrypoint=/entrypoint", id="migrating-as-pid-1"),
        pytest.param(ASKING, "sleep 60", "--env=DUMB_INIT_SETSID=0", id="asking-no-setsid"),
    ],
)
def test_a_signal_ends_the_preparation_at_once(place: Place, env: dict[str, str], busy: str, option: str) -> None:
    container = place.launch("version", env=env, options=(option,))
    until(lambda: busy in docker("top", container).out, 30, f"{busy} among the processes")
    started = time.monotonic()
    docker_ok("kill", "--signal=TERM", container)
    assert docker_ok("wait", container) == "143"
    assert time.monotonic() - started < 30  # what it was busy with takes 60
    assert docker("logs", container).err.splitlines()[-1] == "entrypoint: stopped by a signal"


ROLES = ("webserver", "scheduler", "triggerer")
ROLE_ENVIRONMENT = {
    DATABASE: url(),
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": "2",
    "AIRFLOW__WEBSERVER__WORKERS": "2",
    "AIRFLOW__WEBSERVER__SECRET_KEY": "same for all",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
}
BEATING = """
import os, psycopg2
c = psycopg2.connect(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")).cursor()
c.execute("select count(distinct job_type) from job where state = 'running' and end_date is null "
          "and latest_heartbeat > start_date + interval '1 second'")
print(c.fetchone()[0])
"""
PROCESSES = """
for folder in /proc/[0-9]*; do
    words=$(tr '\\0' ' ' <"${folder}/cmdline" 2>/dev/null) || continue
    [[ -z ${words} || ${words} == "sleep infinity " || ${folder} =~ ^/proc/(1|$$)$ ]] || echo "${words}"
done
"""


def up(here: Place) -> bool:
    """Each worker of the webserver too: one that still starts hears no signal, and gunicorn waits 30 s for it."""
    if here.execute("bash", "-c", PROCESSES).out.count("[ready] gunicorn: worker") < 2:
        return False
    if here.execute("curl", "--silent", "--fail", "--output", "/dev/null", "localhost:8080/health").code != 0:
        return False
    return here.execute("python", "-c", BEATING, env={DATABASE: url()}).out.strip() == "2"


@pytest.fixture(scope="module")
def migrated(served: Place) -> Place:
    done = served.start("version", env={DATABASE: url(), "_AIRFLOW_DB_MIGRATE": "true"})
    assert done.code == 0, done.err
    return served


@pytest.mark.parametrize("setsid", ["1", "0"])
def test_a_signal_ends_every_role_and_leaves_no_process(migrated: Place, setsid: str) -> None:
    """Each role behind its own dumb-init, so that a process it leaves behind lives on and is seen."""
    env = {**ROLE_ENVIRONMENT, "DUMB_INIT_SETSID": setsid}
    with ThreadPoolExecutor() as pool:
        ends = {}
        for role in ROLES:
            words = f"echo $$ >/tmp/{role}.pid; exec dumb-init -- /entrypoint {role}"
            ends[role] = pool.submit(migrated.execute, "bash", "-c", words, env=env)
        ready = within(100, lambda: up(migrated))
        running = migrated.execute("bash", "-c", PROCESSES).out
        limit = Deadline(15)
        migrated.execute("bash", "-c", "kill -TERM $(cat /tmp/*.pid); rm /tmp/*.pid")
        results = {role: end.result() for role, end in ends.items()}
        took_too_long = limit.is_over()
    logs = "\n".join(f"== {role}\n{(done.out + done.err)[-2000:]}" for role, done in results.items())
    assert ready, f"not all roles came up\n{running}\n{logs}"
    assert "gunicorn" in running
    assert {role: done.code for role, done in results.items()} == dict.fromkeys(ROLES, 0), logs
    assert not took_too_long
    assert migrated.execute("bash", "-c", PROCESSES).out == ""


def test_a_stopped_container_has_the_roles_exit_code(migrated: Place) -> None:
    container = migrated.launch("triggerer", env=ROLE_ENVIRONMENT)
    until(lambda: "Starting the triggerer" in docker("logs", container).out, 60, "the triggerer")
    time.sleep(2)
    limit = Deadline(15)
    docker_ok("stop", "--time=60", container)
    assert not limit.is_over()
    assert re.fullmatch(r"false 0", docker_ok("inspect", "--format={{.State.Running}} {{.State.ExitCode}}", container))
