"""Plans, environments and databases as values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from foundation_factory import DIGEST, make_foundation
from runtime_factory import make_runtime

from builder.airflow.model import HttpHealth
from builder.airflow.releases import find_release
from builder.core.errors import VerifyUsageError
from builder.core.redact import mask_values
from builder.image.lock.model import Distribution, Lock, LockInputs
from builder.image.spec.reader import parse_spec
from builder.image.verify import environment
from builder.image.verify.bench import VerifyContext
from builder.image.verify.checks import STATIC_CHECKS, make_check_tasks
from builder.image.verify.database import check_postgres_image, choose_database
from builder.image.verify.deadline import MOST_TIMES
from builder.image.verify.plan import (
    DagFolder,
    PlanBase,
    Timeouts,
    VerifyPlan,
    make_plan_from_labels,
    make_plan_from_spec,
    read_airflow_label,
)
from builder.image.verify.run import _find_hidden, _select_tasks
from builder.image.verify.scheduler import NotApplicable
from builder.image.verify.session import SessionOwner
from builder.image.verify.starting import check_dag, choose_expected_health, start_role

if TYPE_CHECKING:
    from builder.airflow.model import Role
    from builder.image.spec.model import Spec

ROLES = find_release("2.8.1").roles
NO_SCHEDULER = tuple(role for role in ROLES if role.name != "scheduler")
LABELS = {"org.apache.airflow.version": "2.8.1"}
URL = "postgresql+psycopg2://me:hunter2@db.example:5433/airflow"


def bench(plan: VerifyPlan, database: environment.VerifyDatabase) -> VerifyContext:
    nothing: Any = None
    return VerifyContext(plan, {}, nothing, nothing, database, {}, nothing, "optbuild_verify_x")


def plan(**changes: Any) -> VerifyPlan:
    return VerifyPlan(**{"airflow": "2.8.1", "requirements": (), "roles": ROLES, "database": "postgres:13", **changes})


@pytest.fixture
def spec_and_lock(tmp_path: Path) -> tuple[Spec, Lock]:
    """A lock that replaces pandas."""
    text = (
        '[image]\nname = "a"\n[base]\ndebian = "bookworm"\n[airflow]\nversion = "2.8.1"\n[python]\nversion = "3.11"\n'
    )
    spec = parse_spec(text, "optbuild.toml", tmp_path)
    pandas = Distribution("pandas", "2.0.3", "wheel", "ab" * 32, 1000, ())
    inputs = LockInputs("2.8.1", (), "3.11", (), "none", "bookworm", (), ())
    return spec, Lock("linux/amd64", inputs, None, (), 1, pandas, (pandas,), (), (), (), (), ())


def names(of: VerifyPlan, *only: str) -> list[str]:
    return [
        task.name
        for task in _select_tasks(make_check_tasks(bench(of, environment.make_sqlite_database("/opt/airflow"))), only)
    ]


def test_a_plan_from_labels_knows_version_and_roles() -> None:
    made = make_plan_from_labels("x:1", LABELS, ROLES)
    assert (made.airflow, made.requirements, made.database) == ("2.8.1", ("apache-airflow==2.8.1",), "postgres:13")
    assert not made.is_described
    assert make_plan_from_labels("x:1", {**LABELS, "optbuild.project": "mine"}, ROLES).is_described


def test_an_image_without_labels_says_what_to_do() -> None:
    with pytest.raises(VerifyUsageError, match=r"no label org.apache.airflow.version") as caught:
        read_airflow_label("x:1", {})
    assert "optbuild verify DIR" in str(caught.value)


def test_distributions_are_normalised_and_unique() -> None:
    made = plan(requirements=("Apache_Airflow[postgres]==2.8.1", "apache-airflow==2.8.1", "Scikit.Learn>1"))
    assert made.distributions == ("apache-airflow", "scikit-learn")


def test_every_role_and_promise_has_its_check() -> None:
    assert names(plan()) == [
        "configuration", "contents", "privileges", "credentials",
        "version", "folders", "dependencies", "imports", "providers", "bytecode", "system", "tls",
        "user",
        "database", "init", "migrations", "failed-migration", "webserver", "scheduler", "login", "read-only",
        "dag", "stop",
    ]  # fmt: skip


def test_an_image_without_roles_is_looked_at_and_never_started() -> None:
    assert names(plan(roles=())) == [
        "configuration", "contents", "privileges", "credentials",
        "version", "folders", "dependencies", "imports", "providers", "bytecode", "system", "tls",
        "user",
    ]  # fmt: skip


def test_the_plan_of_a_spec_knows_the_base_of_its_lock(spec_and_lock: tuple[Spec, Lock]) -> None:
    spec, lock = spec_and_lock
    assert make_plan_from_spec(spec, lock, ROLES).base is None
    made = make_plan_from_spec(spec, replace(lock, foundation=make_foundation(user="", entrypoint=("/e",))), ROLES)
    assert made.base == PlanBase(
        "apache/airflow:2.8.1-python3.11", 2, "official", make_foundation().layers, frozenset({"apache-airflow"})
    )
    assert (made.user, made.entrypoint, made.has_own_contract) == ("root", ("/e",), False)
    assert made.labels[2:] == (
        ("org.opencontainers.image.base.name", "apache/airflow:2.8.1-python3.11"),
        ("org.opencontainers.image.base.digest", DIGEST),
    )


@pytest.mark.parametrize("contract", ["", "optbuild"])
def test_another_base_changes_nothing_of_what_ours_promise(spec_and_lock: tuple[Spec, Lock], contract: str) -> None:
    spec, lock = spec_and_lock
    foundation = make_foundation(kind="image", user="", entrypoint=(), contract=contract)
    made = make_plan_from_spec(spec, replace(lock, foundation=foundation), ROLES)
    assert (made.user, made.entrypoint, made.has_own_contract) == ("50000", (), True)


@pytest.mark.parametrize("version", ["2.6.0", "2.11.2", "3.2.0"])
def test_no_role_of_the_table_is_forgotten(version: str) -> None:
    known = find_release(version)
    every = (*known.roles, *known.optional_roles)
    tasks = {
        task.name: task for task in make_check_tasks(bench(plan(roles=every), environment.make_sqlite_database("/x")))
    }
    assert {role.name for role in every} <= tasks.keys()
    asked = {role.name for role in every if role.health is not None}
    assert asked - {"init"} <= {*tasks["stop"].after}
    assert not ({role.name for role in every} - asked) & {*tasks["stop"].after}, "they are watched until it begins"


def test_static_checks_need_no_database() -> None:
    with_dags = plan(dags=DagFolder(Path("dags"), "dags"))
    tasks = {task.name: task for task in make_check_tasks(bench(with_dags, environment.NO_DATABASE))}
    assert all(set(tasks[name].needs) <= STATIC_CHECKS for name in STATIC_CHECKS)


def test_dag_files_are_checked_where_a_folder_is_named() -> None:
    assert names(plan(dags=DagFolder(Path("dags"), "dags")), "dags") == ["dags"]
    assert "dags" not in names(plan())


def test_only_takes_what_the_check_needs_along() -> None:
    assert names(plan(), "version") == ["version"]
    assert names(plan(), "dag") == ["database", "init", "migrations", "scheduler", "dag"]


def test_only_takes_along_what_has_to_run_beside_the_check() -> None:
    """The web server's health says that a scheduler is healthy: alone it would never be."""
    assert names(plan(), "webserver") == ["database", "init", "migrations", "webserver", "scheduler"]
    assert names(plan(), "scheduler") == ["database", "init", "migrations", "scheduler"]
    assert names(plan(roles=NO_SCHEDULER), "webserver") == ["database", "init", "migrations", "webserver"]
    assert names(plan(), "read-only") == ["database", "init", "migrations", "webserver", "scheduler", "read-only"]
    assert names(plan(), "login") == ["database", "init", "migrations", "webserver", "scheduler", "login"]


def test_an_unknown_check_names_the_known_ones() -> None:
    with pytest.raises(VerifyUsageError, match="there is no check webservr") as caught:
        names(plan(), "webservr")
    assert "webserver" in str(caught.value)


def test_without_a_scheduler_the_dag_is_shown_as_not_run_with_the_reason() -> None:
    tasks = {
        task.name: task
        for task in make_check_tasks(bench(plan(roles=NO_SCHEDULER), environment.make_sqlite_database("/x")))
    }
    assert "scheduler" not in tasks
    assert names(plan(roles=NO_SCHEDULER), "dag") == ["dag"]
    with pytest.raises(NotApplicable, match="no role is a scheduler"):
        tasks["dag"].action()


def test_without_a_scheduler_nobody_demands_that_it_is_healthy() -> None:
    health = HttpHealth("/health", 8080, ("metadatabase", "scheduler"))
    assert choose_expected_health(health, plan(roles=NO_SCHEDULER)) == HttpHealth("/health", 8080, ("metadatabase",))
    assert choose_expected_health(health, plan()) == health
    assert choose_expected_health(None, plan(roles=NO_SCHEDULER)) is None


def test_a_role_that_makes_a_user_makes_one_that_nobody_knows() -> None:
    database = environment.make_sqlite_database("/x")
    first, second = environment.make_verify_user(database), environment.make_verify_user(database)
    assert set(first.values()) & set(second.values()) == {"Admin"}
    own = {"_AIRFLOW_WWW_USER_CREATE": "true", "_AIRFLOW_WWW_USER_USERNAME": "airflow", "A": "b"}
    assert environment.make_user_environment(own, first)["_AIRFLOW_WWW_USER_USERNAME"].startswith("optbuild-verify-")
    assert environment.make_user_environment(own, first)["_AIRFLOW_WWW_USER_PASSWORD_CMD"] == ""
    assert environment.make_user_environment({"A": "b"}, first) == {}


def test_a_user_that_stays_may_do_nothing() -> None:
    """A new database may lack the role for that, and goes away."""
    stays = environment.make_external_database("postgresql://me:pw@db.example/mine")
    goes = environment.make_postgres_database("postgres:13", "postgres:13")
    roles = [environment.make_verify_user(one)["_AIRFLOW_WWW_USER_ROLE"] for one in (stays, goes)]
    assert roles == ["Public", "Admin"]


def test_no_role_comes_with_a_password_that_everybody_knows() -> None:
    every = [dict(role.environment) for version in ("2.6.0", "2.8.1", "3.0.0") for role in find_release(version).roles]
    assert [name for made in every for name in made if name.endswith(("PASSWORD", "USERNAME"))] == []


def started_with(role: Role) -> dict[str, str]:
    seen: list[Any] = []
    yard: Any = type("Yard", (), {"start": lambda _, start: seen.append(start)})()
    made = replace(
        bench(plan(), environment.make_sqlite_database("/x")),
        yard=yard,
        user=environment.make_verify_user(environment.NO_DATABASE),
    )
    start_role(made, role)
    return dict(seen[0].environment)


def test_the_roles_are_started_with_that_user() -> None:
    init = replace(ROLES[0], environment=(*ROLES[0].environment, ("_AIRFLOW_WWW_USER_USERNAME", "airflow")))
    assert started_with(init)["_AIRFLOW_WWW_USER_USERNAME"].startswith("optbuild-verify-")
    assert not [name for name in started_with(ROLES[1]) if "WWW_USER" in name]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("postgresql://me:p%40ss%2Fw+d@h/db", "p@ss/w+d", id="decoded"),
        pytest.param("postgresql://me:p%40ss%2Fw+d@h/db", "p%40ss%2Fw+d", id="as written"),
        pytest.param("postgresql://me:p%40ss%2Fw+d@h/db", "p%40ss%2Fw%2Bd", id="quoted by another program"),
        pytest.param("postgresql://me:a%22b%5Cc@h/db", 'a\\"b\\\\c', id="in JSON"),
        pytest.param("postgresql://h/db?user=me&password=hun%40ter2", "hun@ter2", id="in the query"),
    ],
)
def test_a_password_is_masked_in_every_form(url: str, shown: str) -> None:
    made = environment.make_external_database(url)
    assert mask_values(f'FATAL: "{shown}" refused', made.hidden) == 'FATAL: "***" refused'


def test_roles_start_on_the_migrated_database_only() -> None:
    tasks = {task.name: task for task in make_check_tasks(bench(plan(), environment.make_sqlite_database("/x")))}
    assert tasks["webserver"].needs == tasks["scheduler"].needs == ("init",)
    assert tasks["read-only"].needs == tasks["login"].needs == ("webserver",)
    assert {"login", "read-only"} <= {*tasks["stop"].after}
    assert "migrations" in tasks["scheduler"].blames
    assert "scheduler" in tasks["webserver"].blames
    assert "scheduler" not in tasks["scheduler"].blames


def test_the_migration_that_must_fail_starts_at_once_and_init_explains_its_failure() -> None:
    """It needs no server: the processor is freer while init works than when all roles start."""
    task = next(
        task
        for task in make_check_tasks(bench(plan(), environment.make_sqlite_database("/x")))
        if task.name == "failed-migration"
    )
    assert (task.needs, task.after, task.blames) == ((), (), ("init",))


def test_host_names_differ_by_role_and_session_and_are_short_enough() -> None:
    made = bench(plan(), environment.make_sqlite_database("/x"))
    assert made.make_hostname(ROLES[1]) == "webserver-x"
    assert made.make_hostname(ROLES[1]) != made.make_hostname(ROLES[2])


def test_an_existing_server_is_never_named_with_its_password() -> None:
    made = environment.make_external_database(URL)
    assert made.url == URL
    assert made.name == "external"
    assert "hunter2" not in f"{made!r} {made.note} {made.name}"
    assert "airflow on db.example" in made.note
    assert (
        mask_values(f"cannot connect to {URL} (hunter2)", made.hidden)
        == f"cannot connect to {URL.replace('hunter2', '***')} (***)"
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_own_machine_has_another_name_inside_a_container(host: str) -> None:
    made = environment.make_external_database(f"postgresql://me:pw@{host}:5433/airflow")
    assert made.url == f"postgresql://me:pw@{environment.HOST_ALIAS}:5433/airflow"


@pytest.mark.parametrize(
    "url", ["x", "mysql://a@b/c", "postgresql://", "postgresql://host", "postgresql://h:x/d", "http://[/x"]
)
def test_a_url_that_cannot_be_used_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(VerifyUsageError) as caught:
        environment.make_external_database(url)
    assert "OPTBUILD_DATABASE_URL" in str(caught.value)


@pytest.mark.parametrize("image", ["mysql:8", "redis", "registry.example:5000/postgres/mysql:8"])
def test_another_database_is_refused(image: str) -> None:
    with pytest.raises(VerifyUsageError, match="does not know how to start"):
        check_postgres_image(image)


@pytest.mark.parametrize("image", ["postgres:13", "registry.example:5000/library/postgres:16", "optbuild-postgres:15"])
def test_postgres_is_known_by_its_name(image: str) -> None:
    check_postgres_image(image)


class OneImage:
    def __init__(self, *images: str) -> None:
        self.images = images

    def find_image_id(self, reference: str) -> str | None:
        return "sha256:1" if reference in self.images else None


def chosen(wanted: str, env: dict[str, str]) -> environment.VerifyDatabase:
    engine: Any = OneImage("postgres:13")
    return choose_database(make_runtime(Path("nowhere"), env), engine, wanted, "/opt/airflow")


def test_the_environments_server_counts_first_then_sqlite_then_the_image() -> None:
    assert chosen("postgres:13", {"OPTBUILD_DATABASE_URL": URL}).name == "external"
    assert chosen("sqlite", {}).url == "sqlite:////opt/airflow/airflow.db"
    made = chosen("postgres:13", {})
    assert (made.name, made.image, made.note) == ("postgres:13", "postgres:13", "")
    assert made.password in made.url
    assert made.password != chosen("postgres:13", {}).password


SQLITE = environment.make_sqlite_database("/x")
SERVER = environment.make_external_database(URL)


def make_environment(version: str, database: environment.VerifyDatabase = SERVER, *others: str) -> dict[str, str]:
    """Of the version's own roles and the ``others`` that are named."""
    release = find_release(version)
    optional = [role for role in release.optional_roles if role.name in others]
    return environment.make_role_environment(database, release, (*release.roles, *optional))


@pytest.mark.parametrize(
    ("version", "database", "executor"),
    [
        ("2.8.1", SQLITE, "SequentialExecutor"),
        ("2.8.1", SERVER, "LocalExecutor"),
        ("3.3.2", SQLITE, "LocalExecutor"),
        ("3.3.2", SERVER, "LocalExecutor"),
    ],
)
def test_the_executor_fits_database_and_version(
    version: str, database: environment.VerifyDatabase, executor: str
) -> None:
    assert make_environment(version, database)["AIRFLOW__CORE__EXECUTOR"] == executor


def test_what_makes_airflow_quick_has_the_name_of_the_version() -> None:
    assert make_environment("2.8.1")["AIRFLOW__WEBSERVER__WORKERS"] == "1"
    assert make_environment("2.8.1")["AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL"] == "10"
    assert make_environment("3.3.2")["AIRFLOW__API__WORKERS"] == "1"
    assert make_environment("3.3.2")["AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL"] == "10"
    old = {"AIRFLOW__WEBSERVER__WORKERS", "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL"}
    assert not old & make_environment("3.3.2").keys()


SETTINGS = {
    "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL",
    "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL",
    "AIRFLOW__SCHEDULER__PARSING_PROCESSES": "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES",
    "AIRFLOW__CORE__DAG_FILE_PROCESSOR_TIMEOUT": "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT",
    "AIRFLOW__WEBSERVER__WORKERS": "AIRFLOW__API__WORKERS",
    "AIRFLOW__WEBSERVER__WEB_SERVER_WORKER_TIMEOUT": "AIRFLOW__API__WORKER_TIMEOUT",
    "AIRFLOW__WEBSERVER__SECRET_KEY": "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__WEBSERVER__WEB_SERVER_MASTER_TIMEOUT": None,
    "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": None,
}
"""What a verification sets of 2.x alone, and its name in 3.x; None: Airflow 3 has nothing like it."""
OF_3 = {
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT",
}


def test_every_setting_of_2_has_its_name_of_3() -> None:
    old, new = make_environment("2.11.2"), make_environment("3.3.2")
    assert old.keys() - new.keys() == SETTINGS.keys()
    assert new.keys() - old.keys() == {*filter(None, SETTINGS.values()), *OF_3}
    alike = {one: other for one, other in SETTINGS.items() if other and "SECRET" not in other}
    assert [old[one] for one in alike] == [new[other] for other in alike.values()]


def test_airflow_gives_up_later_than_the_verification() -> None:
    """Its own limits are for machines that have a processor to spare; the verification has limits of its own."""
    made = make_environment("2.11.2", SERVER, "worker")
    assert float(made["AIRFLOW__CELERY__OPERATION_TIMEOUT"]) >= 60, "by default 1 s, then the task is given up"
    assert float(made["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"]) > Timeouts().dag
    assert float(made["AIRFLOW__CORE__DAG_FILE_PROCESSOR_TIMEOUT"]) > float(
        made["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"]
    )
    assert float(made["AIRFLOW__WEBSERVER__WEB_SERVER_MASTER_TIMEOUT"]) >= MOST_TIMES * Timeouts().role


def test_what_a_version_does_not_have_is_not_set() -> None:
    usage = "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"
    assert [version for version in ("2.8.1", "2.10.5", "2.11.2", "3.3.2") if usage in make_environment(version)] == [
        "2.10.5"
    ]


def test_roles_of_airflow_3_share_their_secrets_and_know_whom_to_talk_to() -> None:
    made, again = make_environment("3.3.2"), make_environment("3.3.2")
    assert len(bytes.fromhex(made["AIRFLOW__API_AUTH__JWT_SECRET"])) == 64
    assert made["AIRFLOW__API_AUTH__JWT_SECRET"] != again["AIRFLOW__API_AUTH__JWT_SECRET"]
    assert made["AIRFLOW__API__SECRET_KEY"]
    assert make_environment("3.0.1")["AIRFLOW__WEBSERVER__SECRET_KEY"]  # 3.0.2 renamed it
    assert made["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://api-server:8080/execution/"
    assert not [name for name in make_environment("2.11.2") if "JWT" in name or "EXECUTION_API" in name]


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("scheduler", "nothing could run a DAG"),
        ("dag-processor", "no role reads DAG files"),
        ("api-server", "tasks have nobody to report to"),
    ],
)
def test_a_dag_that_nobody_can_run_is_not_run_for_that_reason(missing: str, words: str) -> None:
    roles = tuple(role for role in find_release("3.3.2").roles if role.name != missing)
    nothing: Any = None
    asked = VerifyPlan("3.3.2", (), roles, "sqlite")
    bench = VerifyContext(asked, {}, nothing, nothing, SQLITE, {}, nothing, "optbuild_verify_x")
    with pytest.raises(NotApplicable, match=words):
        check_dag(bench)


def test_the_dag_processor_of_airflow_3_waits_for_whom_tasks_talk_to() -> None:
    """Else the only try of the task could come before the api-server answers."""
    nothing: Any = None
    asked = VerifyPlan("3.3.2", (), find_release("3.3.2").roles, "sqlite")
    bench = VerifyContext(asked, {}, nothing, nothing, SQLITE, {}, nothing, "optbuild_verify_x")
    tasks = {task.name: task for task in make_check_tasks(bench)}
    assert tasks["dag-processor"].after == ("api-server",)
    assert tasks["scheduler"].after == ()
    assert set(tasks["dag"].needs) == {"scheduler", "dag-processor", "api-server"}


def test_a_dag_processor_of_airflow_2_gets_its_switch() -> None:
    switch = "AIRFLOW__SCHEDULER__STANDALONE_DAG_PROCESSOR"
    assert make_environment("2.8.1", SERVER, "dag-processor")[switch] == "true"
    assert switch not in make_environment("2.8.1")
    assert switch not in make_environment("3.3.2")


def test_nothing_sets_the_port_that_a_check_wants_to_see() -> None:
    assert not [key for key in make_environment("2.8.1", SQLITE) if "PORT" in key.split("_")]


def test_a_session_label_holds_no_secret() -> None:
    assert "hunter2" not in SessionOwner("s", 1, 2, "b", "n").format_label()


def test_secrets_of_the_image_and_of_the_roles_are_masked() -> None:
    attrs = {"Config": {"Env": ["A_TOKEN=from-the-image", "PATH=/usr/bin", "EMPTY"]}}
    made = make_environment("2.8.1")
    hidden = _find_hidden(attrs, made, SERVER)
    ours = f"{made['AIRFLOW__CORE__FERNET_KEY']} {made['AIRFLOW__WEBSERVER__SECRET_KEY']}"
    said = mask_values(f"from-the-image /usr/bin {ours} hunter2 db.example", hidden)
    assert said == "*** /usr/bin *** *** *** db.example"
    assert _find_hidden({}, {}, environment.NO_DATABASE) == ()
