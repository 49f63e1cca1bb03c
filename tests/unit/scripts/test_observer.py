"""The observer asks the roles themselves, whatever proxy the image names, and logs in as far as the image lets it."""

from __future__ import annotations

import importlib.util
import sys
import urllib.request
from typing import Any

import pytest

from builder.core.resources import find_template_folder


def load() -> Any:
    spec = importlib.util.spec_from_file_location("observer", find_template_folder() / "verify" / "observer.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Seen(urllib.request.BaseHandler):
    """Notes whom a request goes to; runs behind a ProxyHandler, in place of the network."""

    handler_order = 200

    def __init__(self) -> None:
        self.hosts: list[str] = []

    def http_open(self, request: urllib.request.Request) -> Any:
        self.hosts.append(request.host)
        raise OSError("nobody")

    https_open = http_open


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_request_goes_to_a_proxy(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    observer, seen = load(), Seen()
    observer.OPENER.add_handler(seen)
    assert observer.fetch(f"{scheme}://webserver:8080/health") == ""
    assert seen.hosts == ["webserver:8080"]
    usual = Seen()
    with pytest.raises(OSError, match="nobody"):
        urllib.request.build_opener(usual).open(f"{scheme}://webserver:8080/health")
    assert usual.hosts == ["proxy.example:3128"], "without that the request would go there"


QUESTION = {
    "base": "http://webserver:8080",
    "form": "/login/",
    "home": "/home",
    "user": {"username": "me", "password": "secret"},
    "role": "Public",
    "token": None,
}


class Visitor:
    """In place of login.py: sees something, or says why not."""

    class WebError(Exception):
        """As login.py's."""

    def __init__(self, problem: str = "", refusal: str = "") -> None:
        self.problem, self.refusal, self.users = problem, refusal, list[Any]()

    def Browser(self, *_: Any) -> None:  # noqa: N802 - the class of that name
        """Nothing is opened."""

    def look(self, _browser: Any, base: str, form: str, home: str, user: Any = None) -> str:
        self.users.append(user)
        if self.problem:
            raise self.WebError(self.problem)
        return base + (home if user else form)

    def use_token(self, _browser: Any, base: str, token: str, page: str, user: Any) -> str:
        self.users.append(user)
        if self.refusal:
            raise self.WebError(self.refusal)
        return f"{base}{token} and {page}"


def log_in(
    monkeypatch: pytest.MonkeyPatch,
    visitor: Visitor,
    *,
    kind: int = 1,
    exists: bool = True,
    token: tuple[str, str] | None = None,
) -> tuple[bool, str, list[str]]:
    observer, given = load(), list[str]()
    monkeypatch.setitem(sys.modules, "login", visitor)
    monkeypatch.setattr(observer, "auth_type", lambda: kind)

    def give_role(_: str, role: str) -> bool:
        given.append(role)
        return exists

    monkeypatch.setattr(observer, "give_role", give_role)
    ok, words = observer.log_in(**{**QUESTION, "token": token})
    return ok, words, given


def test_the_user_may_look_for_this_moment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = Visitor()
    assert log_in(monkeypatch, visitor) == (True, "http://webserver:8080/home", ["Viewer", "Public"])
    assert visitor.users == [QUESTION["user"]]


TOKEN = ("/auth/token", "/api/v2/dags")


def test_where_tokens_are_given_the_user_is_given_one_and_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ok, words, given = log_in(monkeypatch, Visitor(), token=TOKEN)
    assert (ok, given) == (True, ["Viewer", "Public"])
    assert words == "http://webserver:8080/home; http://webserver:8080/auth/token and /api/v2/dags"
    found = log_in(monkeypatch, Visitor(refusal="/auth/token: HTTP status 401"), token=TOKEN)
    assert found == (False, "/auth/token: HTTP status 401", ["Viewer", "Public"])


def test_the_role_is_taken_away_whatever_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    found = log_in(monkeypatch, Visitor("/home: HTTP status 500"))
    assert found == (False, "/home: HTTP status 500", ["Viewer", "Public"])


def test_a_user_that_init_did_not_make_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    ok, words, _ = log_in(monkeypatch, Visitor(), exists=False)
    assert (ok, words) == (False, "the user that init was to make is not in the database")


@pytest.mark.parametrize(("kind", "words"), [(0, "OpenID"), (2, "LDAP"), (4, "OAuth"), (9, "users are those of 9")])
def test_where_users_come_from_elsewhere_the_login_page_is_looked_at(
    kind: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor()
    ok, said, given = log_in(monkeypatch, visitor, kind=kind)
    assert (ok, given, visitor.users) == (True, [], [None])
    assert said.startswith("http://webserver:8080/login/; nobody logs in here")
    assert words in said


def test_where_a_server_in_front_says_who_it_is_there_is_nothing_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = Visitor()
    ok, said, _ = log_in(monkeypatch, visitor, kind=3)
    assert ok
    assert said.startswith("nothing was looked at")
    assert visitor.users == []
