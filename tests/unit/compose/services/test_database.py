"""Where Airflow's metadata lies."""

from __future__ import annotations

import pytest
from project_factories import project, service

from builder.compose.services.database import MetadataDatabase, find_database

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
