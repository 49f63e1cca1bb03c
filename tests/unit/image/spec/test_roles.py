"""Which roles a spec starts, in which order."""

from __future__ import annotations

from pathlib import Path

from builder.airflow.model import HttpHealth, JobHealth, Role
from builder.image.spec.reader import parse_spec
from builder.image.spec.roles import resolve_roles

SPEC = """\
[image]
name = "a"
[base]
debian = "bookworm"
[airflow]
version = "2.8.1"
[python]
version = "3.11"
"""


def roles(text: str = "") -> tuple[Role, ...]:
    return resolve_roles(parse_spec(SPEC + text, "optbuild.toml", Path("/project")))


def names(text: str = "") -> list[str]:
    return [role.name for role in roles(text)]


def test_the_default_roles() -> None:
    assert names() == ["init", "webserver", "scheduler"]


def test_a_role_is_switched_off() -> None:
    assert names("[roles.webserver]\nenabled = false\n") == ["init", "scheduler"]


def test_an_optional_role_is_on_when_it_is_named() -> None:
    assert roles("[roles.triggerer]\n")[-1] == Role(
        "triggerer", ("triggerer",), JobHealth("TriggererJob"), reads_dags=True
    )
    assert names("[roles.triggerer]\nenabled = false\n") == names()


def test_own_roles_come_last_in_the_order_of_the_file() -> None:
    text = '[roles.zeta]\ncommand = ["bash", "-c"]\n[roles.alpha]\ncommand = ["x"]\n[roles.triggerer]\n'
    assert names(text) == ["init", "webserver", "scheduler", "triggerer", "zeta", "alpha"]


def test_a_role_is_changed() -> None:
    text = '[roles.webserver]\ncommand = ["webserver", "--debug"]\nhealth = { http = "/ping", port = 9090 }\n'
    assert roles(text)[1] == Role("webserver", ("webserver", "--debug"), HttpHealth("/ping", 9090))


def test_a_change_of_the_command_keeps_the_health() -> None:
    assert roles('[roles.scheduler]\ncommand = ["scheduler", "-n", "1"]\n')[2].health == JobHealth("SchedulerJob")


def test_a_base_has_none() -> None:
    assert resolve_roles(parse_spec(SPEC.replace("[base]", 'kind = "base"\n[base]'), "a.toml", Path("/p"))) == ()
