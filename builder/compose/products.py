"""Which program a service runs, as far as its image, its Dockerfile, its data folder or its name tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.image_reference import extract_last_component

if TYPE_CHECKING:
    from builder.compose.facts import DockerfileFacts
    from builder.compose.model import Service


@dataclass(frozen=True)
class Product:
    """A program that compose files run beside Airflow. ``purpose`` completes "it is …"; ``keeps_data``: on a disk."""

    name: str
    purpose: str
    language: str
    keeps_data: bool = False


_SQL = "a database server"
_PRODUCTS = {
    "postgres": Product("PostgreSQL", _SQL, "C", keeps_data=True),
    "postgis": Product("PostgreSQL", _SQL, "C", keeps_data=True),
    "postgresql": Product("PostgreSQL", _SQL, "C", keeps_data=True),
    "pgvector": Product("PostgreSQL", _SQL, "C", keeps_data=True),
    "timescaledb": Product("PostgreSQL", _SQL, "C", keeps_data=True),
    "timescaledb-ha": Product("PostgreSQL", _SQL, "C", keeps_data=True),
    "mysql": Product("MySQL", _SQL, "C++", keeps_data=True),
    "mysql-server": Product("MySQL", _SQL, "C++", keeps_data=True),
    "mariadb": Product("MariaDB", _SQL, "C++", keeps_data=True),
    "mssql-server": Product("SQL Server", _SQL, "C++", keeps_data=True),
    "mongo": Product("MongoDB", "a document database", "C++", keeps_data=True),
    "mongodb": Product("MongoDB", "a document database", "C++", keeps_data=True),
    "clickhouse": Product("ClickHouse", "a column database", "C++", keeps_data=True),
    "clickhouse-server": Product("ClickHouse", "a column database", "C++", keeps_data=True),
    "cassandra": Product("Cassandra", "a wide-column database", "Java", keeps_data=True),
    "neo4j": Product("Neo4j", "a graph database", "Java", keeps_data=True),
    "elasticsearch": Product("Elasticsearch", "a search server", "Java", keeps_data=True),
    "opensearch": Product("OpenSearch", "a search server", "Java", keeps_data=True),
    "influxdb": Product("InfluxDB", "a time series database", "Go", keeps_data=True),
    "etcd": Product("etcd", "a key-value store", "Go", keeps_data=True),
    "redis": Product("Redis", "a message broker and cache", "C"),
    "redis-stack": Product("Redis", "a message broker and cache", "C"),
    "redis-stack-server": Product("Redis", "a message broker and cache", "C"),
    "valkey": Product("Valkey", "a message broker and cache", "C"),
    "memcached": Product("memcached", "a cache", "C"),
    "rabbitmq": Product("RabbitMQ", "a message broker", "Erlang", keeps_data=True),
    "kafka": Product("Kafka", "a message log", "Java", keeps_data=True),
    "cp-kafka": Product("Kafka", "a message log", "Java", keeps_data=True),
    "zookeeper": Product("ZooKeeper", "a coordination server", "Java", keeps_data=True),
    "cp-zookeeper": Product("ZooKeeper", "a coordination server", "Java", keeps_data=True),
    "minio": Product("MinIO", "an object store", "Go", keeps_data=True),
    "mc": Product("the MinIO client", "a command-line tool for object stores", "Go"),
    "localstack": Product("LocalStack", "a stand-in for AWS", "Python"),
    "prometheus": Product("Prometheus", "a metrics server", "Go", keeps_data=True),
    "grafana": Product("Grafana", "a dashboard server", "Go", keeps_data=True),
    "loki": Product("Loki", "a log store", "Go", keeps_data=True),
    "promtail": Product("Promtail", "a log shipper", "Go"),
    "statsd-exporter": Product("the StatsD exporter", "a translator of metrics", "Go"),
    "node-exporter": Product("the node exporter", "a reader of the machine's metrics", "Go"),
    "pgadmin4": Product("pgAdmin", "a web tool for PostgreSQL", "Python", keeps_data=True),
    "adminer": Product("Adminer", "a web tool for databases", "PHP"),
    "nginx": Product("nginx", "a web server", "C"),
    "traefik": Product("Traefik", "a reverse proxy", "Go"),
    "caddy": Product("Caddy", "a web server", "Go"),
    "superset": Product("Superset", "a program for charts", "Python"),
    "metabase": Product("Metabase", "a program for charts", "Clojure"),
    "keycloak": Product("Keycloak", "an identity server", "Java"),
    "vault": Product("Vault", "a store for secrets", "Go", keeps_data=True),
    "oauth2-proxy": Product("OAuth2 Proxy", "a login proxy", "Go"),
    "mlflow": Product("MLflow", "a tracking server for experiments", "Python"),
    "spark": Product("Spark", "a compute engine", "Scala"),
    "trino": Product("Trino", "a query engine", "Java"),
    "dbt": Product("dbt", "a tool for SQL models", "Python"),
    "marquez": Product("Marquez", "a lineage server", "Java"),
}
"""By the last word of an image name."""

_DATA_FOLDERS = {
    "/var/lib/postgresql": "postgres",
    "/bitnami/postgresql": "postgres",
    "/var/lib/mysql": "mysql",
    "/data/db": "mongo",
    "/var/lib/clickhouse": "clickhouse",
    "/var/lib/rabbitmq": "rabbitmq",
    "/var/lib/grafana": "grafana",
}
"""Where a server keeps its data, by the documentation of its official image."""


def product_of(service: Service, facts: DockerfileFacts | None = None) -> Product | None:
    """None: a program of which only its owner knows what it is, or Airflow itself."""
    return (
        _of_image(service.image if service.build is None else None)
        or _of_image(None if facts is None else facts.base)
        or _of_folders(service)
        or (_of_words(service.name) if service.build is not None and facts is None else None)
    )


def product_of_image(image: str) -> Product | None:
    """By the image's name alone."""
    return _of_image(image)


def _of_image(image: str | None) -> Product | None:
    if not image:
        return None
    return _PRODUCTS.get(extract_last_component(image).replace("_", "-"))


def _of_folders(service: Service) -> Product | None:
    targets = [mount.target for mount in service.mounts]
    for folder, word in _DATA_FOLDERS.items():
        if any(target == folder or target.startswith(folder + "/") for target in targets):
            return _PRODUCTS[word]
    return None


def _of_words(name: str) -> Product | None:
    """``airflow-postgres`` names its product; only for what nothing better is known about."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return next((_PRODUCTS[word] for word in words if word in _PRODUCTS), None)
