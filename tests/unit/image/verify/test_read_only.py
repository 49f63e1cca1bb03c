"""How a role is started on a read-only root file system, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.airflow.releases import find_release
from builder.image.verify import read_only, roles
from builder.image.verify.bench import VerifyContext
from builder.image.verify.environment import NO_DATABASE
from builder.image.verify.plan import VerifyPlan
from builder.image.verify.scheduler import CheckFailure, CheckPassed, NotApplicable

if TYPE_CHECKING:
    from builder.airflow.model import Role

TMP = read_only.TEMPORARY
RELEASE = find_release("2.8.1")
INIT, WEBSERVER, SCHEDULER = RELEASE.roles
TRIGGERER = next(role for role in RELEASE.optional_roles if role.name == "triggerer")
WORKER = next(role for role in RELEASE.optional_roles if role.name == "worker")


class Yard:
    """Starts nothing, and has some files."""

    def __init__(self, *files: str) -> None:
        self.files, self.started = files, list[Any]()

    def read_image_file(self, path: str) -> bytes | None:
        return b"" if path in self.files else None

    def start(self, start: Any) -> Any:
        self.started.append(start)
        return type("Box", (), {"terminate": lambda _: True})()


def bench(*plan: Role, files: tuple[str, ...] = (), env: tuple[str, ...] = (), version: str = "2.8.1") -> VerifyContext:
    nothing: Any = None
    yard: Any = Yard(*files)
    made = VerifyContext(
        VerifyPlan(version, (), plan, "sqlite"),
        {"Config": {"Env": [*env]}},
        nothing,
        yard,
        NO_DATABASE,
        {},
        nothing,
        "x_y",
    )
    made.selected = frozenset({"read-only"})
    return made


@pytest.mark.parametrize(
    ("plan", "chosen"),
    [
        ((INIT, WEBSERVER, SCHEDULER), WEBSERVER),
        ((INIT, SCHEDULER, TRIGGERER), TRIGGERER),
        ((INIT, SCHEDULER), None),
        ((SCHEDULER, WORKER), None),
    ],
)
def test_the_web_server_else_one_that_takes_no_work_from_others(plan: tuple[Role, ...], chosen: Role | None) -> None:
    assert read_only.find_read_only_role(bench(*plan).plan) == chosen


def test_airflows_own_files_go_to_the_tmpfs() -> None:
    made = read_only.make_read_only_options(bench(WEBSERVER), WEBSERVER)
    assert made.read_only
    assert made.tmpfs == (TMP, "/opt/airflow/logs")
    assert made.command == ("webserver", "--pid", f"{TMP}/airflow-webserver.pid")
    assert made.environment["AIRFLOW_CONFIG"] == f"{TMP}/airflow.cfg"
    assert made.environment["AIRFLOW__WEBSERVER__CONFIG_FILE"] == f"{TMP}/webserver_config.py"
    assert made.files == ()
    assert (made.alias, made.hostname) == ("read-only", "read-only-y")


def test_airflow_3_writes_other_files() -> None:
    made, server = bench(version="3.0.2"), find_release("3.0.2").roles[1]
    options = read_only.make_read_only_options(made, server)
    assert options.command == ("api-server",)
    assert {name: value for name, value in options.environment.items() if value.startswith(TMP)} == {
        "AIRFLOW_CONFIG": f"{TMP}/airflow.cfg",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": f"{TMP}/simple_auth_manager_passwords.json.generated",
    }


def test_files_that_the_image_brings_stay_where_they_are() -> None:
    files = ("/opt/airflow/airflow.cfg", "/opt/airflow/webserver_config.py")
    made = read_only.make_read_only_options(bench(WEBSERVER, files=files), WEBSERVER)
    assert not {"AIRFLOW_CONFIG", "AIRFLOW__WEBSERVER__CONFIG_FILE"} & set(made.environment)


def test_logs_that_the_image_moves_have_their_tmpfs_there() -> None:
    made = bench(TRIGGERER, env=("AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/log/airflow",))
    options = read_only.make_read_only_options(made, TRIGGERER)
    assert options.tmpfs == (TMP, "/var/log/airflow")
    assert options.command == ("triggerer",)


def test_it_is_watched_under_a_name_of_its_own_where_it_is_asked_for() -> None:
    made = bench(INIT, WEBSERVER)
    watched = read_only.make_watched_role(made)
    assert watched is not None
    assert (watched.name, watched.health) == ("read-only", WEBSERVER.health)
    made.selected = frozenset()
    assert read_only.make_watched_role(made) is None


def checked(monkeypatch: pytest.MonkeyPatch, error: CheckFailure | None = None) -> tuple[str, Role]:
    made, asked = bench(WEBSERVER, SCHEDULER, env=("AIRFLOW__WEBSERVER__BASE_URL=http://x/a",)), list[Any]()
    made.observer_ready.set()
    made.observer = object()  # type: ignore[assignment] # nobody asks it

    def wait(role: Role, *_: Any) -> CheckPassed:
        asked.append(role)
        if error is not None:
            raise error
        return CheckPassed("port 8080/a/health: metadatabase is healthy")

    monkeypatch.setattr(roles, "wait_for_server", wait)
    return read_only.check_read_only(made).message, asked[0]


def test_it_is_believed_on_its_own_health(monkeypatch: pytest.MonkeyPatch) -> None:
    message, asked = checked(monkeypatch)
    assert message.startswith("webserver, port 8080/a/health")
    assert (asked.name, getattr(asked.health, "path", ""), getattr(asked.health, "json_components", ())) == (
        "read-only",
        "/a/health",
        ("metadatabase",),
    )


def test_a_failure_says_what_it_was_started_on(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = CheckFailure("read-only ended with exit code 3", log="Read-only file system: '/x'")
    with pytest.raises(
        CheckFailure, match=r"the webserver does not work on a read-only file system: .* code 3"
    ) as caught:
        checked(monkeypatch, failure)
    assert caught.value.log == "Read-only file system: '/x'"
    with pytest.raises(NotApplicable, match="no role beside the scheduler"):
        read_only.check_read_only(bench(INIT, SCHEDULER))


@pytest.mark.parametrize(
    ("version", "role", "words"),
    [
        (
            "2.8.1",
            "webserver",
            "AIRFLOW_CONFIG and AIRFLOW__WEBSERVER__CONFIG_FILE, and --pid its process ID, as docs",
        ),
        ("3.3.2", "api-server", "AIRFLOW_CONFIG and AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE, as docs"),
        ("3.3.2", "triggerer", "are moved by AIRFLOW_CONFIG, as docs"),
    ],
)
def test_the_hint_names_what_moves_the_files_of_this_version(
    version: str, role: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = find_release(version)
    made = bench(next(one for one in release.all_roles if one.name == role), version=version)
    made.observer_ready.set()
    made.observer = object()  # type: ignore[assignment] # nobody asks it

    def fail(*_: Any) -> CheckPassed:
        raise CheckFailure("read-only ended with exit code 3")

    monkeypatch.setattr(roles, "wait_for_server", fail)
    with pytest.raises(CheckFailure) as caught:
        read_only.check_read_only(made)
    assert words in caught.value.hint
