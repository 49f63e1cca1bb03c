"""Where Airflow's metadata lies."""

from __future__ import annotations

from typing import Any

import pytest
from project_factories import project, service

from builder.compose.services.database import MetadataDatabase, find_database, parse_sqlite_path

CONN = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def database(url: str | None, variable: str = CONN) -> MetadataDatabase | None:
    web = service("web", environment={variable: url})
    database = service("postgres", image="postgres:13", container_name="shop_db")
    return find_database(project(web, database), web)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql+psycopg2://airflow:hunter2@postgres/airflow",
            MetadataDatabase("PostgreSQL", "postgres", None, "airflow", "postgres"),
        ),
        ("postgres://u:p@shop_db:5432/a", MetadataDatabase("PostgreSQL", "shop_db", 5432, "a", "postgres")),
        (
            "postgresql://u:p@172.31.23.190:5432/data?options=-csearch_path%3Dx",
            MetadataDatabase("PostgreSQL", "172.31.23.190", 5432, "data", None),
        ),
        ("mysql+mysqldb://u:p@db.example/a%20b", MetadataDatabase("MySQL", "db.example", None, "a b", None)),
        ("postgresql://db.example/a", MetadataDatabase("PostgreSQL", "db.example", None, "a", None)),
        ("sqlite:////opt/airflow/airflow.db", MetadataDatabase("SQLite", None, None, "", None)),
        ("cockroachdb://u@db:26257/a", MetadataDatabase("cockroachdb", "db", 26257, "a", None)),
    ],
)
def test_a_connection_names_its_database(url: str, expected: MetadataDatabase) -> None:
    assert database(url) == expected
    assert "hunter2" not in str(database(url))


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "secret",
        "${CONN}",
        "postgresql://${DB_USER}:x@db/a",
        "postgresql://u:hunter2@more@db/a",
        "postgresql://u:p@db:port/a",
        "postgresql://u:p@[::1/a",
        "postgresql:///a",
    ],
)
def test_what_cannot_be_read_is_not_guessed(url: str | None) -> None:
    assert database(url) is None


def test_no_part_of_a_password_passes_for_a_host() -> None:
    found = database("postgresql://u:12/hunter2#x@db/a")
    assert found == MetadataDatabase("PostgreSQL", "db", None, "a", None)


def test_the_old_name_of_the_variable_counts() -> None:
    assert database("postgresql://postgres/a", "AIRFLOW__CORE__SQL_ALCHEMY_CONN") is not None


def test_external_is_what_no_service_answers_for() -> None:
    outside, inside, file = (
        database("mysql://db.example/a"),
        database("postgresql://postgres/a"),
        database("sqlite:///x"),
    )
    assert outside is not None
    assert outside.is_external
    assert inside is not None
    assert not inside.is_external
    assert file is not None
    assert not file.is_external


def of_image(image: str, environment: dict[str, str | None], **keys: Any) -> str | None:
    """The host of a service of this image."""
    web = service("web", image=image, environment=environment, **keys)
    found = find_database(project(web, service("postgres", image="postgres:13")), web)
    return None if found is None else found.host


@pytest.mark.parametrize(
    ("image", "environment", "host"),
    [
        ("puckel/docker-airflow:1.10.9", {"EXECUTOR": "Local"}, "postgres"),
        ("puckel/docker-airflow:1.10.9", {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "POSTGRES_HOST": "Db"}, "db"),
        ("puckel/docker-airflow:1.10.9", {}, None),
        ("puckel/docker-airflow:1.10.9", {"EXECUTOR": "Sequential"}, None),
        ("bitnami/airflow:2.8.1", {}, "postgresql"),
        ("registry.example/bitnami/airflow-worker:2", {"AIRFLOW_DATABASE_HOST": "db"}, "db"),
        ("apache/airflow:2.8.1", {"POSTGRES_HOST": "db", "EXECUTOR": "Local"}, None),
    ],
)
def test_the_database_that_an_images_own_entrypoint_connects_to(
    image: str, environment: dict[str, str | None], host: str | None
) -> None:
    assert of_image(image, environment) == host
    assert of_image(image, environment, entrypoint=("/own.sh",)) is None


def test_only_the_variable_that_the_version_reads_counts() -> None:
    old, new = "AIRFLOW__CORE__SQL_ALCHEMY_CONN", CONN
    web = service("web", environment={old: "postgresql://one/a", new: "postgresql://two/a"})
    hosts = [find_database(project(web), web, version=version) for version in ("2.2.5", "2.8.1", "3.0.2", None)]
    assert [found and found.host for found in hosts] == ["one", "two", "two", "two"]
    only_old = service("web", environment={old: "postgresql://one/a"})
    assert find_database(project(only_old), only_old, version="3.0.2") is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:////opt/airflow/airflow.db", "/opt/airflow/airflow.db"),
        ("sqlite+pysqlite:////a/b.db?timeout=3", "/a/b.db"),
        ("sqlite:///airflow.db", ""),
        ("postgresql://a/b", None),
        ("", None),
    ],
)
def test_the_file_of_a_sqlite_address(text: str, path: str | None) -> None:
    assert parse_sqlite_path(text) == path
