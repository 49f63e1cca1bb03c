"""OB207: a group of Airflow services of which none says where the database is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import project_factories as making
import pytest

from builder.compose.model import Mount
from builder.compose.rules.connection import find_missing_connections
from builder.compose.rules.context import RuleContext
from builder.compose.sharing.groups import group_services
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from builder.findings.model import Finding

SERVICES = ("airflow-init", "airflow-scheduler", "airflow-webserver")
NEW, OLD = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__CORE__SQL_ALCHEMY_CONN"
POSTGRES = "postgresql+psycopg2://u:p@db/airflow"
FILE = "sqlite:////opt/airflow/airflow.db"
LOCAL = {"AIRFLOW__CORE__EXECUTOR": "LocalExecutor"}


def findings(
    changes: dict[str, Any] | None = None, dockerfile: str = "FROM apache/airflow:2.8.1", **more: Any
) -> list[Finding]:
    """What the seed project, changed in every Airflow service by ``changes``, makes the rule say."""
    changes = changes or {}
    environment = {**LOCAL, **changes.pop("environment", {})}
    project = making.seed(**{name: {**changes, "environment": environment} for name in SERVICES})
    project = replace(project, **more)
    facts = dict.fromkeys(SERVICES, analyze_dockerfile(dockerfile, making.build()))
    return list(find_missing_connections(RuleContext(project, group_services(project, facts), facts)))


def of_image(image: str, environment: dict[str, str | None], **keys: Any) -> list[Finding]:
    """Of two services that nobody builds."""
    given = {"image": image, "environment": environment, **keys}
    project = making.project(
        making.service("scheduler", command=("scheduler",), **given),
        making.service("webserver", command=("webserver",), **given),
    )
    return list(find_missing_connections(RuleContext(project, group_services(project, {}), {})))


def test_none_of_them_has_a_connection() -> None:
    (found,) = findings()
    assert found.services == SERVICES
    assert f"have no {NEW}: each uses a SQLite file inside its own container" in found.message


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": {NEW: "postgresql://elsewhere/airflow"}},
        {"environment": {OLD: None}},
        {"environment": {OLD: POSTGRES}},
        {"environment": {f"{NEW}_CMD": "cat /run/secrets/url"}},
        {"environment": {f"{OLD}_SECRET": "airflow"}},
        {"environment": {"AIRFLOW_CONFIG": "/opt/airflow/config/airflow.cfg"}},
        {"mounts": (Mount("bind", "/home/ada/shop/airflow.cfg", "/opt/airflow/airflow.cfg"),)},
        {"mounts": (Mount("bind", "/home/ada/shop/home", "/opt/airflow"),)},
        {"mounts": (Mount("volume", "home", "/opt/airflow/"),)},
        {
            "environment": {"AIRFLOW_HOME": "/srv/airflow"},
            "mounts": (Mount("bind", "/home/ada/shop/home", "/srv/airflow"),),
        },
        {"mounts": (Mount("bind", "/home/ada/shop/start.sh", "/entrypoint"),)},
        {"mounts": (Mount("volume", "data", "/opt/airflow/airflow.db"),)},
        {"entrypoint": ("/start.sh",)},
        {"entrypoint": ("bash", "/opt/airflow/start.sh")},
        {"command": ("bash", "-c", "source /env.sh && airflow webserver")},
        {"command": ("bash", "-c", f"export {NEW}=$(cat /run/secrets/url); airflow webserver")},
        {"entrypoint": ("/entrypoint", "bash", "-c", "./start.sh")},
        {"command": ("bash", "-c", "cp config/airflow.cfg . && airflow webserver")},
    ],
)
def test_a_connection_may_stand_in_many_places(changes: dict[str, Any]) -> None:
    assert findings(changes) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"mounts": (Mount("bind", "/home/ada/shop/dags", "/opt/airflow/dags"),)},
        {"mounts": (Mount("tmpfs", "", "/opt/airflow/logs"),)},
        {"entrypoint": ("/usr/bin/dumb-init", "--", "/entrypoint")},
        {"command": ("bash", "-c", "mkdir -p /sources/logs && exec /entrypoint airflow version")},
        {"command": ("bash", "-c", "until nc -z db 5432; do sleep 1; done; airflow webserver")},
    ],
)
def test_what_cannot_hold_a_connection_does_not_count_as_one(changes: dict[str, Any]) -> None:
    assert len(findings(changes)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "COPY airflow.cfg /opt/airflow/",
        "COPY . /opt/airflow",
        "COPY config ${AIRFLOW_HOME}",
        "COPY . .",
        'ENTRYPOINT ["/start.sh"]',
        "COPY --chmod=755 start.sh /entrypoint",
        "RUN sed -i s/x/y/ airflow.cfg",
        f"ENV {NEW}=postgresql://db/airflow",
        "RUN <<END\ncat > /opt/airflow/airflow.cfg\nEND",
    ],
)
def test_what_the_image_may_hold(line: str) -> None:
    assert findings(dockerfile=f"FROM apache/airflow:2.8.1\n{line}\n") == []


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM apache/airflow:2.8.1\nCOPY requirements.txt .\nCOPY dags /opt/airflow/dags\n",
        "FROM registry.example/mirror/apache/airflow:2.8.1\n",
        "FROM python:3.11-slim\nRUN pip install apache-airflow==2.8.1\n",
        'FROM apache/airflow:2.8.1\nENTRYPOINT ["/usr/bin/dumb-init", "--", "/entrypoint"]\n',
    ],
)
def test_an_image_that_can_be_seen_through(dockerfile: str) -> None:
    assert len(findings(dockerfile=dockerfile)) == 1


@pytest.mark.parametrize("base", ["registry.example/team/airflow-base:4", "astronomer/astro-runtime:12.0.0"])
def test_a_base_of_ones_own_may_set_everything(base: str) -> None:
    assert findings(dockerfile=f"FROM {base}\nRUN pip install apache-airflow-providers-http\n") == []


def test_without_the_environment_files_nothing_is_said() -> None:
    assert findings(resolved=None) == []


def test_an_env_file_that_may_be_missing_and_is() -> None:
    missing = {name: {"env_file": [{"path": "/nowhere/.env", "required": False}]} for name in SERVICES}
    assert findings(raw={"services": missing}) == []
    read = {name: {"env_file": [{"path": __file__, "required": False}]} for name in SERVICES}
    assert len(findings(raw={"services": read})) == 1


def test_a_config_of_compose_may_be_the_configuration_file() -> None:
    config = {"configs": [{"source": "cfg", "target": "/opt/airflow/airflow.cfg"}]}
    assert findings(raw={"services": dict.fromkeys(SERVICES, config)}) == []


@pytest.mark.parametrize(
    ("version", "set_", "silent"),
    [
        ("3.0.2", OLD, False),
        ("3.0.2", f"{OLD}_CMD", False),
        ("3.0.2", NEW, True),
        ("2.11.0", OLD, True),
        ("2.2.5", NEW, False),
        ("2.2.5", OLD, True),
        ("2.3.0", NEW, True),
        ("1.10.15", OLD, True),
    ],
)
def test_each_version_reads_its_own_variable(version: str, set_: str, *, silent: bool) -> None:
    found = of_image(f"apache/airflow:{version}", {set_: POSTGRES})
    assert (found == []) is silent
    if found and not set_.endswith("_CMD"):
        assert f"have {set_}, which Airflow {version} does not read" in found[0].message
        assert (found[0].fix or "").startswith(OLD if version.startswith("2.2") else NEW)


def test_the_fix_names_what_the_version_reads() -> None:
    assert (of_image("apache/airflow:2.2.5", {})[0].fix or "").startswith(OLD)
    assert (of_image("apache/airflow:3.0.2", {})[0].fix or "").startswith(NEW)


def test_an_address_of_sqlite_is_a_file_in_each_container() -> None:
    (found,) = of_image("apache/airflow:2.8.1", {NEW: FILE, **LOCAL})
    assert f"have a sqlite: address in {NEW}; with LocalExecutor Airflow 2.8.1 refuses to start" in found.message
    (found,) = of_image("apache/airflow:3.0.2", {NEW: FILE, **LOCAL})
    assert "refuses" not in found.message


@pytest.mark.parametrize(
    ("mount", "silent"),
    [
        (Mount("volume", "home", "/opt/airflow"), True),
        (Mount("bind", "/home/ada/shop/home", "/opt/airflow"), True),
        (Mount("bind", "/home/ada/shop/airflow.db", "/opt/airflow/airflow.db"), True),
        (Mount("volume", "", "/opt/airflow"), False),
        (Mount("tmpfs", "", "/opt/airflow"), False),
        (Mount("bind", "/home/ada/shop/dags", "/opt/airflow/dags"), False),
    ],
)
def test_one_volume_may_hold_the_file_of_all(mount: Mount, *, silent: bool) -> None:
    assert (of_image("apache/airflow:2.8.1", {NEW: FILE}, mounts=(mount,)) == []) is silent


@pytest.mark.parametrize(
    ("image", "environment"),
    [
        ("puckel/docker-airflow:1.10.9", {"EXECUTOR": "Local"}),
        ("puckel/docker-airflow:1.10.9", {"EXECUTOR": "Celery", "POSTGRES_HOST": "db"}),
        ("bitnami/airflow:2.8.1", {"AIRFLOW_DATABASE_HOST": "db"}),
        ("bitnami/airflow:2.8.1", {}),
        ("astronomer/astro-runtime:12.0.0", {}),
        ("registry.example/team/airflow:1", {}),
        ("shop-airflow", {}),
    ],
)
def test_an_image_whose_entrypoint_makes_the_connection(image: str, environment: dict[str, str | None]) -> None:
    assert of_image(image, environment) == []


def test_services_of_two_images_are_one_airflow() -> None:
    project = making.project(
        making.service("scheduler", image="apache/airflow:2.8.1", command=("scheduler",)),
        making.service("webserver", image="apache/airflow:slim-2.8.1", command=("webserver",)),
    )
    (found,) = find_missing_connections(RuleContext(project, group_services(project, {}), {}))
    assert found.services == ("scheduler", "webserver")


def test_one_service_alone_has_nobody_to_meet() -> None:
    project = making.project(making.service("airflow", image="apache/airflow:2.8.1", command=("standalone",)))
    assert list(find_missing_connections(RuleContext(project, group_services(project, {}), {}))) == []


def test_who_uses_the_image_of_a_dockerfile_is_judged_by_it() -> None:
    common = {"image": "shop-airflow:latest", "environment": LOCAL}
    project = making.project(
        making.service("scheduler", command=("scheduler",), **common),
        making.service("webserver", build=making.build(), command=("webserver",), **common),
    )
    for line, count in (("", 1), ("COPY airflow.cfg .\n", 0)):
        facts = {"webserver": analyze_dockerfile(f"FROM apache/airflow:2.8.1\n{line}", making.build())}
        found = list(find_missing_connections(RuleContext(project, group_services(project, facts), facts)))
        assert len(found) == count
