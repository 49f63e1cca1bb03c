"""Waits until restarted services do their job, as far as the engine shows, and says which one does not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from builder.core.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.core.progress import Task
    from builder.engine.compose_containers import Container
    from builder.engine.protocols import ProjectEngine
    from builder.rollout.journal import ServiceRecord

DEFAULT_TIMEOUT_SECONDS = 300.0
POLL_SECONDS = 0.25
LOG_LINES = 15


class Clock(Protocol):
    """Seconds since 1970, as the engine's own times are; tests pass one that jumps."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The real one."""

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class WaitLimits:
    """Seconds. ``steady``: how long a service without health check must run without a restart to count as up."""

    timeout: float = DEFAULT_TIMEOUT_SECONDS
    steady: float = 5.0


@dataclass(frozen=True)
class Readiness:
    """About one service. ``done``: nothing more to wait for; ``failed``: it never will be, with the reason."""

    done: bool = False
    failed: str = ""
    waiting: str = ""


def check_readiness(record: ServiceRecord, containers: tuple[Container, ...], now: float, steady: float) -> Readiness:
    """How far one service is. ``containers`` are its own, ``now`` in seconds since 1970."""
    if len(containers) < record.replicas:
        return Readiness(waiting=f"{len(containers)} of {record.replicas} containers")
    if not record.start:
        return Readiness(done=True)
    verdicts = [_check_container(record, one, now, steady) for one in containers]
    failed = next((one for one in verdicts if one.failed), None)
    waiting = next((one for one in verdicts if not one.done), None)
    return failed or waiting or Readiness(done=True)


def _check_container(record: ServiceRecord, one: Container, now: float, steady: float) -> Readiness:
    if one.status in {"exited", "dead"}:
        return _check_ended_container(record, one)
    if one.status == "restarting" and not record.expects_health:
        return Readiness(done=True)
    if record.completes:
        return Readiness(waiting="it is still running")
    if one.status != "running" or one.started is None:
        return Readiness(waiting=f"it is {one.status}")
    if one.health is not None and record.expects_health:
        return Readiness(done=True) if one.health == "healthy" else Readiness(waiting=f"its health is {one.health}")
    return Readiness(done=True) if now - one.started >= steady else Readiness(waiting="whether it keeps running")


def _check_ended_container(record: ServiceRecord, one: Container) -> Readiness:
    if record.completes and one.completed:
        return Readiness(done=True)
    if one.restart_policy in {"always", "unless-stopped"} or (one.restart_policy == "on-failure" and one.exit_code):
        if not record.expects_health:
            return Readiness(done=True)
        return Readiness(waiting=f"it ended with {one.exit_code} and is started again")
    return Readiness(failed=f"it ended with {one.exit_code}")


def wait_for_services(
    engine: ProjectEngine,
    project: str,
    records: Iterable[ServiceRecord],
    limits: WaitLimits,
    clock: Clock,
    *,
    task: Task | None = None,
) -> Mapping[str, float]:
    """Service → when it was seen to be up. Raises StackError, which holds the last words of the one that is not."""
    left = {record.name: record for record in records}
    ready: dict[str, float] = {}
    end = clock.now() + limits.timeout
    while left:
        now = clock.now()
        by_service = _group_by_service(engine.list_containers(project))
        verdicts = {
            name: check_readiness(one, by_service.get(name, ()), now, limits.steady) for name, one in left.items()
        }
        for name, verdict in verdicts.items():
            if verdict.failed:
                raise _make_stack_error(engine, name, verdict.failed, by_service.get(name, ()))
            if verdict.done:
                ready[name] = now
                del left[name]
        if left and now >= end:
            name = min(left)
            why = f"it was not up after {limits.timeout:.0f} s: {verdicts[name].waiting}"
            raise _make_stack_error(
                engine, name, why, by_service.get(name, ()), hint="`--timeout SECONDS` waits longer"
            )
        if left:
            _show_waiting(task, left, verdicts)
            clock.sleep(POLL_SECONDS)
    if task is not None:
        task.update(detail="")
    return ready


def _show_waiting(task: Task | None, left: Iterable[str], verdicts: Mapping[str, Readiness]) -> None:
    if task is not None:
        task.update(detail="; ".join(f"{name}: {verdicts[name].waiting}" for name in sorted(left)))


def _group_by_service(containers: tuple[Container, ...]) -> dict[str, tuple[Container, ...]]:
    found: dict[str, tuple[Container, ...]] = {}
    for one in containers:
        found[one.service] = (*found.get(one.service, ()), one)
    return found


def _make_stack_error(
    engine: ProjectEngine, name: str, why: str, containers: tuple[Container, ...], *, hint: str | None = None
) -> StackError:
    worst = next((one for one in containers if not one.completed and one.health != "healthy"), None)
    said = (
        _format_log_lines("its health check reported", engine.read_health_output(worst.id)[-LOG_LINES:])
        if worst and worst.health
        else ""
    )
    words = _format_log_lines("the end of its log", engine.read_log(worst.id, LOG_LINES)) if worst else ""
    return StackError(f"{name} did not come up: {why}{said}{words}", hint=hint)


def _format_log_lines(title: str, lines: tuple[str, ...]) -> str:
    return "".join((f"\n  {title}:", *(f"\n    {line}" for line in lines))) if lines else ""
