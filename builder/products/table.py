"""The programs that compose files run beside Airflow, as one table. A new product is one row here.

Sources: each image's page in the registry that publishes it (variables, "Where to Store Data", health checks), the
package lists of Debian, Alpine and Fedora.
"""

from __future__ import annotations

from builder.products.model import HealthTest, Product, ProductTraits, Storage

_POSTGRES_TRAITS = ProductTraits(
    "its own: ICU, libxml2, LLVM for compiling queries",
    "postgresql.conf in the data folder; POSTGRES_* is read once, while that folder is empty",
    "docker-entrypoint.sh: makes the data folder, then `postgres` as a user of its own",
    "shared memory, page cache, and a disk that must not lose a write",
    "one writer for one data folder; a second one needs replication",
    "years: a major version is left by dump or pg_upgrade; a restart drops every connection",
)
_MYSQL_TRAITS = ProductTraits(
    "its own",
    "my.cnf; MYSQL_* or MARIADB_* is read once, while the data folder is empty",
    "docker-entrypoint.sh: makes the data folder, then the server as a user of its own",
    "a buffer pool in memory, and a disk that must not lose a write",
    "one writer for one data folder; a second one needs replication",
    "years: a major version upgrades the data folder for good; a restart drops every connection",
)
_REDIS_TRAITS = ProductTraits(
    "almost none",
    "redis.conf or words behind redis-server",
    "docker-entrypoint.sh, then `redis-server`",
    "memory for everything that it holds",
    "one for all workers; more of them need a cluster",
    "runs for months; a restart loses what waits in its queues, unless it writes it to a disk",
)

POSTGRES_ROOT = "/var/lib/postgresql"
NEW_POSTGRES = 18
"""From this version on the official image declares POSTGRES_ROOT as its volume (its documentation, PGDATA)."""
POSTGRES_STORAGE = Storage(
    ("postgres", "postgis/postgis", "pgvector/pgvector", "timescale/timescaledb"),
    f"{POSTGRES_ROOT}/data",
    (f"{POSTGRES_ROOT}/data",),
    ("postgres",),
    variable="PGDATA",
)
_SQL = "a database server"
_MYSQL_DATA = "/var/lib/mysql"
_MYSQL_SERVERS = ("mysqld", "mariadbd")

PRODUCTS = (
    Product(
        "PostgreSQL",
        _SQL,
        "C",
        ("postgres", "postgis", "postgresql", "pgvector", "timescaledb", "timescaledb-ha"),
        keeps_data=True,
        data_folders=(POSTGRES_ROOT, "/bitnami/postgresql"),
        programs=("postgres", "pg_ctl", "pg_ctlcluster", "postmaster"),
        services=("postgresql",),
        packages=r"postgresql(-\d+(\.\d+)?)?|postgresql-(contrib|server)|postgresql\d+(-server)?",
        schemes=("postgres", "postgresql"),
        health_tests=(
            HealthTest(
                ("postgres", "postgis", "pgvector", "timescaledb"),
                """["CMD-SHELL", 'pg_isready -U "$${POSTGRES_USER:-postgres}"']""",
            ),
            HealthTest(("postgresql",), """["CMD-SHELL", 'pg_isready -U "$${POSTGRESQL_USERNAME:-postgres}"']"""),
        ),
        storages=(POSTGRES_STORAGE, Storage(("bitnami/postgresql",), "/bitnami/postgresql")),
        own_traits=_POSTGRES_TRAITS,
    ),
    Product(
        "MySQL",
        _SQL,
        "C++",
        ("mysql", "mysql-server"),
        keeps_data=True,
        data_folders=(_MYSQL_DATA,),
        programs=("mysqld", "mysqld_safe"),
        services=("mysql",),
        packages=r"(default-)?mysql-server(-\d\S*)?",
        schemes=("mysql",),
        health_tests=(HealthTest(("mysql",), """["CMD", "mysqladmin", "ping", "-h", "127.0.0.1"]"""),),
        storages=(
            Storage(
                ("mysql", "mysql/mysql-server", "percona"),
                _MYSQL_DATA,
                (_MYSQL_DATA,),
                _MYSQL_SERVERS,
                option="--datadir",
            ),
            Storage(("bitnami/mysql",), "/bitnami/mysql/data"),
        ),
        own_traits=_MYSQL_TRAITS,
    ),
    Product(
        "MariaDB",
        _SQL,
        "C++",
        ("mariadb",),
        keeps_data=True,
        programs=("mariadbd", "mariadbd-safe"),
        services=("mariadb",),
        packages=r"mariadb(-server)?(-\d\S*)?",
        schemes=("mariadb",),
        health_tests=(HealthTest(("mariadb",), """["CMD", "healthcheck.sh", "--connect", "--innodb_initialized"]"""),),
        storages=(
            Storage(("mariadb",), _MYSQL_DATA, (_MYSQL_DATA,), _MYSQL_SERVERS, option="--datadir"),
            Storage(("bitnami/mariadb",), "/bitnami/mariadb"),
        ),
        own_traits=_MYSQL_TRAITS,
    ),
    Product("SQL Server", _SQL, "C++", ("mssql-server",), keeps_data=True, schemes=("mssql",)),
    Product("SQLite", "a database in a file", "C", keeps_data=True, schemes=("sqlite",)),
    Product(
        "MongoDB",
        "a document database",
        "C++",
        ("mongo", "mongodb"),
        keeps_data=True,
        data_folders=("/data/db",),
        programs=("mongod",),
        services=("mongod",),
        packages=r"mongodb(-org)?(-server)?",
        storages=(
            Storage(("mongo",), "/data/db", ("/data/db",), ("mongod",), option="--dbpath"),
            Storage(("bitnami/mongodb",), "/bitnami/mongodb"),
        ),
    ),
    Product(
        "ClickHouse",
        "a column database",
        "C++",
        ("clickhouse", "clickhouse-server"),
        keeps_data=True,
        data_folders=("/var/lib/clickhouse",),
        packages=r"clickhouse-server",
        storages=(Storage(("clickhouse/clickhouse-server",), "/var/lib/clickhouse", ("/var/lib/clickhouse",)),),
    ),
    Product("Cassandra", "a wide-column database", "Java", ("cassandra",), keeps_data=True),
    Product("Neo4j", "a graph database", "Java", ("neo4j",), keeps_data=True),
    Product(
        "Elasticsearch",
        "a search server",
        "Java",
        ("elasticsearch",),
        keeps_data=True,
        packages=r"elasticsearch|opensearch",
    ),
    Product("OpenSearch", "a search server", "Java", ("opensearch",), keeps_data=True),
    Product("InfluxDB", "a time series database", "Go", ("influxdb",), keeps_data=True),
    Product("etcd", "a key-value store", "Go", ("etcd",), keeps_data=True),
    Product(
        "Redis",
        "a message broker and cache",
        "C",
        ("redis", "redis-stack", "redis-stack-server"),
        programs=("redis-server",),
        services=("redis-server", "redis"),
        packages=r"redis(-server)?|valkey(-server)?",
        health_tests=(HealthTest(("redis",), """["CMD", "redis-cli", "ping"]"""),),
        storages=(Storage(("redis",), "/data", ("/data",), ("redis-server",), option="--dir", only_on_request=True),),
        own_traits=_REDIS_TRAITS,
    ),
    Product(
        "Valkey",
        "a message broker and cache",
        "C",
        ("valkey",),
        programs=("valkey-server",),
        health_tests=(HealthTest(("valkey",), """["CMD", "valkey-cli", "ping"]"""),),
        own_traits=_REDIS_TRAITS,
    ),
    Product("memcached", "a cache", "C", ("memcached",), packages=r"memcached"),
    Product(
        "RabbitMQ",
        "a message broker",
        "Erlang",
        ("rabbitmq",),
        keeps_data=True,
        data_folders=("/var/lib/rabbitmq",),
        programs=("rabbitmq-server",),
        services=("rabbitmq-server",),
        packages=r"rabbitmq-server",
        health_tests=(HealthTest(("rabbitmq",), """["CMD", "rabbitmq-diagnostics", "-q", "ping"]"""),),
    ),
    Product("Kafka", "a message log", "Java", ("kafka", "cp-kafka"), keeps_data=True),
    Product("ZooKeeper", "a coordination server", "Java", ("zookeeper", "cp-zookeeper"), keeps_data=True),
    Product("MinIO", "an object store", "Go", ("minio",), keeps_data=True),
    Product("the MinIO client", "a command-line tool for object stores", "Go", ("mc",)),
    Product("LocalStack", "a stand-in for AWS", "Python", ("localstack",)),
    Product("Prometheus", "a metrics server", "Go", ("prometheus",), keeps_data=True),
    Product("Grafana", "a dashboard server", "Go", ("grafana",), keeps_data=True, data_folders=("/var/lib/grafana",)),
    Product("Loki", "a log store", "Go", ("loki",), keeps_data=True),
    Product("Promtail", "a log shipper", "Go", ("promtail",)),
    Product("the StatsD exporter", "a translator of metrics", "Go", ("statsd-exporter",)),
    Product("the node exporter", "a reader of the machine's metrics", "Go", ("node-exporter",)),
    Product("pgAdmin", "a web tool for PostgreSQL", "Python", ("pgadmin4",), keeps_data=True),
    Product("Adminer", "a web tool for databases", "PHP", ("adminer",)),
    Product("nginx", "a web server", "C", ("nginx",), packages=r"nginx(-\w+)?"),
    Product("Apache", "a web server", "C", packages=r"apache2"),
    Product("Traefik", "a reverse proxy", "Go", ("traefik",)),
    Product("Caddy", "a web server", "Go", ("caddy",)),
    Product("Superset", "a program for charts", "Python", ("superset",)),
    Product("Metabase", "a program for charts", "Clojure", ("metabase",)),
    Product("Keycloak", "an identity server", "Java", ("keycloak",)),
    Product("Vault", "a store for secrets", "Go", ("vault",), keeps_data=True),
    Product("OAuth2 Proxy", "a login proxy", "Go", ("oauth2-proxy",)),
    Product("MLflow", "a tracking server for experiments", "Python", ("mlflow",)),
    Product("Spark", "a compute engine", "Scala", ("spark",)),
    Product("Trino", "a query engine", "Java", ("trino",)),
    Product("dbt", "a tool for SQL models", "Python", ("dbt",)),
    Product("Marquez", "a lineage server", "Java", ("marquez",)),
)
