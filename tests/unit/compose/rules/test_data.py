"""OB204: a database's data must be on a volume that stays."""

from __future__ import annotations

from typing import Any

import pytest
from project_factories import build, facts, project, service

from builder.compose.model import Mount
from builder.compose.rules.context import RuleContext
from builder.compose.rules.data import find_unpersisted_data

PG = "/var/lib/postgresql"


def said(image: str, *mounts: tuple[str, str, str], **keys: Any) -> str | None:
    made = project(service("db", image=image, mounts=tuple(Mount(*one) for one in mounts), **keys))
    found = list(find_unpersisted_data(RuleContext(made)))
    assert len(found) < 2
    return found[0].message if found else None


@pytest.mark.parametrize(
    ("image", "mount"),
    [
        ("postgres:13", ("volume", "db", f"{PG}/data")),
        ("postgres:13", ("volume", "db", f"{PG}/data/")),
        ("postgres:13", ("bind", "/srv/db", f"{PG}/data")),
        ("postgres:18", ("volume", "db", PG)),
        ("postgres", ("volume", "db", PG)),
        ("postgres:latest", ("volume", "db", f"{PG}/data")),
        ("docker.io/library/postgres:16-alpine", ("volume", "db", f"{PG}/data")),
        ("postgis/postgis:15-3.3", ("volume", "db", f"{PG}/data")),
        ("mysql:8", ("volume", "db", "/var/lib/mysql")),
        ("mongo:7", ("volume", "db", "/data/db")),
        ("bitnami/postgresql:16", ("volume", "db", "/bitnami/postgresql")),
        ("bitnami/postgresql:16", ("volume", "db", "/bitnami")),
        ("clickhouse/clickhouse-server:24.1", ("bind", "/x", "/var/lib/clickhouse")),
    ],
)
def test_safe(image: str, mount: tuple[str, str, str]) -> None:
    assert said(image, mount) is None


@pytest.mark.parametrize(
    ("image", "mount", "word"),
    [
        ("postgres:13", None, "anonymous"),
        ("index.docker.io/library/postgres:13", None, "anonymous"),
        ("docker.io/postgres:13@sha256:00", None, "anonymous"),
        ("postgres:13", ("volume", "", f"{PG}/data"), "no name"),
        ("postgres:13", ("tmpfs", "", f"{PG}/data"), "tmpfs"),
        ("postgres:13", ("bind", "/init", "/docker-entrypoint-initdb.d"), "anonymous"),
        ("postgres:13", ("volume", "db", "/var/lib/postgres/data"), "anonymous"),
        ("postgres:13", ("volume", "db", f"{PG}/data/sub"), "anonymous"),
        ("postgres:13", ("volume", "db", PG), "does not hold it"),
        ("mysql:8", None, "anonymous"),
        ("mongo:7", ("volume", "db", "/data"), "does not hold it"),
        ("bitnami/postgresql:16", None, "container's own layer"),
    ],
)
def test_lost(image: str, mount: tuple[str, str, str] | None, word: str) -> None:
    message = said(image, *([mount] if mount else []))
    assert message is not None
    assert word in message


def test_pgdata_moves_it() -> None:
    environment = {"PGDATA": "/pg/data"}
    assert said("postgres:13", ("volume", "db", f"{PG}/data"), environment=environment) is not None
    assert said("postgres:13", ("volume", "db", "/pg"), environment=environment) is None
    below = {"PGDATA": f"{PG}/data/pgdata"}
    assert said("postgres:13", ("volume", "db", f"{PG}/data"), environment=below) is None
    assert said("postgres:13", ("volume", "db", PG), environment=below) is not None
    beside = {"PGDATA": f"{PG}/pgdata"}
    assert said("postgres:13", ("volume", "db", PG), environment=beside) is None
    assert said("postgres:13", environment={"PGDATA": "${WHERE}"}) is None, "who knows"


def test_an_option_moves_it() -> None:
    assert said("mysql:8", ("volume", "db", "/srv/db"), command=("--datadir=/srv/db",)) is None
    assert said("mongo:7", ("volume", "db", "/srv/db"), command=("mongod", "--dbpath", "/srv/db")) is None


def test_a_client_keeps_nothing() -> None:
    assert said("postgres:13", command=("psql", "-h", "db")) is None
    assert said("postgres:13", command=("bash", "-c", "pg_dump x")) is None
    assert said("postgres:13", entrypoint=("/backup.sh",)) is None
    assert said("postgres:13", command=("postgres", "-c", "max_connections=200")) is not None
    assert said("postgres:13", command=("-c", "max_connections=200")) is not None


def test_redis_has_something_to_lose_only_when_it_is_told_to_keep_it() -> None:
    assert said("redis:7") is None
    assert said("redis:7", command=("redis-server", "--requirepass", "x")) is None
    assert said("redis:7", command=("redis-server", "--appendonly", "yes")) is not None
    assert said("redis:7", ("volume", "r", "/data"), command=("redis-server", "--appendonly", "yes")) is None


def test_other_programs_are_nobodys_business_here() -> None:
    assert said("grafana/grafana:10") is None
    assert said("example/postgres-exporter:1") is None
    assert said("${DATABASE_IMAGE}") is None


def test_a_dockerfile_may_be_a_database() -> None:
    made = project(service("db", build=build()))
    assert len(list(find_unpersisted_data(RuleContext(made, facts={"db": facts(base="postgres:13")})))) == 1
    assert list(find_unpersisted_data(RuleContext(made, facts={}))) == []


def test_the_fix_can_be_pasted() -> None:
    made = project(service("my_db", image="postgres:18"))
    (found,) = find_unpersisted_data(RuleContext(made))
    assert found.fix is not None
    assert "  - my_db-data:/var/lib/postgresql\n" in found.fix


def test_a_tag_without_version_may_be_a_postgres_that_wants_another_folder() -> None:
    (found,) = find_unpersisted_data(RuleContext(project(service("db", image="postgres"))))
    assert "/var/lib/postgresql/data  # from PostgreSQL 18 on: /var/lib/postgresql\n" in (found.fix or "")
    (old,) = find_unpersisted_data(RuleContext(project(service("db", image="postgres:13"))))
    assert "#" not in (old.fix or "").partition("# and")[0]
