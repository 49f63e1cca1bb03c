"""Whether anybody keeps the user that a role is to make, and what is said when it is not there."""

from __future__ import annotations

import importlib.util
import json
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from builder.airflow.releases import find_release
from builder.airflow.variables import FAB_AUTH_MANAGER
from builder.core.resources import find_template_folder
from builder.image.verify import environment, users
from builder.image.verify.bench import VerifyContext
from builder.image.verify.plan import VerifyPlan
from builder.image.verify.probes import PROBE_FOLDER, ProbeResult
from builder.image.verify.scheduler import CheckFailure

if TYPE_CHECKING:
    from builder.airflow.model import Role

USER = environment.make_verify_user(environment.NO_DATABASE)
NAME = USER["_AIRFLOW_WWW_USER_USERNAME"]
MANAGER = "AIRFLOW__CORE__AUTH_MANAGER"


class Box:
    def read_logs(self) -> str:
        return "warning: the user was not created"


BOX: Any = Box()


def find_init(version: str) -> Role:
    return find_release(version).roles[0]


def make_context(version: str, *env: str, file: bytes | None = None) -> VerifyContext:
    nothing: Any = None
    yard: Any = type("Yard", (), {"read_image_file": lambda _self, _path: file})()
    made = VerifyContext(
        VerifyPlan(version, (), find_release(version).roles, "sqlite"),
        {"Config": {"Env": [*env]}},
        nothing,
        yard,
        environment.NO_DATABASE,
        {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://database/airflow"},
        nothing,
        "optbuild_verify_x",
        user=USER,
    )
    made.volumes = (("data", "/opt/airflow"),)
    return made


@pytest.mark.parametrize(
    ("version", "manager", "kept"),
    [
        ("2.8.1", "", True),
        ("2.8.1", "airflow.auth.managers.fab.fab_auth_manager.FabAuthManager", True),
        ("2.10.5", "airflow.providers.amazon.aws.auth_manager.aws_auth_manager.AwsAuthManager", False),
        ("3.3.2", "", False),
        ("3.3.2", "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager", False),
        ("3.3.2", FAB_AUTH_MANAGER, True),
        ("3.0.1", "shop.auth.ShopFabAuthManager", True),
    ],
)
def test_users_are_kept_where_fabs_auth_manager_is(version: str, manager: str, *, kept: bool) -> None:
    named = (f"{MANAGER}={manager}",) if manager else ()
    assert users.keeps_users(make_context(version, *named), find_init(version)) is kept
    file = f"[core]\nauth_manager = {manager}\n".encode()
    assert users.keeps_users(make_context(version, file=file), find_init(version)) is kept


def check(
    monkeypatch: pytest.MonkeyPatch, problem: str, version: str = "3.3.2", manager: str = FAB_AUTH_MANAGER
) -> tuple[str, list[Any]]:
    started: list[Any] = []

    def run_probe(_: Any, start: Any, *__: Any) -> ProbeResult:
        started.append(start)
        return ProbeResult(0, "", {"problem": problem})

    monkeypatch.setattr(users, "run_probe", run_probe)
    made = make_context(version, f"{MANAGER}={manager}")
    return users.check_made_user(made, find_init(version), BOX), started


def test_the_database_is_asked_for_the_user_of_this_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    said, [start] = check(monkeypatch, "")
    assert said == "the user that it made is in the database"
    assert start.environment["OPTBUILD_VERIFY"] == NAME
    assert start.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "postgresql://database/airflow"
    assert start.volumes == (("data", "/opt/airflow"),)
    assert [path for path, _ in start.files] == [f"{PROBE_FOLDER}/made_user.py"]


def test_a_role_that_ends_well_without_its_user_fails_with_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckFailure, match="init ended with exit code 0, but the user that it was to make") as caught:
        check(monkeypatch, "the user that it was to make is not in the database")
    assert caught.value.log == "warning: the user was not created"
    assert "only warns" in caught.value.hint


def test_where_nobody_keeps_users_that_and_the_way_to_one_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said, started = check(monkeypatch, "", manager="x.SimpleAuthManager")
    assert started == []
    assert said.startswith("no user is made: AIRFLOW__CORE__AUTH_MANAGER does not name FAB's auth manager")
    assert 'write "fab" into extras of [airflow]' in said
    assert FAB_AUTH_MANAGER in said


def test_a_role_that_makes_no_user_is_not_asked_for_one() -> None:
    assert users.check_made_user(make_context("2.8.1"), find_release("2.8.1").roles[1], BOX) == ""


def load_script() -> Any:
    spec = importlib.util.spec_from_file_location("made_user", find_template_folder() / "verify" / "made_user.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class DatabaseError(Exception):
    """As SQLAlchemy's: ``orig`` is the driver's."""

    orig = 'relation "ab_user" does not exist\nLINE 1: SELECT'


class Alchemy:
    """In place of SQLAlchemy: one table, or none."""

    exc = type("Exceptions", (), {"SQLAlchemyError": DatabaseError})

    def __init__(self, **rows: bool) -> None:
        self.rows, self.urls = rows, list[str]()

    def create_engine(self, url: str) -> Any:
        self.urls.append(url)
        return type("Engine", (), {"connect": lambda _: nullcontext(self)})()

    def text(self, query: str) -> str:
        return query

    def execute(self, query: str, values: dict[str, str]) -> Any:
        assert query == "SELECT active FROM ab_user WHERE username = :name"
        if not self.rows:
            raise DatabaseError
        found = [(active,) for name, active in self.rows.items() if name == values["name"]]
        return type("Result", (), {"fetchall": lambda _: found})()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"me": True}, ""),
        ({"me": False}, "the user that it made is not active"),
        ({"you": True}, "the user that it was to make is not in the database"),
        ({}, 'the database has no users: relation "ab_user" does not exist'),
    ],
)
def test_the_script_looks_for_one_user(
    rows: dict[str, bool], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alchemy = Alchemy(**rows)
    monkeypatch.setitem(sys.modules, "sqlalchemy", alchemy)
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://database/airflow")
    monkeypatch.setenv("OPTBUILD_VERIFY", "me")
    load_script().main()
    assert json.loads(capsys.readouterr().out.removeprefix("optbuild: ")) == {"problem": said}
    assert alchemy.urls == ["postgresql://database/airflow"]
