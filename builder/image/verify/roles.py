"""The roles, started as a compose file would start them, and what each must do to be believed."""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING

from builder.airflow.model import HttpHealth, JobHealth
from builder.airflow.releases import SCHEDULER
from builder.airflow.variables import JWT_SECRET
from builder.image.verify.containers import RunningContainer, wait_until
from builder.image.verify.deadline import Deadline
from builder.image.verify.scheduler import CheckFailure, CheckPassed
from builder.image.verify.web import wait_for_http

if TYPE_CHECKING:
    import threading

    from builder.airflow.model import Role
    from builder.image.verify.observer import Observer

SETTLED_SECONDS = 5.0
"""A role without a health check runs at least for this time."""


def wait_for_exit(box: RunningContainer, name: str, seconds: float, cancelled: threading.Event) -> CheckPassed:
    """The role's work is done: it ended with exit code 0."""
    code = wait_until(box.find_exit_code, seconds, cancelled)
    if code is None:
        raise CheckFailure(f"{name} did not end within {seconds:.0f} s", log=box.read_logs())
    if code != 0:
        raise CheckFailure(f"{name} ended with exit code {code}", log=box.read_logs())
    return CheckPassed("exit code 0")


def wait_for_server(
    role: Role, box: RunningContainer, observer: Observer, seconds: float, cancelled: threading.Event
) -> CheckPassed:
    """The role does its job, by its own health check."""
    if isinstance(role.health, HttpHealth):
        return wait_for_http(role.name, role.health, box, observer, seconds=seconds, cancelled=cancelled)
    if isinstance(role.health, JobHealth):
        return wait_for_job(role.name, role.health, box, observer, seconds=seconds, cancelled=cancelled)
    raise TypeError(f"{role.name} has nothing that it could be asked")


def watch_role(name: str, box: RunningContainer, until: threading.Event, cancelled: threading.Event) -> CheckPassed:
    """A role without a health check: nothing shows that it works, so it is watched as long as anything runs.

    ``until``: set when the roles are about to be stopped.
    """
    started = time.monotonic()

    def looked() -> bool | None:
        is_over = until.is_set()  # before the look: what ends after it is told to
        seconds = time.monotonic() - started
        if (code := box.find_exit_code()) is not None:
            words = f"{name} ended by itself after {seconds:.0f} s with exit code {code}"
            raise CheckFailure(words, hint=ENDED_HINT, log=box.read_logs())
        return True if is_over and seconds >= SETTLED_SECONDS else None

    wait_until(looked, math.inf, cancelled)
    return CheckPassed(f"still ran after {time.monotonic() - started:.0f} s (it has no health check)")


ENDED_HINT = "a role that stays must not end, or start a process in the background and end; see its log"


def wait_for_job(
    name: str,
    health: JobHealth,
    box: RunningContainer,
    observer: Observer,
    *,
    seconds: float,
    cancelled: threading.Event,
) -> CheckPassed:
    """``airflow jobs check`` finds its job alive, and its container runs."""

    def looked() -> tuple[bool, str] | None:
        if (code := box.find_exit_code()) is not None:
            raise CheckFailure(f"{name} ended with exit code {code}", log=box.read_logs())
        found = observer.wait(f"job:{name}", 1.0, cancelled)
        if found is None:
            observer.require_running(name)
        return found

    found = wait_until(looked, seconds, cancelled)
    if found is None:
        raise CheckFailure(f"{name} has no live {health.job_type} after {seconds:.0f} s", log=box.read_logs())
    return CheckPassed(f"its {health.job_type} is alive")


def wait_for_dag(
    observer: Observer,
    box: RunningContainer,
    seconds: float,
    cancelled: threading.Event,
    *,
    runner: str = SCHEDULER.name,
    expected_host: str | None = None,
) -> CheckPassed:
    """The DAG ran to success, as its DagRun says. ``box`` is that of the role ``runner``, which runs its task;
    ``expected_host`` is what Airflow must have written down as the task's host, for a worker of its own."""
    limit = Deadline(seconds)
    found = None
    while found is None and not limit.is_over():
        if (code := box.find_exit_code()) is not None:
            raise CheckFailure(f"the {runner} ended with exit code {code} while the DAG ran", log=box.read_logs())
        if (found := observer.wait("dag", 2.0, cancelled)) is None:
            observer.require_running("the DAG")
    log = "" if found is not None and found[0] else "\n".join(filter(None, (read_task_log(box), box.read_logs())))
    if found is None or not found[0]:
        state = found[1] if found else (observer.find_event("dag-progress") or (True, "no run was made"))[1]
        words = f"the run of the DAG: {state}" + ("" if found else f" after {seconds:.0f} s")
        raise CheckFailure(words + _explain_failed_task(log), hint="the end of the task's own log is below", log=log)
    if expected_host is not None and f" on {expected_host}" not in found[1]:
        raise CheckFailure(f"the DAG succeeded, but not on {expected_host}: {found[1]}", hint=_HOST_HINT)
    where = f" on {expected_host}" if expected_host else ""
    return CheckPassed(f"its run reached success{where}; the task imported every requirement")


_HOST_HINT = "the scheduler ran the task itself: see AIRFLOW__CORE__EXECUTOR in the image's environment"


_REFUSED_TOKEN = re.compile(r"Signature verification failed|Invalid auth token", re.IGNORECASE)


def _explain_failed_task(log: str) -> str:
    """For the end of a sentence: what Airflow 3 says on many lines and never by name."""
    if _REFUSED_TOKEN.search(log) is None:
        return ""
    return f"; the task's token was refused: who schedules and who is asked do not share {JWT_SECRET.name}"


def read_task_log(box: RunningContainer) -> str:
    """The end of the task's log, from the scheduler's container."""
    script = (
        'find "${AIRFLOW_HOME:-/opt/airflow}/logs" -path "*optbuild_verify*" -name "attempt=*" -exec tail -n 40 {} +'
    )
    code, text = box.execute("sh", "-c", script)
    return text if code == 0 else ""
