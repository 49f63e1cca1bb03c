"""The catalog of what can be found: a rule per code. Codes are stable; the text of one may get better."""

from __future__ import annotations

from builder.findings.image_rules import IMAGE_RULES
from builder.findings.rule import Rule, Severity

__all__ = ["CATALOG", "Rule", "Severity"]

_I, _W, _E = Severity.INFO, Severity.WARNING, Severity.ERROR

_RULES = (
    Rule(
        "OB101",
        "duplicate-build",
        _W,
        "several services build the same image",
        "Compose builds once per service: each gets an image, an export and an ID of its own, and any build that does "
        "not find the others' cache (--no-cache, another day, another machine) makes its layers differ for good.",
    ),
    Rule(
        "OB102",
        "same-tag-built-twice",
        _E,
        "several services build the same tag",
        "Newer Compose passes one target per service to bake, which exports them in parallel to one name; the second "
        "export fails with `already exists`. Older Compose overwrites the tag with whatever was built last.",
    ),
    Rule(
        "OB103",
        "nearly-the-same-build",
        _I,
        "nearly the same build",
        "Builds that differ in an argument, a target or a line share few layers or none, though most of what they "
        "hold is equal; a common base would share it.",
    ),
    Rule(
        "OB104",
        "other-product",
        _I,
        "another product: it stays apart",
        "Services may share an image when they are one program with several start commands. A program with its own "
        "code, life cycle or data needs its own image.",
        is_remark=True,
    ),
    Rule(
        "OB105",
        "already-shared",
        _I,
        "already shared",
        "These services use one image, and at most one builds it.",
        is_remark=True,
    ),
    Rule(
        "OB106",
        "starts-before-its-image",
        _W,
        "a service can start before its image exists",
        "On a fresh engine, `up SERVICE` starts what the service depends on and nothing else; if the service that "
        "builds the image is not among that, the image is missing.",
    ),
    Rule(
        "OB107",
        "two-products-in-one-image",
        _E,
        "two products in one image",
        "A server in another's image is upgraded, restarted and scaled with it, and its data is lost when the "
        "container is removed.",
    ),
    Rule(
        "OB201",
        "start-command",
        _W,
        "a start command that does not fit this Airflow version",
        "Deprecated subcommands go away with the next major version, removed ones end the container at once, and an "
        "Airflow image without a command prints its help and ends.",
    ),
    Rule(
        "OB202",
        "no-health-check",
        _I,
        "a service without health check",
        "Without one, `depends_on` cannot wait for it, and nobody notices a scheduler that hangs.",
    ),
    Rule(
        "OB203",
        "floating-tag",
        _W,
        "a floating tag",
        "When the tag moves, the same file starts another program.",
    ),
    Rule(
        "OB204",
        "database-without-volume",
        _W,
        "a database whose data is on no volume",
        "The data is lost when the container is removed (`compose down`, or a changed setting).",
    ),
    Rule(
        "OB205",
        "obsolete-version",
        _I,
        "the key `version` is obsolete",
        "Compose has ignored it since 1.27 and warns about it since 2.25.",
    ),
    Rule(
        "OB206",
        "tag-not-promoted",
        _W,
        "a tag that is no longer the promoted image",
        "What starts under this name was not proven: a build or a pull moved the tag since.",
    ),
    Rule(
        "OB207",
        "no-database-connection",
        _W,
        "Airflow without a database connection",
        "Without a connection that its version reads, each container writes to a SQLite file of its own: the "
        "webserver never sees what the scheduler does, and everything is gone with the container.",
    ),
    Rule(
        "OB208",
        "tasks-cannot-report",
        _W,
        "tasks of Airflow 3 cannot reach the api-server",
        "Tasks tell the api-server what they do, with a token that the scheduler signs. Without its address they ask "
        "their own container, without a common secret the token is refused: no task ever finishes.",
    ),
    Rule(
        "OB209",
        "no-common-secret-key",
        _W,
        "no common secret key",
        "Without one each container makes a key of its own at its start, and refuses what another has signed: "
        "requests for logs, sessions of a second web server.",
    ),
    Rule(
        "OB210",
        "installs-at-start",
        _W,
        "packages are installed at every start",
        "A start takes minutes and needs the network, and two containers of one image may run different versions.",
    ),
    Rule(
        "OB211",
        "starts-before-migration",
        _W,
        "a service can start before the database is migrated",
        "Compose starts in parallel what does not wait. Without its tables a scheduler or web server ends with an "
        "error, on a new machine and after every upgrade.",
    ),
    Rule(
        "OB212",
        "daemon-in-container",
        _W,
        "a program in the background of its container",
        "A container lives as long as its first program. With -D that starts another one and ends.",
    ),
    Rule(
        "OB213",
        "health-check-cannot-pass",
        _W,
        "a health check that cannot pass",
        "The container is unhealthy for ever, and whoever waits for it with `service_healthy` never starts.",
    ),
    Rule(
        "OB214",
        "cannot-start",
        _E,
        "a project that Compose cannot start",
        "`docker compose up` ends with this error before it starts anything.",
    ),
    Rule(
        "OB215",
        "no-common-fernet-key",
        _W,
        "no common Fernet key",
        "Airflow encrypts passwords of connections and values of variables with it. What one container has encrypted "
        "with a key of its own, no other can read.",
    ),
    Rule(
        "OB216",
        "executor-does-not-fit",
        _W,
        "an executor that does not fit",
        "The executor says where tasks run. One that the version does not have ends the scheduler; without a worker "
        "Celery's tasks stay queued, and without Celery a worker gets none.",
    ),
    Rule(
        "OB217",
        "broker-not-reached",
        _W,
        "Celery's broker is not reached",
        "The scheduler writes each task to the broker, and workers take it from there. A container's own `localhost` "
        "is not that of another.",
    ),
    Rule(
        "OB218",
        "nobody-reads-dags",
        _W,
        "no service reads the DAG files",
        "In Airflow 3 only a dag-processor reads them, in Airflow 2 the scheduler unless it is told not to. Without "
        "one everything is healthy, and no DAG appears.",
    ),
    Rule(
        "OB219",
        "health-check-cannot-fail",
        _W,
        "a health check that cannot fail",
        "The container is healthy whatever happens in it, and whoever waits for `service_healthy` starts too early.",
    ),
    Rule(
        "OB301",
        "compiler-left-in",
        _W,
        "the Dockerfile leaves a compiler in the image",
        "A compiler is some 250 MB that only the build needs, and a tool for an attacker.",
    ),
    Rule(
        "OB302",
        "pip-cache-kept",
        _I,
        "the Dockerfile keeps pip's cache",
        "Every wheel is in the layer twice: installed, and in the cache.",
    ),
    Rule(
        "OB303",
        "airflow-not-pinned-again",
        _W,
        "pip may replace Airflow",
        "An install that does not name apache-airflow at its version lets the resolver up- or downgrade it unasked.",
    ),
    Rule(
        "OB304",
        "ends-as-root",
        _W,
        "the image ends as root",
        "Every container of it runs as root unless each service says otherwise.",
    ),
    Rule(
        "OB305",
        "recursive-chown",
        _W,
        "a layer that changes owner or mode of a whole folder",
        "The layer holds every touched file once more, with all its bytes.",
    ),
    Rule(
        "OB306",
        "package-lists-kept",
        _I,
        "the Dockerfile keeps apt's package lists",
        "Some 20 MB per layer that nothing reads.",
    ),
    Rule(
        "OB307",
        "credentials-copied",
        _W,
        "the Dockerfile copies credentials into the image",
        "Everybody who may pull the image, or reads a backup of it, has them; deleting the file later does not help.",
    ),
)

CATALOG: dict[str, Rule] = {rule.code: rule for rule in (*_RULES, *IMAGE_RULES)}
