"""OB201: what a service starts, and whether its Airflow has that."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from project_factories import AIRFLOW, build, facts, project, seed, service

from builder.compose.model import Mount
from builder.compose.rules.commands import find_invalid_commands
from builder.compose.rules.context import RuleContext
from builder.compose.sharing.groups import group_services

if TYPE_CHECKING:
    from builder.findings.model import Finding


def look(*, version: str | None = "2.8.1", official: bool = True, command: Any = None, **keys: Any) -> RuleContext:
    """One service of Airflow that starts ``command``."""
    if isinstance(command, str):
        command = tuple(command.split())
    base = "apache/airflow:x" if official else "registry.example/airflow:x"
    known = {"web": replace(facts(airflow=True, base=base), airflow_version=version)}
    made = project(service("web", build=build(), environment=AIRFLOW, command=command, **keys))
    return RuleContext(made, group_services(made, known), known)


def findings(**keys: Any) -> list[Finding]:
    return list(find_invalid_commands(look(**keys)))


def test_the_seed_project() -> None:
    made = seed(airflow_init={"command": ("db", "init")}, airflow_webserver={"command": None})
    known = {
        name: replace(facts(airflow=True, base="apache/airflow:2.8.1"), airflow_version="2.8.1")
        for name in ("airflow-init", "airflow-scheduler", "airflow-webserver")
    }
    found = {
        one.services[0]: one for one in find_invalid_commands(RuleContext(made, group_services(made, known), known))
    }
    assert set(found) == {"airflow-init", "airflow-webserver"}
    assert found["airflow-init"].fix == "command: db migrate"
    assert "default connections" in found["airflow-init"].details[0]
    assert found["airflow-webserver"].fix == "command: webserver"
    assert "prints its help" in found["airflow-webserver"].message


@pytest.mark.parametrize(
    "command",
    [
        ("bash", "-c", "airflow db init && airflow webserver"),
        ("bash", "-c", "set -e\nif true; then\n  airflow db init\nfi\nexec airflow scheduler"),
        ("bash", "-c", "sleep 5; /entrypoint airflow db init"),
        ("bash", "-c", "/entrypoint db init"),
        ("bash", "-c", "python -m airflow db init"),
        ("airflow", "db", "init"),
        ("db", "init"),
    ],
)
def test_every_way_to_call_it(command: tuple[str, ...]) -> None:
    (found,) = findings(command=command)
    assert "`airflow db init`" in found.message


@pytest.mark.parametrize(
    ("command", "version"),
    [
        ("db migrate", "2.8.1"),
        ("webserver", "2.8.1"),
        ("webserver", None),
        ("api-server", "3.0.2"),
        ("db init", "2.5.1"),
        ("bash -c airflow", "2.8.1"),
        (("bash", "-c", "echo airflow db init"), "2.8.1"),
        ("version", "2.8.1"),
        ("users create --role Admin", "2.8.1"),
    ],
)
def test_what_fits_is_silent(command: Any, version: str | None) -> None:
    assert findings(command=command, version=version) == []


def test_an_entrypoint_of_the_service_is_read_with_its_command() -> None:
    (found,) = findings(entrypoint=("/bin/bash", "-c"), command=("airflow db upgrade",))
    assert found.fix == "replace `airflow db upgrade` by `airflow db migrate`"
    assert findings(entrypoint=("/start.sh",), command=None) == []


def test_webserver_in_airflow_3() -> None:
    (found,) = findings(command="webserver --port 8081", version="3.0.2")
    assert found.fix == "replace `webserver` by `api-server`"
    assert "ends at once" in found.message
    assert "dag-processor" in found.details[0]


FAB = {**AIRFLOW, "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"}
FAB_CALLS = ("users create", "roles list", "sync-perm", "bash -c 'airflow db migrate && airflow sync-perm'")


def of_image(image: str, command: str, environment: dict[str, str] | None = None, **keys: Any) -> list[Finding]:
    """Of one service that nobody builds."""
    words = tuple(shlex.split(command)) or None
    made = project(service("web", image=image, command=words, environment=environment or AIRFLOW, **keys))
    return list(find_invalid_commands(RuleContext(made, group_services(made, {}), {})))


@pytest.mark.parametrize("command", FAB_CALLS)
def test_what_airflow_3_has_only_with_fab(command: str) -> None:
    (found,) = of_image("apache/airflow:3.0.2", command)
    assert "which Airflow 3.0.2 has only with the FAB auth manager" in found.message
    assert (found.fix or "").startswith("AIRFLOW__CORE__AUTH_MANAGER: airflow.providers.fab")


@pytest.mark.parametrize("command", FAB_CALLS)
@pytest.mark.parametrize(
    ("image", "keys"),
    [
        ("apache/airflow:3.0.2", {"environment": FAB}),
        ("apache/airflow:3.0.2", {"environment": {**AIRFLOW, "AIRFLOW_CONFIG": "/config/airflow.cfg"}}),
        ("apache/airflow:3.0.2", {"mounts": (Mount("bind", "/c/airflow.cfg", "/opt/airflow/airflow.cfg"),)}),
        ("apache/airflow:3.2.1", {}),
        ("apache/airflow:2.10.5", {}),
        ("registry.example/airflow:4", {}),
    ],
)
def test_fab_may_be_there(command: str, image: str, keys: dict[str, Any]) -> None:
    assert of_image(image, command, **keys) == []


def test_from_3_2_on_the_provider_alone_brings_its_commands() -> None:
    (found,) = of_image("apache/airflow:slim-3.2.1", "users create")
    assert "has only with the FAB provider" in found.message
    assert found.fix == "RUN pip install apache-airflow-providers-fab   # in the Dockerfile"


@pytest.mark.parametrize(
    ("image", "name", "fix"),
    [
        ("apache/airflow:3.1.3", "ui", "command: api-server   # or scheduler, triggerer, db migrate, ..."),
        ("apache/airflow:3.1.3", "airflow-webserver", "command: api-server"),
        ("apache/airflow:2.8.1", "ui", "command: webserver   # or scheduler, triggerer, db migrate, ..."),
        ("apache/airflow:2.6.3", "airflow-init", "command: db upgrade"),
        ("apache/airflow:2.8.1", "airflow-init", "command: db migrate"),
        ("apache/airflow:latest", "airflow-init", "command: db migrate   # before Airflow 2.7: db upgrade"),
        ("apache/airflow:latest", "airflow-webserver", "command: webserver   # from Airflow 3 on: api-server"),
        (
            "apache/airflow:latest",
            "ui",
            "command: webserver   # or api-server in Airflow 3, scheduler, triggerer, db migrate, ...",
        ),
    ],
)
def test_no_command_is_answered_in_words_of_the_version(image: str, name: str, fix: str) -> None:
    made = project(service(name, image=image))
    (found,) = find_invalid_commands(RuleContext(made, group_services(made, {}), {}))
    assert found.fix == fix


@pytest.mark.parametrize(
    ("image", "command", "fixes"),
    [
        ("apache/airflow:1.10.9", "db migrate", ["command: upgradedb"]),
        ("apache/airflow:1.10.9", "airflow db upgrade", ["command: airflow upgradedb"]),
        ("apache/airflow:2.0.2", "db migrate", ["command: db upgrade"]),
        ("apache/airflow:2.1.0", "triggerer", [None]),
        ("apache/airflow:latest", "db init", ["command: db migrate  # from Airflow 2.7 on"]),
        (
            "apache/airflow:latest",
            "bash -c 'airflow db upgrade; airflow webserver'",
            ["replace `airflow db upgrade` by `airflow db migrate`  # from Airflow 2.7 on"],
        ),
        (
            "apache/airflow:2.8.1",
            "bash -c 'airflow db init && airflow db migrate'",
            ["delete `airflow db init`: `airflow db migrate` does it too"],
        ),
        (
            "apache/airflow:2.8.1",
            "bash -c 'airflow db init && airflow db upgrade && airflow webserver'",
            [
                "delete `airflow db init`: `airflow db upgrade` does it too",
                "replace `airflow db upgrade` by `airflow db migrate`",
            ],
        ),
        (
            "apache/airflow:3.0.2",
            "bash -c 'airflow db upgrade; airflow db migrate'",
            ["delete `airflow db upgrade`: `airflow db migrate` does it too"],
        ),
    ],
)
def test_the_fix_fits_the_version_and_the_rest_of_the_command(
    image: str, command: str, fixes: list[str | None]
) -> None:
    assert [found.fix for found in of_image(image, command)] == fixes


def test_no_command_is_fine_where_the_image_has_one() -> None:
    assert len(findings(command=None)) == 1
    assert findings(command=None, official=False) == [], "an image of which nothing is known may have its own"
    made = look(command=None)
    own = {"web": replace(made.facts["web"], command=("webserver",))}
    assert list(find_invalid_commands(replace(made, facts=own))) == []


def test_no_command_of_an_image_that_nobody_builds() -> None:
    made = project(service("scheduler", image="apache/airflow:2.8.1", restart="always"))
    (found,) = find_invalid_commands(RuleContext(made, group_services(made, {}), {}))
    assert found.fix == "command: scheduler"
    assert "forever" in found.message


def test_operators_without_a_shell_are_words() -> None:
    (found,) = (one for one in findings(command="db migrate && webserver") if "shell" in one.message)
    assert (found.fix or "").startswith("command: bash -c")


@pytest.mark.parametrize(
    "command",
    [
        "webserver --hunter2",
        "airflow db init hunter2",
        "airflow db init && airflow users create --password hunter2",
        ("bash", "-c", "airflow db init --token hunter2; airflow users create --password hunter2"),
        "users create --password hunter2",
        ("sh", "-c", "hunter2"),
    ],
)
def test_no_word_of_a_command_is_told_that_may_be_a_password(command: Any) -> None:
    found = findings(command=command, version="3.0.2")
    assert found
    assert "hunter2" not in repr(found)


def test_words_that_the_entrypoint_does_not_pass_on() -> None:
    (found,) = findings(command=("sh", "-c", "airflow webserver"))
    assert "`airflow sh`" in found.message
    assert findings(command=("sh", "-c", "airflow webserver"), official=False) == []
    assert findings(command=("bash", "-c", "airflow webserver")) == []


def test_the_version_may_come_from_a_sharer() -> None:
    made = project(
        service("a", build=build(), image="shop", environment=AIRFLOW, command=("scheduler",)),
        service("b", image="shop", environment=AIRFLOW, command=("db", "init")),
    )
    known = {"a": replace(facts(airflow=True, base="apache/airflow:3.0.2"), airflow_version="3.0.2")}
    (found,) = find_invalid_commands(RuleContext(made, group_services(made, known), known))
    assert "removed in Airflow 3.0" in found.message


def test_another_program_may_have_the_same_words() -> None:
    made = project(service("superset", image="apache/superset:3.1.0", command=("bash", "-c", "superset db init")))
    assert list(find_invalid_commands(RuleContext(made, group_services(made, {}), {}))) == []


@pytest.mark.parametrize("contexts", [(), (("base", "service:base"),)])
def test_what_is_only_there_to_be_built_on_needs_no_command(contexts: tuple[tuple[str, str], ...]) -> None:
    made = project(
        service("base", image="base:1", build=build("Dockerfile.base")),
        service("web", build=build(additional_contexts=contexts), command=("webserver",)),
    )
    foundation = "base" if contexts else "base:1"
    known = {"base": facts(airflow=True, base="apache/airflow:2.8.1"), "web": facts(airflow=True, base=foundation)}
    assert list(find_invalid_commands(RuleContext(made, group_services(made, known), known))) == []
    apart = {**known, "web": facts(airflow=True, base="apache/airflow:2.8.1")}
    if not contexts:
        assert len(list(find_invalid_commands(RuleContext(made, group_services(made, apart), apart)))) == 1
