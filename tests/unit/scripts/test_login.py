"""The visitor of the web interface: what it takes for a page, a form and a file, and what it refuses."""

from __future__ import annotations

import email.message
import importlib.util
import io
import json
import urllib.parse
import urllib.request
import urllib.response
from typing import Any, cast

import pytest

from builder.core.resources import find_template_folder


def load() -> Any:
    spec = importlib.util.spec_from_file_location("login", find_template_folder() / "verify" / "login.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LOGIN = load()
FORM = (
    '<form><input type="hidden" name="csrf_token" value="t0ken"><input name="username">'
    '<input type="password" name="password"></form>'
)
SCRIPT = '<script src="/a/static/main.js"></script>'
FILES = '<link rel="stylesheet" href="/a/static/main.css"><script src="static/main.js"></script><script>inline</script>'
OUTSIDE = '<script src="https://elsewhere.example/x.js"></script><link rel="icon" href="/a/none.png">'
HOME = f"<html><title>DAGs - Airflow</title>{FILES}{OUTSIDE}</html>"


class Server(urllib.request.BaseHandler):
    """Answers in the place of a network: path → status, content type, body."""

    handler_order = 0

    def __init__(self, **changes: Any) -> None:
        self.pages: dict[str, tuple[int, str, str]] = {
            "/a/login/": (200, "text/html; charset=utf-8", FORM),
            "/a/home": (200, "text/html", HOME),
            "/a/static/main.css": (200, "text/css", "a {}"),
            "/a/static/main.js": (200, "text/javascript; charset=utf-8", "1"),
            **changes,
        }
        self.asked: list[str] = []
        self.posted: dict[str, str] = {}
        self.good = {"csrf_token": "t0ken", "username": "me", "password": "secret"}

    def http_open(self, request: urllib.request.Request) -> Any:
        parts = urllib.parse.urlsplit(request.full_url)
        self.asked.append(parts.path)
        assert parts.netloc == "web:8080"
        headers: dict[str, str] = {}
        status, kind, body = self.pages.get(parts.path, (404, "text/html", "not found"))
        if request.data is not None:
            self.posted = dict(urllib.parse.parse_qsl(cast("bytes", request.data).decode()))
            if request.get_header("Referer") != "http://web:8080/a/login/":
                status = 400
            elif self.posted == self.good:
                status, headers = 302, {"Location": "/a/home", "Set-Cookie": "session=s; Secure; HttpOnly; Path=/a"}
        elif parts.path == "/a/home" and request.get_header("Cookie") != "session=s":
            status, headers = 302, {"Location": "/a/login/?next=home"}
        return self._answer(request, status, kind, body, headers)

    def _answer(self, request: Any, status: int, kind: str, body: str, headers: dict[str, str]) -> Any:
        message = email.message.Message()
        for name, value in {"Content-Type": kind, **headers}.items():
            message[name] = value
        response: Any = urllib.response.addinfourl(io.BytesIO(body.encode()), message, request.full_url, status)
        response.msg = str(status)
        return response


USER = {"username": "me", "password": "secret"}


def look(server: Server, user: dict[str, str] | None = None) -> str:
    said: str = LOGIN.look(LOGIN.Browser(server), "http://web:8080/a", "/login/", "/home", user or USER)
    return said


def test_the_user_sees_the_page_behind_the_login_and_its_files() -> None:
    server = Server()
    assert look(server) == "/a/login/ and /a/home: 1 scripts and 1 style sheets that they name are there"
    assert server.posted == server.good
    assert server.asked[-2:] == ["/a/static/main.css", "/a/static/main.js"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"/a/login/": (500, "text/html", "")}, "/a/login/: HTTP status 500"),
        ({"/a/login/": (200, "text/html", "<p>Airflow</p>")}, "/a/login/: it has no field for a password"),
        ({"/a/home": (500, "text/html", "")}, "/a/home: HTTP status 500"),
        ({"/a/home": (403, "text/html", "Airflow: no roles")}, "/a/home: HTTP status 403"),
        ({"/a/home": (204, "text/html", "")}, "/a/home: HTTP status 204"),
        ({"/a/home": (200, "application/json", '{"a": "airflow"}')}, "it is not a page of Airflow"),
        ({"/a/home": (200, "text/html", FILES)}, "it is not a page of Airflow"),
        ({"/a/home": (200, "text/html", "Airflow")}, "/a/home: it names no script"),
        ({"/a/home": (200, "text/html", "Airflow" + OUTSIDE)}, "/a/home: it names no script"),
        ({"/a/home": (200, "text/html", "Airflow" + SCRIPT)}, "/a/home: neither it nor the login page names a style"),
        ({"/a/static/main.css": (404, "text/html", "x")}, "/a/static/main.css: HTTP status 404"),
        ({"/a/static/main.css": (200, "text/css", "")}, "/a/static/main.css: the style sheet is empty"),
        ({"/a/static/main.js": (200, "text/html", "<html>")}, "/a/static/main.js: the script comes as text/html"),
    ],
)
def test_what_people_could_not_use_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(LOGIN.WebError, match=words):
        look(Server(**changes))


def test_a_refused_password_is_said() -> None:
    with pytest.raises(LOGIN.WebError, match="/a/login/: user and password are refused"):
        look(Server(), {"username": "me", "password": "wrong"})


def test_where_nobody_can_log_in_the_login_page_itself_is_looked_at() -> None:
    server = Server(**{"/a/login/": (200, "text/html", HOME.replace("static/main.js", "/a/static/main.js"))})
    assert LOGIN.look(LOGIN.Browser(server), "http://web:8080/a", "/login/", "/home").startswith("/a/login/: 1 scripts")
    assert server.posted == {}


def test_a_style_sheet_of_the_login_page_is_enough_and_a_base_is_minded() -> None:
    """As in Airflow 3, whose page behind the login is a script that loads the rest."""
    home = '<base href="/a/static/">Airflow<script type="module" src="./main.js"></script>'
    style = '<link rel="stylesheet" href="/a/static/main.css">'
    server = Server(**{"/a/login/": (200, "text/html", style + FORM), "/a/home": (200, "text/html", home)})
    assert "1 scripts and 1 style sheets" in look(server)
    broken = Server(
        **{
            "/a/login/": (200, "text/html", style + FORM),
            "/a/home": (200, "text/html", home),
            "/a/static/main.css": (404, "text/html", ""),
        }
    )
    with pytest.raises(LOGIN.WebError, match=r"/a/static/main\.css: HTTP status 404"):
        look(broken)


class Api(urllib.request.BaseHandler):
    """Gives the one user a token, and answers who has it."""

    handler_order = 0

    def __init__(self, *, given: str = '{"access_token": "t0ken"}', taken: str = "Bearer t0ken") -> None:
        self.given, self.taken = given, taken

    def http_open(self, request: urllib.request.Request) -> Any:
        path = urllib.parse.urlsplit(request.full_url).path
        if path == "/a/auth/token":
            assert request.get_header("Content-type") == "application/json"
            fine = json.loads(cast("bytes", request.data)) == USER
            return self._answer(request, 201 if fine else 401, self.given if fine else '{"detail": "Invalid"}')
        assert (path, request.data) == ("/a/api/v2/dags", None)
        fine = request.get_header("Authorization") == self.taken
        return self._answer(request, 200 if fine else 403, '{"dags": []}' if fine else '{"detail": "Forbidden"}')

    def _answer(self, request: Any, status: int, body: str) -> Any:
        response: Any = urllib.response.addinfourl(
            io.BytesIO(body.encode()), email.message.Message(), request.full_url, status
        )
        response.msg = str(status)
        return response


def use_token(api: Api, user: dict[str, str] = USER) -> str:
    page = "/api/v2/dags?limit=1"
    said: str = LOGIN.use_token(LOGIN.Browser(api), "http://web:8080/a", "/auth/token", page, user)
    return said


def test_the_user_is_given_a_token_that_the_api_takes() -> None:
    assert use_token(Api()) == "/auth/token gives a token, and /api/v2/dags takes it"


@pytest.mark.parametrize(
    ("api", "user", "words"),
    [
        (Api(), {"username": "me", "password": "wrong"}, "/a/auth/token: HTTP status 401: .*Invalid"),
        (Api(given="[]"), USER, "/auth/token: there is no token in the answer"),
        (Api(given="{}"), USER, "/auth/token: there is no token in the answer"),
        (Api(given="<html>"), USER, "/a/auth/token: Expecting value"),
        (
            Api(taken="Bearer another"),
            USER,
            "the token that /auth/token gave is refused: /a/api/v2/dags: HTTP status 403: .*Forbidden",
        ),
    ],
)
def test_a_token_that_is_not_given_or_not_taken_is_said(api: Api, user: dict[str, str], words: str) -> None:
    with pytest.raises(LOGIN.WebError, match=words):
        use_token(api, user)
