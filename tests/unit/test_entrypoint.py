"""The entrypoint's text and the pure parts of the Python programs in it; tests/integration runs it."""

from __future__ import annotations

import ast
import importlib.util
import re
import stat
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.airflow.releases import find_release
from builder.airflow.variables import CONFIG_VARIABLE

ROOTFS = Path(__file__).parents[2] / "templates" / "rootfs"
SCRIPT = (ROOTFS / "entrypoint").read_text("utf-8")
PROGRAM = re.compile(r"^([A-Z_]+)='\n(.*?)^'$", re.MULTILINE | re.DOTALL)
PROGRAMS = dict(PROGRAM.findall(SCRIPT))
BASH = re.sub(r"^ *#.*\n", "", PROGRAM.sub("", SCRIPT), flags=re.MULTILINE)
HEADER = SCRIPT[: SCRIPT.index("set -o")]


def load(name: str, folder: Path) -> types.ModuleType:
    """One of the script's programs as a module; it runs nothing when it is imported."""
    path = folder / f"{name.lower()}.py"
    path.write_text(PROGRAMS[name], "utf-8")
    spec = importlib.util.spec_from_file_location(name.lower(), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("sys.path", list(sys.path))
    return load("WAIT", tmp_path)


@pytest.fixture
def create_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("sys.path", list(sys.path))
    return load("CREATE_USER", tmp_path)


# -- the text ---------------------------------------------------------------------------------------------------------


def test_both_scripts_are_executable_and_stop_at_the_first_error() -> None:
    assert all((ROOTFS / name).stat().st_mode & stat.S_IXUSR for name in ("entrypoint", "pip"))
    assert "set -o errexit -o nounset -o pipefail" in SCRIPT


def test_the_programs_are_found_and_fit_into_single_quotes() -> None:
    assert set(PROGRAMS) == {"WAIT", "CREATE_USER"}
    for text in PROGRAMS.values():
        assert "'" not in text
        ast.parse(text)


def test_it_needs_no_writable_temporary_folder() -> None:
    assert "<<" not in BASH


def test_the_header_names_every_switch_of_the_official_image() -> None:
    used = set(re.findall(r"\b_(?:AIRFLOW|PIP)_[A-Z_]+[A-Z]\b", BASH)) | {"CONNECTION_CHECK_MAX_COUNT"}
    assert used >= {"_AIRFLOW_DB_MIGRATE", "_AIRFLOW_DB_UPGRADE", "_AIRFLOW_WWW_USER_CREATE"}
    for name in used:
        assert name in HEADER or name.removeprefix("_AIRFLOW_WWW_USER_") in HEADER, name


def test_every_way_out_replaces_the_shell_so_that_signals_reach_the_program() -> None:
    ends = BASH[BASH.index("case ${1:-} in") :]
    assert re.findall(r"^\s*exec (\S+)", ends, re.MULTILINE) == ["/bin/bash", "python", "airflow"]


def test_no_password_is_a_word_of_a_command() -> None:
    assert "--password" not in BASH
    assert "_PASSWORD}" not in BASH


def test_it_waits_before_the_commands_that_the_table_of_airflow_names() -> None:
    named = re.search(r"local commands='\((.*)\)'", SCRIPT)
    assert named is not None
    assert tuple(named[1].split("|")) == find_release("3.3.0").series.waiting_commands
    assert find_release("3.2.2").series.waiting_commands is None


def test_on_a_read_only_file_system_it_names_what_the_table_of_airflow_says_is_written() -> None:
    listed = SCRIPT[SCRIPT.index("list_settings_to_move() {") : SCRIPT.index("check_folders() {")]
    roles = [role for version in ("2.8.1", "3.3.2") for role in find_release(version).series.all_roles if role.writes]
    names = {file.variable for role in roles for file in role.writes} | {CONFIG_VARIABLE}
    assert names == set(re.findall(r"echo (AIRFLOW_\w+)=/tmp/", listed))
    assert {role.name for role in roles if role.name != "standalone"} == set(
        re.findall(r"^        (\S+)\)$", listed, re.MULTILINE)
    )
    assert {role.pid_option for role in roles} - {None} == set(re.findall(r"webserver (--\w+) /tmp", listed))


@pytest.mark.parametrize("name", ["entrypoint", "pip"])
def test_the_advice_names_the_key_of_the_spec(name: str) -> None:
    text = (ROOTFS / name).read_text("utf-8")
    assert "[python] requirements" in text
    assert "optbuild.toml" in text


# -- where the database and the broker are ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("postgresql+psycopg2://u:p@db/airflow", ("db", 5432), id="postgres-default-port"),
        pytest.param("postgres://u:p@db:6000/airflow", ("db", 6000), id="old-scheme"),
        pytest.param("postgres://db", ("db", 5432), id="old-scheme-default-port"),
        pytest.param("postgresql://u:a%40b@db.example:5433/x?sslmode=require", ("db.example", 5433), id="query"),
        pytest.param("postgresql://u:p@[::1]:5432/x", ("::1", 5432), id="ipv6"),
        pytest.param("mysql+mysqldb://u@db/x", ("db", 3306), id="mysql"),
        pytest.param("mssql+pyodbc://u:p@db/x?driver=y", ("db", 1433), id="mssql"),
        pytest.param("postgresql://u:p@/x?host=/var/run/postgresql", None, id="unix-socket"),
        pytest.param("sqlite:////opt/airflow/airflow.db", None, id="sqlite"),
        pytest.param("redis://:@redis:6379/0", ("redis", 6379), id="redis-empty-password"),
        pytest.param("redis:///0", None, id="redis-without-host"),
        pytest.param("rediss://:p@cache", ("cache", 6379), id="redis-tls"),
        pytest.param("sentinel://a:26379;sentinel://b:26379", ("a", 26379), id="first-of-several"),
        pytest.param("amqp://guest:guest@rabbit//", ("rabbit", 5672), id="rabbit"),
        pytest.param("amqps://rabbit", ("rabbit", 5671), id="rabbit-tls"),
        pytest.param("sqs://", None, id="cloud-queue"),
        pytest.param("sqs://key:secret@", None, id="cloud-queue-with-key"),
        pytest.param("postgresql://u:p@h1,h2/x", None, id="several-hosts"),
        pytest.param("postgresql://h1:5432,h2:5433/x", None, id="several-hosts-with-ports"),
        pytest.param("postgresql://u:p@[::1],h2/x", None, id="several-hosts-ipv6-first"),
        pytest.param("postgresql://u:p,q@h1/x,y", ("h1", 5432), id="comma-elsewhere"),
        pytest.param("not a url", None, id="no-url"),
        pytest.param("", None, id="empty"),
    ],
)
def test_the_address_of_a_url(wait: Any, url: str, expected: tuple[str, int] | None) -> None:
    assert wait.endpoint(url) == expected


DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
CORE = "AIRFLOW__CORE__SQL_ALCHEMY_CONN"


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({DATABASE: "postgresql://a"}, "postgresql://a", id="new-name"),
        pytest.param({CORE: "postgresql://b"}, "postgresql://b", id="old-name"),
        pytest.param({CORE: "postgresql://b", DATABASE: "postgresql://a"}, "postgresql://a", id="new-name-wins"),
        pytest.param({DATABASE: "", CORE: "postgresql://b"}, "postgresql://b", id="empty-is-not-set"),
    ],
)
def test_the_environment_says_where(wait: Any, tmp_path: Path, env: dict[str, str], expected: str) -> None:
    assert wait.option("database", {"AIRFLOW_HOME": str(tmp_path), **env}) == expected


def test_names_in_a_value_are_expanded_as_airflow_does(
    wait: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_HOST", "$DB_NAME.example")
    monkeypatch.setenv("DB_NAME", "db")
    env = {"AIRFLOW_HOME": str(tmp_path), DATABASE: "postgresql://u@${DB_HOST}/x"}
    assert wait.option("database", env) == "postgresql://u@db.example/x"


def test_commands_and_secrets_are_asked_for(wait: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def output(argv: list[str], what: str) -> str:
        asked.append(argv)
        return "a warning\npostgresql://c" if argv[0] == "airflow" else "postgresql://d"

    monkeypatch.setattr(wait, "output", output)
    home = {"AIRFLOW_HOME": str(tmp_path)}
    assert wait.option("database", {**home, DATABASE + "_SECRET": "x"}) == "postgresql://c"
    assert wait.option("database", {**home, DATABASE + "_CMD": "cat '/run/my url'"}) == "postgresql://d"
    (tmp_path / "airflow.cfg").write_text("[database]\nsql_alchemy_conn_cmd = cat x\n")
    assert wait.option("database", home) == "postgresql://c"
    assert asked == [
        ["airflow", "config", "get-value", "database", "sql_alchemy_conn"],
        ["cat", "/run/my url"],
        ["airflow", "config", "get-value", "database", "sql_alchemy_conn"],
    ]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("redis://broker/0\n", "redis://broker/0"),
        ("2026-11-29T10:00:00Z [warning  ] section/key [a/b] not found\nCeleryExecutor\n", "CeleryExecutor"),
        ("CeleryExecutor\n2026-11-29T10:00:00Z [warning  ] deprecated [py.warnings]\n", "CeleryExecutor"),
        ("2026-11-29T10:00:00Z [warning  ] section/key [celery/broker_url] not found\n", ""),
        ("", ""),
    ],
)
def test_log_lines_are_not_taken_for_a_value(wait: Any, said: str, value: str) -> None:
    assert wait.last_value(said) == value


def test_the_configuration_file_says_where_and_the_environment_wins(wait: Any, tmp_path: Path) -> None:
    own = tmp_path / "own.cfg"
    own.write_text("[celery]\nbroker_url = redis://:a%%40b@cache/0\n")
    (tmp_path / "airflow.cfg").write_text("[core]\nexecutor = CeleryExecutor\n")
    home = {"AIRFLOW_HOME": str(tmp_path)}
    assert wait.option("executor", home) == "CeleryExecutor"
    assert wait.option("broker", home) == ""
    assert wait.option("broker", {**home, "AIRFLOW_CONFIG": str(own)}) == "redis://:a%40b@cache/0"
    both = {**home, "AIRFLOW_CONFIG": str(own), "AIRFLOW__CELERY__BROKER_URL": "redis://other"}
    assert wait.option("broker", both) == "redis://other"


@pytest.mark.parametrize(
    ("url", "said", "expected"),
    [
        pytest.param("pg://u:hush@h/d", "bad hush", "bad ***", id="as-written"),
        pytest.param("pg://u:a%40b@h/d", "bad a@b", "bad ***", id="decoded"),
        pytest.param("pg://airflow:airflow@h/d", "no user airflow", "no user airflow", id="equal-to-the-name"),
        pytest.param("pg://h/d", "no password", "no password", id="none"),
    ],
)
def test_a_password_is_never_said(wait: Any, url: str, said: str, expected: str) -> None:
    assert wait.masked(said, url) == expected


# -- how it waits -----------------------------------------------------------------------------------------------------


def counts(tries: int) -> dict[str, str]:
    return {"CONNECTION_CHECK_MAX_COUNT": str(tries), "CONNECTION_CHECK_SLEEP_TIME": "3"}


class Clock:
    """Time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(wait: Any, monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(wait, "time", made)
    return made


def answer_after(seconds: float, wait: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def problem(*_: object) -> str:
        clock.asked.append(clock.now)
        return "" if clock.now >= seconds else "refused"

    monkeypatch.setattr(wait, "problem", problem)


def test_a_database_that_needs_two_and_a_half_minutes_is_waited_for(
    wait: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 tries of at least 5 s, 3 s apart: about as long as the official image, whose tries start Airflow."""
    answer_after(150, wait, clock, monkeypatch)
    assert wait.wait("database", "postgresql://db/x", counts(20)) == 0


def test_an_answer_is_noticed_within_the_try(wait: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_after(2, wait, clock, monkeypatch)
    assert wait.wait("database", "postgresql://db/x", counts(1)) == 0
    assert clock.asked == [0, 1, 2]


def test_a_first_answer_costs_no_time(wait: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_after(0, wait, clock, monkeypatch)
    assert wait.wait("database", "postgresql://db/x", counts(20)) == 0
    assert (clock.now, clock.asked) == (0, [0])


def test_tries_may_be_a_fraction_of_a_second_apart(wait: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_after(1000, wait, clock, monkeypatch)
    env = {**counts(3), "CONNECTION_CHECK_SLEEP_TIME": "0.5"}
    assert wait.wait("database", "postgresql://db/x", env) == 1
    assert clock.now == 3 * 5 + 2 * 0.5


def test_it_waits_until_the_answer_comes(
    wait: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers, slept = iter(["refused", "refused", ""]), list[float]()
    monkeypatch.setattr(wait, "attempt", lambda *_: next(answers))
    monkeypatch.setattr(wait.time, "sleep", slept.append)
    assert wait.wait("database", "postgresql://u:hush@db/x", counts(5)) == 0
    assert slept == [3, 3]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "entrypoint: waiting for the database at db:5432, try 1 of 5: refused"
    assert len(lines) == 2


def test_it_gives_up_and_says_what_to_check(
    wait: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wait, "attempt", lambda *_: "refused")
    monkeypatch.setattr(wait.time, "sleep", lambda _: None)
    assert wait.wait("broker", "redis://:hush@[::1]/0", counts(2)) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("entrypoint: error: the broker at [::1]:6379 could not be used (2 of 2 tries): refused")
    assert "AIRFLOW__CELERY__BROKER_URL" in last
    assert "hush" not in last


def test_what_waiting_cannot_heal_stops_at_once(
    wait: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def problem(*_: object) -> str:
        raise wait.Stop("this image lacks its driver psycopg2")

    monkeypatch.setattr(wait, "problem", problem)
    assert wait.wait("database", "postgresql://db/x", counts(20)) == 1
    assert capsys.readouterr().err == (
        "entrypoint: error: the database at db:5432 cannot be used: this image lacks its driver psycopg2; "
        "check AIRFLOW__DATABASE__SQL_ALCHEMY_CONN\n"
    )


@pytest.mark.parametrize(
    ("what", "env"),
    [
        pytest.param("database", {}, id="default-sqlite"),
        pytest.param("database", {DATABASE: "sqlite:////x.db"}, id="sqlite"),
        pytest.param("broker", {"AIRFLOW__CELERY__BROKER_URL": "redis://r"}, id="no-celery"),
        pytest.param(
            "broker",
            {"AIRFLOW__CORE__EXECUTOR": "LocalExecutor", "AIRFLOW__CELERY__BROKER_URL": "redis://r"},
            id="local-executor",
        ),
        pytest.param(
            "broker",
            {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "AIRFLOW__CELERY__BROKER_URL": "sqs://"},
            id="cloud-queue",
        ),
    ],
)
def test_nothing_to_wait_for(
    wait: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, env: dict[str, str]
) -> None:
    monkeypatch.setattr(wait, "wait", lambda *_: 1)
    assert wait.main(what, {"AIRFLOW_HOME": str(tmp_path), **env}) == 0


@pytest.mark.parametrize("executor", ["CeleryExecutor", "CeleryKubernetesExecutor"])
def test_a_celery_executor_waits_for_its_broker(
    wait: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    monkeypatch.setattr(wait, "wait", lambda *_: 1)
    env = {"AIRFLOW__CORE__EXECUTOR": executor, "AIRFLOW__CELERY__BROKER_URL": "redis://r"}
    assert wait.main("broker", {"AIRFLOW_HOME": str(tmp_path), **env}) == 1


# -- the user ---------------------------------------------------------------------------------------------------------


def test_the_user_has_the_official_defaults(create_user: Any) -> None:
    assert create_user.arguments(create_user.wanted({}), "-hush") == [
        "--username=admin",
        "--firstname=Airflow",
        "--lastname=Admin",
        "--email=airflowadmin@example.com",
        "--role=Admin",
        "--password=-hush",
    ]


def test_every_field_of_the_user_can_be_set(create_user: Any) -> None:
    names = ("USERNAME", "FIRSTNAME", "LASTNAME", "EMAIL", "ROLE")
    env = {f"_AIRFLOW_WWW_USER_{name}": name.lower() for name in names}
    assert create_user.arguments(create_user.wanted(env), "x")[:5] == [
        f"--{name.lower()}={name.lower()}" for name in names
    ]


def test_no_password_is_an_error(create_user: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        create_user.main({})
    assert ended.value.code == 1
    assert "_AIRFLOW_WWW_USER_PASSWORD_CMD" in capsys.readouterr().err


class FakeCreation:
    """Both things that creating a user asks: the database (``taken``, answer by answer) and Airflow (``failure``)."""

    def __init__(self, taken: tuple[str, ...], failure: str) -> None:
        self.taken, self.failure = iter(taken), failure
        self.steps: list[str] = []

    def ask(self, _: object) -> str:
        self.steps.append("ask")
        return next(self.taken)

    def create(self, _: object) -> str:
        self.steps.append("create")
        return self.failure


@pytest.mark.parametrize(
    ("fake", "steps", "said"),
    [
        pytest.param(FakeCreation(("",), ""), ["ask", "create"], "", id="created"),
        pytest.param(FakeCreation(("it exists",), ""), ["ask"], "it exists", id="exists"),
        pytest.param(FakeCreation(("", "it exists"), "x"), ["ask", "create", "ask"], "it exists", id="race"),
        pytest.param(
            FakeCreation(("", ""), "hush failed"),
            ["ask", "create", "ask"],
            'user "admin" was not created, nobody may be able to log in: *** failed',
            id="other-failure",
        ),
    ],
)
def test_a_user_that_cannot_be_created_is_said_and_ends_nothing(
    create_user: Any, capsys: pytest.CaptureFixture[str], fake: FakeCreation, steps: list[str], said: str
) -> None:
    create_user.version, create_user.taken, create_user.create = lambda _: "2.8.1", fake.ask, fake.create
    create_user.main({"_AIRFLOW_WWW_USER_PASSWORD": "hush"})
    assert fake.steps == steps
    assert capsys.readouterr().err == (f"entrypoint: warning: {said}; going on\n" if said else "")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (SystemExit(0), ""),
        (SystemExit(None), ""),
        (SystemExit(2), "exit code 2"),
        (SystemExit("Op is not a valid role"), "Op is not a valid role"),
        (OSError("no database\ndetails"), "OSError: no database"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_why_airflow_did_not_create_the_user(
    create_user: Any, monkeypatch: pytest.MonkeyPatch, end: BaseException, said: str
) -> None:
    def main() -> None:
        raise end

    monkeypatch.setattr("sys.argv", [])
    monkeypatch.setitem(sys.modules, "airflow", types.ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, "airflow.__main__", types.SimpleNamespace(main=main))
    assert create_user.create(["--username=x"]) == said
    assert sys.argv == ["airflow", "users", "create", "--username=x"]


FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"


class Configuration:
    """Airflow's own: the file, the defaults, and what else it knows."""

    def __init__(self, manager: str | Exception) -> None:
        self.manager, self.asked = manager, 0

    def get(self, section: str, key: str) -> str:
        assert (section, key) == ("core", "auth_manager")
        self.asked += 1
        if isinstance(self.manager, Exception):
            raise self.manager
        return self.manager


@dataclass(frozen=True)
class Manager:
    """What the environment names, what Airflow itself then answers, and what becomes of the user."""

    version: str
    named: str | None
    configured: str | Exception
    said: str = ""
    """Empty: it is made."""


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Manager("3.3.2", FAB, SIMPLE), id="the-environment-goes-first"),
        pytest.param(Manager("3.3.2", SIMPLE, FAB, f"auth_manager is {SIMPLE}"), id="also-where-it-says-no"),
        pytest.param(Manager("3.0.1", None, FAB), id="only-the-file-says-it"),
        pytest.param(Manager("3.0.1", None, SIMPLE, f"auth_manager is {SIMPLE}"), id="the-default"),
        pytest.param(Manager("3.3.2", None, OSError("x"), "auth_manager is unknown (OSError)"), id="cannot-be-read"),
        pytest.param(Manager("2.11.2", None, SIMPLE), id="airflow-2-always-has-users"),
    ],
)
def test_airflow_3_makes_a_user_where_its_configuration_names_fab(
    create_user: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], case: Manager
) -> None:
    fake, conf = FakeCreation(("",), ""), Configuration(case.configured)
    monkeypatch.setitem(sys.modules, "airflow", types.ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, "airflow.configuration", types.SimpleNamespace(conf=conf))
    create_user.version, create_user.taken, create_user.create = lambda _: case.version, fake.ask, fake.create
    env = {"_AIRFLOW_WWW_USER_PASSWORD": "hush"}
    create_user.main(env if case.named is None else {**env, "AIRFLOW__CORE__AUTH_MANAGER": case.named})
    assert conf.asked == (0 if case.named or case.version < "3" else 1)
    assert fake.steps == ([] if case.said else ["ask", "create"])
    assert case.said in capsys.readouterr().err
