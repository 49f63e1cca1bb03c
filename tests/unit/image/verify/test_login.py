"""Who is to log in where, and what the observer's answer is worth."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from builder.airflow.model import HttpHealth, Role
from builder.airflow.releases import find_release
from builder.image.verify import environment, login
from builder.image.verify.bench import VerifyContext
from builder.image.verify.observer import make_observer_options
from builder.image.verify.plan import VerifyPlan
from builder.image.verify.scheduler import CheckFailure, NotApplicable

ROLES = find_release("2.8.1").roles
USER = environment.make_verify_user(environment.NO_DATABASE)


class Said:
    """An observer that has said one thing, or nothing."""

    def __init__(self, found: tuple[bool, str] | None) -> None:
        self._found, self.asked = found, ""

    def wait(self, event: str, *_: Any) -> tuple[bool, str] | None:
        self.asked = event
        return self._found

    def require_running(self, _: str) -> None:
        """It runs."""


class Box:
    def read_logs(self) -> str:
        return "the web server's log"


def bench(
    *, roles: Any = ROLES, version: str = "2.8.1", env: tuple[str, ...] = (), selected: Any = ("login",)
) -> VerifyContext:
    nothing: Any = None
    yard: Any = type("Yard", (), {"read_image_file": lambda _self, _path: None})()
    made = VerifyContext(
        VerifyPlan(version, (), roles, "sqlite"),
        {"Config": {"Env": [*env]}},
        nothing,
        yard,
        environment.NO_DATABASE,
        {},
        nothing,
        "optbuild_verify_x",
        user=USER,
    )
    made.selected = frozenset(selected)
    return made


def check(made: VerifyContext, found: tuple[bool, str] | None) -> str:
    said: Any = Said(found)
    box: Any = Box()
    made.observer = said
    made.observer_ready.set()
    made.boxes["webserver"] = box
    message = login.check_login(made).message
    assert said.asked == "login:webserver"
    return message


def test_the_user_that_init_makes_is_to_log_in_where_the_web_server_is() -> None:
    made = bench(env=("AIRFLOW__WEBSERVER__BASE_URL=https://x/a", "AIRFLOW__WEBSERVER__WEB_SERVER_SSL_CERT=/c"))
    [(role, question)] = login.make_login_questions(made).items()
    assert (role, question.base) == ("webserver", "https://webserver:8080/a")
    assert (question.form, question.home, question.role) == ("/login/", "/home", "Admin")
    assert question.token is None
    assert question.user["username"] == USER["_AIRFLOW_WWW_USER_USERNAME"]
    assert question.user["password"] == USER["_AIRFLOW_WWW_USER_PASSWORD"]
    assert question.user["password"] not in repr(question)


def test_the_observer_is_given_the_question() -> None:
    questions = login.make_login_questions(bench())
    made = make_observer_options({}, jobs={}, http={}, login=questions, dag_id=None, seconds=1.0)
    asked = json.loads(made.environment["OPTBUILD_VERIFY"])["login"]["webserver"]
    assert asked["base"] == "http://webserver:8080"
    assert "login.py" in "".join(path for path, _ in made.files)


def test_nobody_logs_in_where_nobody_asks_for_it() -> None:
    assert login.make_login_questions(bench(selected=("webserver",))) == {}
    assert login.make_login_questions(bench(roles=ROLES[1:])) == {}


def test_what_was_seen_and_what_was_not() -> None:
    assert check(bench(), (True, "/home and 2 scripts")) == "/home and 2 scripts"
    with pytest.raises(CheckFailure, match="/home: HTTP status 500") as caught:
        check(bench(), (False, "/home: HTTP status 500"))
    assert caught.value.log == "the web server's log"
    assert "templates and static files" in caught.value.hint
    with pytest.raises(CheckFailure, match="nobody could log in within 120 s"):
        check(bench(), None)


@pytest.mark.parametrize(
    ("roles", "version", "words"),
    [
        (ROLES[1:], "2.8.1", "no role makes a user"),
        ((ROLES[0], ROLES[2]), "2.8.1", "no role is a web server"),
        ((ROLES[0], Role("docs", ("serve",), HttpHealth("/", 1))), "2.8.1", "of which it is known how people log in"),
        (find_release("3.0.2").roles, "3.0.2", "AIRFLOW__CORE__AUTH_MANAGER does not name FAB's auth manager"),
    ],
)
def test_where_nobody_could_the_reason_is_said(roles: Any, version: str, words: str) -> None:
    with pytest.raises(NotApplicable, match=words):
        login.check_login(bench(roles=roles, version=version))


def test_airflow_3_has_the_form_elsewhere_and_with_its_auth_manager_alone() -> None:
    roles, fab = find_release("3.0.2").roles, "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
    set_so = bench(roles=roles, version="3.0.2", env=(f"AIRFLOW__CORE__AUTH_MANAGER={fab}",))
    [(role, question)] = login.make_login_questions(set_so).items()
    assert (role, question.base, question.form, question.home) == (
        "api-server",
        "http://api-server:8080",
        "/auth/login/",
        "/",
    )
    assert question.token == ("/auth/token", "/api/v2/dags?limit=1")
    assert login.make_login_questions(bench(roles=roles, version="3.0.2")) == {}


def test_a_web_server_that_a_spec_asks_otherwise_is_still_logged_in_to() -> None:
    own = replace(ROLES[1], health=HttpHealth("/ping", 9090))
    [(_, question)] = login.make_login_questions(bench(roles=(ROLES[0], own))).items()
    assert question.base == "http://webserver:9090"
