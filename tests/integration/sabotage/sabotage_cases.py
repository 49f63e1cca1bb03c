"""What is broken, in which of the images, and which check must name it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sabotage import AIRFLOW_3, BROKER, CELERY, DATABASE, GOOD, Sabotage, entrypoint

SITE = "/home/airflow/.local/lib/python3.11/site-packages"
SET_CAPABILITY = (  # setcap is not in the image; the bytes are those of cap_net_raw+p (linux/capability.h)
    'python -c \'import os; data = bytes.fromhex("0100000200200000" + "0" * 24); '
    'os.setxattr("/bin/raised", "security.capability", data)\''
)
INSIDE = ("imports", "dependencies", "providers", "bytecode", "system", "tls", "user")
STATIC = ("version", "configuration", "folders", "user")
LOGIN = ("login", "webserver")
WITH_USER = ("init", "webserver")
AIRFLOW_2_CASES = {
    "no-psycopg2": Sabotage(
        "imports",
        (f"RUN rm -rf {SITE}/psycopg2",),
        "psycopg2-binary: import psycopg2",
    ),
    "operator-missing": Sabotage(
        "providers",
        (f"RUN rm {SITE}/airflow/operators/bash.py {SITE}/airflow/operators/__pycache__/bash.*",),
        "Airflow: airflow.operators.bash: ModuleNotFoundError",
        only=INSIDE,
    ),
    "provider-broken": Sabotage(
        "providers",
        (
            (
                f"RUN echo 'raise OSError(\"broken on purpose\")' >{SITE}/airflow/providers/http/operators/http.py"
                f" && rm {SITE}/airflow/providers/http/operators/__pycache__/http.*"
            ),
        ),
        "apache-airflow-providers-http: airflow.providers.http.operators.http: OSError: broken on purpose",
        only=INSIDE,
    ),
    "provider-ends-python": Sabotage(
        "providers",
        (
            (
                f"RUN printf 'import os\\nos.kill(os.getpid(), 11)\\n' >{SITE}/airflow/providers/ftp/sensors/ftp.py"
                f" && rm {SITE}/airflow/providers/ftp/sensors/__pycache__/ftp.*"
            ),
        ),
        "importing airflow.providers.ftp.sensors.ftp ended Python with signal 11",
        only=INSIDE,
    ),
    "script-without-interpreter": Sabotage(
        "providers",
        ("RUN sed -i '1s|.*|#!/opt/gone/python|' /home/airflow/.local/bin/alembic",),
        "/home/airflow/.local/bin/alembic: its interpreter /opt/gone/python is not there",
        only=INSIDE,
    ),
    "source-patched-beside-its-bytecode": Sabotage(
        "bytecode",
        (f"RUN echo '# patched' >>{SITE}/airflow/utils/dates.py",),
        f"{SITE}/airflow/utils/dates.py is not what runs",
        only=INSIDE,
    ),
    "no-time-zones": Sabotage(
        "system",
        ("RUN rm -rf /usr/share/zoneinfo",),
        "TZ=Europe/Berlin means UTC",
        only=INSIDE,
    ),
    "locale-not-installed": Sabotage(
        "system",
        ("ENV LC_ALL=de_DE.UTF-8",),
        "the locale that the environment names is not installed: LC_ALL=de_DE.UTF-8",
        only=INSIDE,
    ),
    "no-certificate-authorities": Sabotage(
        "tls",
        ("RUN rm -rf /etc/ssl/certs /usr/share/ca-certificates",),
        "Python knows no certificate authority",
        only=INSIDE,
    ),
    "no-authorities-for-requests": Sabotage(
        "tls",
        (f"RUN rm {SITE}/certifi/cacert.pem",),
        "certifi names",
        only=INSIDE,
    ),
    "certificates-are-not-verified": Sabotage(
        "tls",
        (
            (
                "RUN echo 'import ssl; ssl._create_default_https_context = ssl._create_unverified_context'"
                f" >{SITE}/unverified.pth"
            ),
        ),
        "urllib trusts a server that no authority vouches for",
        only=INSIDE,
    ),
    "another-version-on-the-label": Sabotage(
        "configuration",
        ("LABEL org.apache.airflow.version=2.8.0",),
        "label org.apache.airflow.version is 2.8.0, expected 2.8.1",
        only=("configuration", "version", "folders"),
    ),
    "database-dies": Sabotage(
        "database",
        ('ENTRYPOINT ["/bin/sh", "-c", "exit 6"]',),
        "ended with exit code 6",
        only=("database", "init"),
        base=DATABASE,
    ),
    "init-fails": Sabotage(
        "init",
        (entrypoint("[[ $1 != version ]] || exit 4", GOOD),),
        "init ended with exit code 4",
        only=("init",),
    ),
    "user-not-made": Sabotage(
        "init",
        (entrypoint("unset _AIRFLOW_WWW_USER_CREATE", GOOD),),
        "init ended with exit code 0, but the user that it was to make is not in the database",
        only=("init", "migrations"),
        roles=("init",),
        makes_user=True,
    ),
    "requirement-missing": Sabotage(
        "dependencies",
        (f"RUN rm -rf {SITE}/seaborn {SITE}/seaborn-*.dist-info",),
        "the spec needs seaborn==0.12.2: not installed",
        only=("dependencies", "imports", "version", "folders"),
    ),
    "wrong-airflow-version": Sabotage(
        "version",
        (
            (
                f"RUN sed -i 's/^__version__ = .*/__version__ = \"2.8.0\"/' {SITE}/airflow/__init__.py"
                f" && rm -f {SITE}/airflow/__pycache__/__init__.*"
            ),
        ),
        "says 2.8.0, expected 2.8.1",
        only=STATIC,
    ),
    "swallowed-migration": Sabotage(
        "failed-migration",
        (
            entrypoint(
                "[[ -z ${_AIRFLOW_DB_MIGRATE:-} ]] || airflow db migrate || true", "unset _AIRFLOW_DB_MIGRATE", GOOD
            ),
        ),
        "init ended with exit code 0 although the migration failed",
        only=("failed-migration", "configuration"),
    ),
    "migration-failed-and-swallowed": Sabotage(
        "migrations",
        (entrypoint("[[ -z ${_AIRFLOW_DB_MIGRATE:-} ]] || { airflow db migrate --no-such-option || exit 0; }", GOOD),),
        "`airflow db check-migrations` does not agree",
        only=("migrations", "scheduler", "dag"),
        fresh=True,
    ),
    "gcc-left-in": Sabotage(
        "contents",
        ("RUN cp /bin/true /usr/bin/gcc",),
        "a compiler or linker: /usr/bin/gcc",
        only=("contents", "configuration"),
    ),
    "secret-in-deleted-file": Sabotage(
        "contents",
        (
            "RUN printf 'machine pypi.example login me password hunter2\\n' >/root/.netrc",
            "RUN rm /root/.netrc",
        ),
        "a password of a netrc file: /root/.netrc",
        only=("contents", "configuration"),
    ),
    "setuid-shell": Sabotage(
        "privileges",
        ("RUN chmod u+s /bin/bash",),
        "a setuid file: /usr/bin/bash",
        only=("privileges", "contents", "credentials", "configuration"),
    ),
    "writable-by-everybody": Sabotage(
        "privileges",
        ("RUN chmod o+w /home/airflow/.local/bin/airflow",),
        "a file that every user may write: /home/airflow/.local/bin/airflow",
        only=("privileges", "contents"),
    ),
    "program-with-capabilities": Sabotage(
        "privileges",
        (f"RUN cp /bin/true /bin/raised && {SET_CAPABILITY}",),
        "a file with capabilities: /usr/bin/raised",
        only=("privileges", "contents"),
    ),
    "connection-in-the-environment": Sabotage(
        "credentials",
        ("ENV AIRFLOW_CONN_WAREHOUSE=postgresql://reporting:r3alpw@warehouse.example/dwh",),
        "the environment variable AIRFLOW_CONN_WAREHOUSE holds a password",
        only=("privileges", "contents", "credentials", "configuration"),
    ),
    "token-as-build-argument": Sabotage(
        "credentials",
        ("ARG INDEX_TOKEN=r3alpw", "RUN true"),
        "holds the value of INDEX_TOKEN",
        only=("contents", "credentials"),
    ),
    "entrypoint-for-50000-only": Sabotage(
        "user",
        (entrypoint("[[ $(id -u) == 50000 || $1 != python ]] || exit 1", GOOD),),
        "group 0: the container ended with exit code 1",
        only=STATIC,
    ),
    "files-for-50000-only": Sabotage(
        "user",
        ("RUN chmod 700 /home/airflow/.local/bin && chown 50000 /home/airflow/.local/bin",),
        "group 0",
        only=STATIC,
    ),
    "folder-not-group-writable": Sabotage(
        "folders",
        ("RUN chmod g-w /opt/airflow/logs",),
        "/opt/airflow/logs has mode",
        only=STATIC,
    ),
    "scheduler-dies": Sabotage(
        "scheduler",
        (entrypoint("[[ $1 != scheduler ]] || { sleep 3; exit 9; }", GOOD),),
        "scheduler ended with exit code 9",
        only=("scheduler", "dag", "migrations"),
        roles=("scheduler",),
    ),
    "webserver-on-another-port": Sabotage(
        "webserver",
        (entrypoint("[[ $1 != webserver ]] || export AIRFLOW__WEBSERVER__WEB_SERVER_PORT=8081", GOOD),),
        "nothing answers; the container listens on 8081 instead",
        only=("webserver", "migrations"),
        roles=("webserver",),
    ),
    "port-moved-by-a-variable": Sabotage(
        "configuration",
        ("ENV AIRFLOW__WEBSERVER__WEB_SERVER_PORT=8081",),
        "its variables move the webserver to port 8081, expected 8080",
        only=("configuration", "webserver"),
        roles=("webserver",),
    ),
    "no-dumb-init": Sabotage(
        "configuration",
        ('ENTRYPOINT ["/entrypoint"]',),
        "expected /entrypoint behind dumb-init",
        only=STATIC,
    ),
    "no-templates": Sabotage(
        "login",
        (f"RUN rm -r {SITE}/airflow/www/templates/airflow",),
        "jinja2.exceptions.TemplateNotFound",
        only=LOGIN,
        roles=WITH_USER,
        makes_user=True,
    ),
    "one-style-sheet-missing": Sabotage(
        "login",
        (f"RUN rm {SITE}/airflow/www/static/dist/main.*.css",),
        ".css: HTTP status 404",
        only=LOGIN,
        roles=WITH_USER,
        makes_user=True,
    ),
    "no-static-files": Sabotage(
        "login",
        (f"RUN rm -r {SITE}/airflow/www/static/dist",),
        "HTTP status",
        only=LOGIN,
        roles=WITH_USER,
        makes_user=True,
    ),
    "writes-beside-itself": Sabotage(
        "read-only",
        (entrypoint("echo started >/opt/airflow/started || exit 3", GOOD),),
        "the webserver does not work on a read-only file system",
        only=("read-only", "webserver"),
        roles=("webserver",),
    ),
    "task-cannot-import-pandas": Sabotage(
        "dag",
        (
            "RUN mkdir /broken && echo 'raise ImportError(\"broken on purpose\")' >/broken/pandas.py",
            entrypoint("[[ $1 != scheduler ]] || export PYTHONPATH=/broken", GOOD),
        ),
        "broken on purpose",
        only=("imports", "dependencies", "scheduler", "dag"),
        roles=("scheduler",),
    ),
    "init-ignores-sigterm": Sabotage(
        "stop",
        (entrypoint('[[ $1 != version ]] || trap "" TERM', GOOD),),
        "init still runs 15 s after SIGTERM",
        only=("stop",),
    ),
    "init-says-0-to-sigterm": Sabotage(
        "stop",
        (
            entrypoint(
                '[[ $1 == version ]] || exec /entrypoint.good "$@"', "trap : TERM", '/entrypoint.good "$@" || exit 0'
            ),
        ),
        "init ended with exit code 0, not 143",
        only=("stop",),
    ),
    "webserver-dies-later": Sabotage(
        "webserver",
        (
            entrypoint(
                "[[ $1 != version ]] || sleep 6",  # the init that is stopped: until then the webserver is dead for sure
                '[[ $1 == webserver ]] || exec /entrypoint.good "$@"',
                '/entrypoint.good "$@" &',
                'healthy() { curl -s localhost:8080/health | tr -d "[:space:]" | grep -q "scheduler.*:.healthy"; }',
                "until healthy; do sleep 0.5; done",
                "sleep 3; exit 7",
            ),
        ),
        "webserver had ended by itself with exit code 7 before SIGTERM",
        only=("webserver", "scheduler", "stop"),
    ),
    "ignores-sigterm": Sabotage(
        "stop",
        (
            entrypoint("trap : TERM", '/entrypoint.good "$@" &', "while kill -0 $! 2>/dev/null; do wait $!; done"),
            'ENTRYPOINT ["/entrypoint"]',
        ),
        "scheduler still runs 15 s after SIGTERM",
        only=("scheduler", "stop"),
        roles=("scheduler",),
    ),
}
"""Of Airflow 2.8."""


def _change(name: str, **changes: Any) -> Sabotage:
    """A case of Airflow 2.8 for another image."""
    return replace(AIRFLOW_2_CASES[name], **changes)


def _die(role: str) -> str:
    """The role ends soon after its start."""
    return entrypoint(f"[[ $1 != {role} ]] || {{ sleep 3; exit 9; }}", GOOD)


_LOGIN_SERVICE = f"{SITE}/airflow/providers/fab/auth_manager/api_fastapi/services/login.py"
_LOGIN_ROUTES = f"{SITE}/airflow/providers/fab/auth_manager/api_fastapi/routes/login.py"
_PATCH = "RUN sed -i '{edit}' {file} && grep -q '{sign}' {file} && rm -f $(dirname {file})/__pycache__/login.*"
_API_LOGIN = ("login", "api-server")
_API_ROLES = ("init", "api-server")
_HEALTHY_3 = 'curl -s localhost:8080/api/v2/monitor/health | tr -d "[:space:]" | grep -q "scheduler.*:.healthy"'
_AS_BEFORE = {
    name: _change(name, base=AIRFLOW_3)
    for name in (
        "no-time-zones",
        "no-certificate-authorities",
        "init-fails",
        "swallowed-migration",
        "migration-failed-and-swallowed",
        "gcc-left-in",
        "setuid-shell",
        "connection-in-the-environment",
        "entrypoint-for-50000-only",
        "folder-not-group-writable",
        "source-patched-beside-its-bytecode",
        "scheduler-dies",
        "ignores-sigterm",
        "user-not-made",
    )
}
AIRFLOW_3_CASES = {
    **_AS_BEFORE,
    "no-psycopg2": _change("no-psycopg2", base=AIRFLOW_3, only=INSIDE, requirements=("psycopg2-binary",)),
    "no-record-of-psycopg2": Sabotage(
        "dependencies",
        (f"RUN rm -rf {SITE}/psycopg2_binary-*.dist-info",),
        "needs psycopg2-binary",
        only=("dependencies", "imports", "version", "folders"),
        base=AIRFLOW_3,
    ),
    "operator-missing": Sabotage(
        "providers",
        (
            (
                f"RUN rm {SITE}/airflow/providers/standard/operators/bash.py"
                f" {SITE}/airflow/providers/standard/operators/__pycache__/bash.*"
            ),
        ),
        "ModuleNotFoundError: No module named 'airflow.providers.standard.operators.bash'",
        only=INSIDE,
        base=AIRFLOW_3,
    ),
    "another-version-on-the-label": _change(
        "another-version-on-the-label",
        base=AIRFLOW_3,
        words="label org.apache.airflow.version is 2.8.0, expected 3.3.2",
    ),
    "port-moved-by-a-variable": Sabotage(
        "configuration",
        ("ENV AIRFLOW__API__PORT=8081",),
        "its variables move the api-server to port 8081, expected 8080",
        only=("configuration",),
        base=AIRFLOW_3,
        roles=("api-server",),
    ),
    "wrong-airflow-version": Sabotage(
        "version",
        (
            (  # one that its providers take too
                f"RUN sed -i 's/^__version__ = .*/__version__ = \"3.3.1\"/' {SITE}/airflow/__init__.py"
                f" && rm -f {SITE}/airflow/__pycache__/__init__.*"
            ),
        ),
        "says 3.3.1, expected 3.3.2",
        only=STATIC,
        base=AIRFLOW_3,
    ),
    "api-server-on-another-port": Sabotage(
        "api-server",
        (entrypoint("[[ $1 != api-server ]] || export AIRFLOW__API__PORT=8081", GOOD),),
        "nothing answers; the container listens on 8081 instead",
        only=("api-server", "migrations"),
        base=AIRFLOW_3,
        roles=("api-server",),
    ),
    "api-server-dies-later": Sabotage(
        "api-server",
        (
            entrypoint(
                "[[ $1 != version ]] || sleep 6",  # as in Airflow 2: until then it is dead for sure
                '[[ $1 == api-server ]] || exec /entrypoint.good "$@"',
                '/entrypoint.good "$@" &',
                f"until {_HEALTHY_3}; do sleep 0.5; done",
                "sleep 3; exit 7",
            ),
        ),
        "with exit code 7",
        only=("api-server", "scheduler", "stop"),
        base=AIRFLOW_3,
        roles=("init", "api-server", "scheduler"),
    ),
    "dag-processor-dies": Sabotage(
        "dag-processor",
        (_die("dag-processor"),),
        "dag-processor ended with exit code 9",
        only=("dag-processor", "migrations"),
        base=AIRFLOW_3,
        roles=("dag-processor",),
    ),
    "triggerer-dies": Sabotage(
        "triggerer",
        (_die("triggerer"),),
        "triggerer ended with exit code 9",
        only=("triggerer", "migrations"),
        base=AIRFLOW_3,
        roles=("triggerer",),
    ),
    "no-scripts-of-the-interface": Sabotage(
        "login",
        (f"RUN rm -r {SITE}/airflow/ui/dist/assets",),
        "HTTP status 404",
        only=_API_LOGIN,
        base=AIRFLOW_3,
        roles=_API_ROLES,
        makes_user=True,
    ),
    "no-token-is-given": Sabotage(
        "login",
        (_PATCH.format(file=_LOGIN_ROUTES, edit='s|^    "/token",|    "/no-token",|', sign='"/no-token"'),),
        "/auth/token: HTTP status",
        only=_API_LOGIN,
        base=AIRFLOW_3,
        roles=_API_ROLES,
        makes_user=True,
    ),
    "the-token-is-refused": Sabotage(
        "login",
        (
            _PATCH.format(
                file=_LOGIN_SERVICE, edit='s|access_token=auth_manager|access_token="x" + auth_manager|', sign='"x" +'
            ),
        ),
        "the token that /auth/token gave is refused: /api/v2/dags: HTTP status 40",
        only=_API_LOGIN,
        base=AIRFLOW_3,
        roles=_API_ROLES,
        makes_user=True,
    ),
    "writes-beside-itself": _change(
        "writes-beside-itself",
        base=AIRFLOW_3,
        words="the api-server does not work on a read-only file system",
        only=("read-only", "api-server"),
        roles=("api-server",),
    ),
    "scheduler-with-another-jwt-secret": Sabotage(
        "dag",
        (entrypoint(f"[[ $1 != scheduler ]] || export AIRFLOW__API_AUTH__JWT_SECRET={'5' * 128}", GOOD),),
        "do not share AIRFLOW__API_AUTH__JWT_SECRET",
        only=("dag",),
        base=AIRFLOW_3,
        roles=("api-server", "scheduler", "dag-processor"),
    ),
}

_PING = 'celery --app airflow.providers.celery.executors.celery_executor.app inspect ping -d "celery@$(hostname)"'
_BIN = "/home/airflow/.local/bin"
NOTED_PING = (
    f"RUN mv {_BIN}/celery {_BIN}/celery.good && printf '%s\\n' '#!/bin/bash'"
    f" '{_BIN}/celery.good \"$@\" && touch /tmp/answered' >{_BIN}/celery && chmod 755 {_BIN}/celery"
)
"""A worker's entrypoint sees whether somebody's ping was answered."""


def end_worker_after_ping(seconds: float, last: str = "exit 9") -> tuple[str, ...]:
    """The worker works until a ping was answered, and so many seconds more."""
    return (
        NOTED_PING,
        entrypoint(
            '[[ "$1 $2" == "celery worker" ]] || exec /entrypoint.good "$@"',
            '/entrypoint.good "$@" &',
            "until [[ -e /tmp/answered ]]; do sleep 0.2; done",
            f"sleep {seconds}; {last}",
        ),
    )


CELERY_CASES = {
    "broker-dies": Sabotage(
        "broker",
        ('ENTRYPOINT ["/bin/sh", "-c", "exit 6"]',),
        "ended with exit code 6",
        only=("broker", "worker"),
        base=BROKER,
        roles=("worker",),
    ),
    "worker-without-its-broker": Sabotage(
        "worker",
        (
            entrypoint(
                '[[ "$1 $2" != "celery worker" ]] || export CONNECTION_CHECK_MAX_COUNT=0',
                '[[ "$1 $2" != "celery worker" ]] || export AIRFLOW__CELERY__BROKER_URL=redis://broker:6399/0',
                GOOD,
            ),
        ),
        "did not answer Celery's ping",
        only=("worker",),
        base=CELERY,
        roles=("worker",),
        patience=25.0,
    ),
    "worker-dies-later": Sabotage(
        "worker",
        end_worker_after_ping(1),
        "worker ended with exit code 9",
        only=("worker", "stop"),
        base=CELERY,
        roles=("worker",),
    ),
    "celery-dies-later-and-its-container-stays": Sabotage(
        "worker",
        end_worker_after_ping(0, last="kill -KILL $!; exec sleep 600"),
        "worker answered once and no more: worker did not answer Celery's ping",
        only=("worker", "stop"),
        base=CELERY,
        roles=("worker",),
        patience=25.0,
    ),
    "flower-on-another-port": Sabotage(
        "flower",
        (entrypoint('[[ "$1 $2" != "celery flower" ]] || export AIRFLOW__CELERY__FLOWER_PORT=5556', GOOD),),
        "nothing answers; the container listens on 5556 instead",
        only=("flower",),
        base=CELERY,
        roles=("flower",),
    ),
    "scheduler-runs-the-task-itself": Sabotage(
        "dag",
        (entrypoint("[[ $1 != scheduler ]] || export AIRFLOW__CORE__EXECUTOR=LocalExecutor", GOOD),),
        "the DAG succeeded, but not on worker-",
        only=("dag",),
        base=CELERY,
        roles=("scheduler", "worker"),
    ),
    "worker-ignores-sigterm": Sabotage(
        "stop",
        (
            entrypoint(
                '[[ "$1 $2" == "celery worker" ]] || exec /entrypoint.good "$@"',
                "trap : TERM",
                '/entrypoint.good "$@" &',
                "while kill -0 $! 2>/dev/null; do wait $!; done",
            ),
            'ENTRYPOINT ["/entrypoint"]',
        ),
        "worker still runs 15 s after SIGTERM",
        only=("worker", "stop"),
        base=CELERY,
        roles=("worker",),
    ),
}

CASES = {
    **AIRFLOW_2_CASES,
    **{f"{name}-on-3": case for name, case in AIRFLOW_3_CASES.items()},
    **{f"{name}-with-celery": case for name, case in CELERY_CASES.items()},
}
