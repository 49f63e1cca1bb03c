"""Where a role answers: its image, its airflow.cfg and its own variables may move it; what a spec says stays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from builder.airflow.model import HttpHealth, Role
from builder.airflow.releases import find_release
from builder.image.verify import settings
from builder.image.verify.bench import VerifyContext
from builder.image.verify.environment import NO_DATABASE
from builder.image.verify.plan import VerifyPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

WEB = "AIRFLOW__WEBSERVER__"
WEBSERVER = next(role for role in find_release("2.8.1").roles if role.name == "webserver")
API_SERVER = next(role for role in find_release("3.0.2").roles if role.name == "api-server")
HEALTH = HttpHealth("/health", 8080, ("metadatabase", "scheduler"))


class Files:
    """A factory of containers whose image has one airflow.cfg."""

    def __init__(self, text: str | None = None) -> None:
        self.text, self.asked = text, list[str]()

    def read_image_file(self, path: str) -> bytes | None:
        self.asked.append(path)
        return None if self.text is None else self.text.encode()


def bench(role: Role, *env: str, version: str = "2.8.1", files: Files | None = None, **mine: str) -> VerifyContext:
    nothing: Any = None
    yard: Any = files or Files()
    plan = VerifyPlan(version, (), (role,), "sqlite")
    attrs: Mapping[str, Any] = {"Config": {"Env": ["AIRFLOW_HOME=/opt/airflow", *env]}}
    return VerifyContext(plan, attrs, nothing, yard, NO_DATABASE, mine, nothing, "optbuild_verify_x")


def url(made: VerifyContext) -> str:
    [role] = made.plan.roles
    assert isinstance(role.health, HttpHealth)
    return settings.format_health_url(made, role, role.health, "h")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ((), "http://h:8080/health"),
        ((f"{WEB}BASE_URL=http://localhost:8080/airflow",), "http://h:8080/airflow/health"),
        ((f"{WEB}WEB_SERVER_SSL_CERT=/c.pem", f"{WEB}BASE_URL=https://x/a/b"), "https://h:8080/a/b/health"),
        ((f"{WEB}WEB_SERVER_PORT=9090",), "http://h:9090/health"),
    ],
)
def test_the_image_moves_it(variables: tuple[str, ...], expected: str) -> None:
    assert url(bench(WEBSERVER, *variables)) == expected


def test_airflow_3_reads_its_own_names() -> None:
    moved = (f"{WEB}BASE_URL=http://x/no", "AIRFLOW__API__BASE_URL=http://x/yes", "AIRFLOW__API__SSL_CERT=/c")
    assert url(bench(API_SERVER, *moved, version="3.0.2")) == "https://h:8080/yes/api/v2/monitor/health"


def test_the_roles_own_variables_and_words_count_more_than_the_image() -> None:
    role = replace(WEBSERVER, environment=((f"{WEB}BASE_URL", "http://x/mine"),), command=("webserver", "--port", "7"))
    assert url(bench(role, f"{WEB}BASE_URL=http://x/image", f"{WEB}WEB_SERVER_PORT=9")) == "http://h:7/mine/health"


def test_what_a_spec_says_is_not_moved_again() -> None:
    role = replace(WEBSERVER, health=HttpHealth("/airflow/health", 9090))
    made = bench(role, f"{WEB}BASE_URL=http://x/airflow", f"{WEB}WEB_SERVER_PORT=1", f"{WEB}WEB_SERVER_SSL_CERT=/c")
    assert url(made) == "https://h:9090/airflow/health"
    assert isinstance(role.health, HttpHealth)
    assert (
        settings.find_role_address(made, role, role.health).format_url("h", "/login/")
        == "https://h:9090/airflow/login/"
    )


def test_a_role_that_is_not_of_airflow_stays_where_its_spec_says() -> None:
    made = bench(Role("docs", ("bash", "-c", "serve"), HttpHealth("/", 5000)), f"{WEB}BASE_URL=http://x/airflow")
    assert url(made) == "http://h:5000/"
    assert settings.list_web_ports(made) == {}


def test_the_configuration_file_is_read_once_and_variables_count_more() -> None:
    files = Files("[webserver]\nbase_url = http://x/file\nweb_server_port = 9\n[core]\n")
    made = bench(WEBSERVER, f"{WEB}WEB_SERVER_PORT=10", files=files)
    assert url(made) == "http://h:10/file/health"
    assert files.asked == ["/opt/airflow/airflow.cfg"]
    assert settings.list_web_ports(made) == {"webserver": 10}
    moved = Files()
    assert url(bench(WEBSERVER, "AIRFLOW_CONFIG=/etc/a.cfg", files=moved)) == "http://h:8080/health"
    assert moved.asked == ["/etc/a.cfg"]


@pytest.mark.parametrize("data", [None, b"", b"\xff\xfe", b"no section", b"[a\nb"])
def test_a_file_that_is_not_airflows_says_nothing(data: bytes | None) -> None:
    assert settings.parse_configuration(data) == {}


def test_percent_signs_and_double_keys_are_no_errors() -> None:
    found = settings.parse_configuration(b"[Logging]\nlog_format = [%%(asctime)s] %(x)s\n[core]\na = 1\na = 2\n")
    assert found["core", "a"] == "2"
    assert found["logging", "log_format"] == "[%%(asctime)s] %(x)s"


def test_port_and_path_of_the_health_are_those_that_are_asked() -> None:
    made = bench(WEBSERVER, f"{WEB}BASE_URL=http://x/a", f"{WEB}WEB_SERVER_PORT=9")
    assert settings.move_health(made, WEBSERVER, HEALTH) == replace(HEALTH, path="/a/health", port=9)
