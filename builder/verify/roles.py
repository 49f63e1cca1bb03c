"""The roles, started as a compose file would start them, and what each must do to be believed."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from typing import TYPE_CHECKING, Any

from builder.airflow.model import HttpHealth, JobHealth
from builder.verify.board import CheckFailure, NotRun, Outcome
from builder.verify.containers import PROBE_SHARES, Box, Start, wait_until

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from builder.airflow.model import Role
    from builder.verify.observer import Observer

BROKEN_DATABASE = "/tmp/optbuild-broken.db"  # noqa: S108 - inside a container of our own
SETTLED_SECONDS = 5.0
"""A role without a health check is believed when it still runs after this time."""
_MIGRATES = {"_AIRFLOW_DB_MIGRATE", "_AIRFLOW_DB_UPGRADE"}


def wait_for_exit(box: Box, name: str, seconds: float, cancelled: threading.Event) -> Outcome:
    """The role's work is done: it ended with exit code 0."""
    code = wait_until(box.exit_code, seconds, cancelled)
    if code is None:
        raise CheckFailure(f"{name} did not end within {seconds:.0f} s", log=box.logs())
    if code != 0:
        raise CheckFailure(f"{name} ended with exit code {code}", log=box.logs())
    return Outcome("exit code 0")


def migrates(role: Role) -> bool:
    """Whether starting the role migrates the database."""
    return bool(_MIGRATES & dict(role.environment).keys()) or role.command[:2] in {("db", "migrate"), ("db", "upgrade")}


def broken_migration(role: Role, environment: Mapping[str, str]) -> Start:
    """The role against a database that answers and cannot be migrated: its revision is none that Alembic knows.

    No user is to be made there: that would fail as well, and hide that the migration's failure was swallowed.
    """
    own = {name: value for name, value in role.environment if not name.startswith("_AIRFLOW_WWW_USER_")}
    variables = {
        **environment,
        **own,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{BROKEN_DATABASE}",
        "AIRFLOW__CORE__EXECUTOR": "SequentialExecutor",
        "CONNECTION_CHECK_MAX_COUNT": "0",
    }
    return Start(role.command, variables, files=((BROKEN_DATABASE, unmigratable_database()),), shares=PROBE_SHARES)


def unmigratable_database() -> bytes:
    """A small sqlite file."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('000000000000')")
        connection.commit()
        return connection.serialize()


def judge_broken_migration(role: Role, box: Box, seconds: float, cancelled: threading.Event) -> Outcome:
    """It must fail: after a swallowed failure the other roles start on a database without tables."""
    code = wait_until(box.exit_code, seconds, cancelled)
    if code is None:
        raise CheckFailure(
            f"{role.name} did not end within {seconds:.0f} s on a database that cannot be migrated", log=box.logs()
        )
    if code == 0:
        raise CheckFailure(
            f"{role.name} ended with exit code 0 although the migration failed",
            hint="the entrypoint must end with the migration's exit code (no `airflow db migrate || true`)",
            log=box.logs(),
        )
    return Outcome(f"a failed migration ends {role.name} with exit code {code}")


def wait_for_server(role: Role, box: Box, observer: Observer, seconds: float, cancelled: threading.Event) -> Outcome:
    """The role does its job, by its own health check."""
    if isinstance(role.health, HttpHealth):
        return wait_for_http(role.name, role.health, box, observer, seconds=seconds, cancelled=cancelled)
    if isinstance(role.health, JobHealth):
        return wait_for_job(role.name, role.health, box, observer, seconds=seconds, cancelled=cancelled)
    if (code := wait_until(box.exit_code, SETTLED_SECONDS, cancelled)) is not None:
        raise CheckFailure(f"{role.name} ended with exit code {code}", log=box.logs())
    return Outcome(f"still runs after {SETTLED_SECONDS:.0f} s (it has no health check)")


def wait_for_job(
    name: str, health: JobHealth, box: Box, observer: Observer, *, seconds: float, cancelled: threading.Event
) -> Outcome:
    """``airflow jobs check`` finds its job alive, and its container runs."""

    def looked() -> tuple[bool, str] | None:
        if (code := box.exit_code()) is not None:
            raise CheckFailure(f"{name} ended with exit code {code}", log=box.logs())
        return observer.wait(f"job:{name}", 1.0, cancelled)

    found = wait_until(looked, seconds, cancelled)
    if found is None:
        raise CheckFailure(f"{name} has no live {health.job_type} after {seconds:.0f} s", log=box.logs())
    return Outcome(f"its {health.job_type} is alive")


def wait_for_http(
    name: str, health: HttpHealth, box: Box, observer: Observer, *, seconds: float, cancelled: threading.Event
) -> Outcome:
    """The role's own port answers, and its JSON says that every component is healthy; the status code says nothing."""
    said = "nothing answers"

    def looked() -> str | None:
        nonlocal said
        if (code := box.exit_code()) is not None:
            raise CheckFailure(f"{name} ended with exit code {code}", log=box.logs())
        fine, said = judge_http(health, (observer.said(f"http:{name}") or (True, ""))[1])
        return said if fine else None

    if found := wait_until(looked, seconds, cancelled):
        return Outcome(f"port {health.port}{health.path}: {found}")
    raise CheckFailure(
        f"port {health.port}{health.path} after {seconds:.0f} s: {said}{_elsewhere(box, health.port)}",
        hint=_PORT_HINT,
        log=box.logs(),
    )


_PORT_HINT = "the role must answer on the port of its health check ([roles.NAME] health in optbuild.toml)"


def judge_http(health: HttpHealth, answer: str) -> tuple[bool, str]:
    """Whether the answer (``STATUS BODY``, empty for none) is good, and what it says."""
    status, _, body = answer.partition(" ")
    if not status:
        return False, "nothing answers"
    if status != "200":
        return False, f"HTTP status {status}"
    if not health.json_components:
        return True, "HTTP status 200"
    try:
        found = json.loads(body)
    except ValueError:
        return False, "the answer is not JSON"
    states = {name: _state(found, name) for name in health.json_components}
    words = ", ".join(f"{name} is {state}" for name, state in states.items())
    return all(state == "healthy" for state in states.values()), words


def _state(found: Any, name: str) -> str:
    component = found.get(name) if isinstance(found, dict) else None
    return str(component.get("status")) if isinstance(component, dict) else "missing"


def _elsewhere(box: Box, expected: int) -> str:
    """Where the container listens instead; proc_net_tcp(5): address:port in hex, state 0A is listening."""
    code, text = box.execute("cat", "/proc/net/tcp", "/proc/net/tcp6")
    ports = sorted(
        {int(port, 16) for port in re.findall(r"^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A ", text, re.MULTILINE)}
    )
    others = [str(port) for port in ports if port != expected and port < 32768]
    return (
        f"; the container listens on {', '.join(others)} instead"
        if code == 0 and others and expected not in ports
        else ""
    )


def wait_for_dag(observer: Observer, box: Box, seconds: float, cancelled: threading.Event) -> Outcome:
    """The scheduler ran the DAG to success, as its DagRun says."""
    ends = time.monotonic() + seconds
    found = None
    while found is None and time.monotonic() < ends:
        if (code := box.exit_code()) is not None:
            raise CheckFailure(f"the scheduler ended with exit code {code} while the DAG ran", log=box.logs())
        found = observer.wait("dag", 2.0, cancelled)
    if found is not None and found[0]:
        return Outcome("its run reached success; the task imported every requirement")
    state = found[1] if found else (observer.said("dag-progress") or (True, "no run was made"))[1]
    words = f"the run of the DAG: {state}" + ("" if found else f" after {seconds:.0f} s")
    raise CheckFailure(words, hint="the end of the task's own log is below", log=task_log(box) or box.logs())


def task_log(box: Box) -> str:
    """The end of the task's log, from the scheduler's container."""
    script = (
        'find "${AIRFLOW_HOME:-/opt/airflow}/logs" -path "*optbuild_verify*" -name "attempt=*" -exec tail -n 40 {} +'
    )
    code, text = box.execute("sh", "-c", script)
    return text if code == 0 else ""


def stop_all(
    boxes: Mapping[str, Box], seconds: float, cancelled: threading.Event, log_of: Callable[[Box], str]
) -> Outcome:
    """SIGTERM to all roles at once: each ends within ``seconds`` with 0 or 143, and with PID 1 all its processes."""
    if not boxes:
        raise NotRun("no role runs that could be stopped")
    started = time.monotonic()
    for box in boxes.values():
        box.container.kill("SIGTERM")
    ended: dict[str, tuple[int, float]] = {}
    while len(ended) < len(boxes) and time.monotonic() - started < seconds:
        for name, box in boxes.items():
            if name not in ended and (code := box.exit_code()) is not None:
                ended[name] = (code, time.monotonic() - started)
        if cancelled.wait(0.1):
            raise NotRun("stopped before it could end")
    return judge_stop(boxes, ended, seconds, log_of)


CLEAN_EXITS = frozenset({0, 128 + 15})
"""Documented: a role that ended its work says 0; one that SIGTERM ended while it prepared says 143."""


def judge_stop(
    boxes: Mapping[str, Box], ended: Mapping[str, tuple[int, float]], seconds: float, log_of: Callable[[Box], str]
) -> Outcome:
    """Every role ended in time with a documented code."""
    problems = [f"{name} still runs {seconds:.0f} s after SIGTERM" for name in boxes if name not in ended]
    problems += [f"{name} ended with exit code {code}" for name, (code, _) in ended.items() if code not in CLEAN_EXITS]
    guilty = [name for name in boxes if name not in ended or ended[name][0] not in CLEAN_EXITS]
    if problems:
        hint = (
            "the entrypoint must pass SIGTERM on (`exec`, dumb-init) and may not ignore it; see `docker top` in the log"
        )
        raise CheckFailure("; ".join(problems), hint=hint, log="\n".join(log_of(boxes[name]) for name in guilty))
    return Outcome(", ".join(f"{name} {code} in {after:.1f} s" for name, (code, after) in ended.items()))
