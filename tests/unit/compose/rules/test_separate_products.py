"""OB104 and OB107: other products, and two of them in one image."""

from __future__ import annotations

from typing import Any

import pytest
from project_factories import AIRFLOW, FOLDER, build, facts, project, seed, service

from builder.compose.model import Mount, Project
from builder.compose.rules.context import RuleContext
from builder.compose.rules.separate_products import find_mixed_products, find_separate_products
from builder.compose.sharing.groups import group_services
from builder.core.errors import Where
from builder.dockerfile.facts import DockerfileAnalysis, InstalledServer


def look(made: Project, **known: DockerfileAnalysis) -> RuleContext:
    known = {name.replace("_", "-"): one for name, one in known.items()}
    return RuleContext(made, group_services(made, known), known)


def others(**keys: Any) -> str:
    (finding,) = find_separate_products(
        look(
            project(service("web", image="apache/airflow:2.8.1"), service("other", **keys)), other=facts(base="node:20")
        )
    )
    assert (finding.code, finding.services) == ("OB104", ("other",))
    return finding.message


def test_the_database_of_the_seed_project() -> None:
    (finding,) = find_separate_products(look(seed()))
    assert finding.message == (
        "postgres is PostgreSQL, a database server: another program, and its data must outlive every image of Airflow"
    )
    assert finding.where.key == "services.postgres.image"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"image": "redis:7"}, "other is Redis, a message broker and cache: another program, which is released"),
        ({"image": "registry.example/team/postgis:16"}, "other is PostgreSQL"),
        ({"image": "bitnami/mariadb@sha256:0"}, "other is MariaDB"),
        ({"image": "mine:1"}, "other runs mine: a program other than Airflow"),
        ({"build": build("api/Dockerfile")}, "other builds ./api/Dockerfile: a program other than Airflow"),
        (
            {"build": build("db/Dockerfile"), "mounts": (Mount("volume", "d", "/var/lib/postgresql/data"),)},
            "other is PostgreSQL",
        ),
    ],
    ids=str,
)
def test_other_products(keys: dict[str, Any], words: str) -> None:
    assert others(**keys).startswith(words)


def test_a_build_that_may_be_airflow_is_not_said_to_be_another_program() -> None:
    other = service("other", build=build("api/Dockerfile"), command=("scheduler",))
    made = project(service("web", image="apache/airflow:2.8.1"), other)
    assert not list(find_separate_products(look(made)))


def test_a_service_called_like_its_product_is_not_told_twice() -> None:
    made = project(service("web", image="apache/airflow:2.8.1"), service("etcd", image="quay.io/coreos/etcd"))
    (finding,) = find_separate_products(look(made))
    assert finding.message.startswith("etcd is a key-value store:")


def test_a_dockerfile_s_base_tells_the_product() -> None:
    made = project(service("web", image="apache/airflow:2.8.1"), service("db", build=build("db/Dockerfile")))
    (finding,) = find_separate_products(look(made, db=facts(base="postgres:16")))
    assert finding.message.startswith("db is PostgreSQL")


def test_without_airflow_nothing_is_another_product() -> None:
    assert not list(find_separate_products(look(project(service("a", image="redis"), service("b", image="postgres")))))


def test_a_database_elsewhere_is_no_service_of_the_project() -> None:
    outside = {"environment": {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://u:p@db.example/a"}}
    made = project(service("web", build=build(), **outside), service("scheduler", build=build(), **outside))
    assert not list(find_separate_products(look(made)))


def test_the_database_that_airflow_uses_is_told_with_its_users_and_without_password() -> None:
    inside = {"environment": {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://u:hunter2@postgres/a"}}
    made = seed(airflow_init=inside, airflow_scheduler=inside, cache={"image": "redis"})
    cache, database = find_separate_products(look(made))
    assert database.details == ("airflow-init and airflow-scheduler keep Airflow's metadata there",)
    assert cache.details == ()
    assert "hunter2" not in str(database)


# --- two in one image

SERVER = InstalledServer("PostgreSQL", "postgresql", 4)


def test_a_server_in_airflow_s_dockerfile_is_told_once_with_its_line() -> None:
    known = facts(airflow=True, base="apache/airflow:2.8.1", installed=(SERVER,))
    names = ("airflow_init", "airflow_scheduler", "airflow_webserver")
    (finding,) = find_mixed_products(look(seed(), **dict.fromkeys(names, known)))
    assert finding.code == "OB107"
    assert finding.where == Where("Dockerfile.airflow", 4)
    assert finding.message == "./Dockerfile.airflow puts PostgreSQL (postgresql) beside Airflow"
    assert finding.fix is not None
    assert "volume" in finding.fix


def test_an_inline_dockerfile_is_found_in_the_compose_file() -> None:
    known = DockerfileAnalysis(None, (), "apache/airflow:2.8.1", True, None, (SERVER,))
    made = project(service("web", build=build(dockerfile_inline="FROM x")))
    (finding,) = find_mixed_products(look(made, web=known))
    assert finding.where.key == "services.web.build"


def test_a_database_s_own_dockerfile_is_fine() -> None:
    made = project(service("db", build=build()))
    assert not list(find_mixed_products(look(made, db=facts(base="postgres:16", installed=(SERVER,)))))


def test_two_servers_in_one_image() -> None:
    both = facts(base="postgres:16", installed=(SERVER, InstalledServer("Redis", "redis-server", 5)))
    (finding,) = find_mixed_products(look(project(service("db", build=build())), db=both))
    assert finding.message == "./Dockerfile.airflow puts Redis (redis-server) beside PostgreSQL"


def test_a_dockerfile_without_a_server_is_fine() -> None:
    assert not list(find_mixed_products(look(seed(), airflow_init=facts(airflow=True))))


@pytest.mark.parametrize(
    ("command", "product"),
    [
        (("bash", "-c", "service postgresql start && airflow webserver"), "PostgreSQL"),
        (("bash", "-c", "/etc/init.d/mysql start; exec airflow scheduler"), "MySQL"),
        (
            ("bash", "-c", "gosu postgres /usr/lib/postgresql/15/bin/pg_ctl start -D /data\nairflow standalone"),
            "PostgreSQL",
        ),
        (("sh", "-ec", "redis-server --daemonize yes & airflow celery worker"), "Redis"),
        (("postgres",), "PostgreSQL"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_database_that_is_started_from_airflow_s_image(command: tuple[str, ...], product: str) -> None:
    (finding,) = find_mixed_products(look(seed(airflow_webserver={"command": command})))
    assert finding.message == f"airflow-webserver starts {product} in Airflow's container"
    assert finding.where.key == "services.airflow-webserver.command"


@pytest.mark.parametrize(
    "script",
    [
        "until pg_isready -h postgres; do sleep 1; done; airflow webserver",
        "psql -h postgres -c 'select 1' && airflow webserver",
        "redis-cli -h redis ping && airflow celery worker",
        "echo postgres && airflow db migrate",
        "service cron start && airflow scheduler",
        "airflow connections add --conn-type postgres x",
    ],
)
def test_clients_of_a_database_are_fine(script: str) -> None:
    assert not list(find_mixed_products(look(seed(airflow_webserver={"command": ("bash", "-c", script)}))))


def test_a_database_may_start_itself() -> None:
    assert not list(find_mixed_products(look(seed(postgres={"command": ("postgres", "-c", "max_connections=200")}))))


def test_a_dockerfile_outside_of_the_project_is_named_whole() -> None:
    elsewhere = FOLDER.parent / "base" / "Dockerfile"
    known = DockerfileAnalysis(elsewhere, (), None, True, None, (SERVER,))
    made = project(
        service("web", build=build(context=str(elsewhere.parent), dockerfile="Dockerfile"), environment=AIRFLOW)
    )
    (finding,) = find_mixed_products(look(made, web=known))
    assert finding.where == Where(str(elsewhere), 4)
