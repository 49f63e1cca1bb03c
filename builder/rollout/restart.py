"""Starts services again, step by step: those that others need come first, and are up before the next ones stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import StackError, ToolError
from builder.core.redact import mask_output
from builder.rollout.containers import (
    check_undisturbed,
    make_hashes_command,
    make_up_command,
    parse_hashes,
    plan_up_calls,
)
from builder.rollout.exit_times import record_exit_times
from builder.rollout.wait import wait_for_services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.engine.compose_containers import Container
    from builder.engine.protocols import ProjectEngine
    from builder.rollout.context import RolloutContext
    from builder.rollout.journal import Journal, ServiceRecord

ERROR_LINES = 6


@dataclass(frozen=True)
class Downtime:
    """Seconds. ``stopped``: no container of the service ran; ``until_up``: from the first stop until it was seen to be
    up (its health check included). None: not known, or nothing ran before."""

    stopped: float | None = None
    until_up: float | None = None


def restart_services(
    context: RolloutContext,
    engine: ProjectEngine,
    journal: Journal,
    records: tuple[ServiceRecord, ...],
    *,
    build: bool = False,
) -> Mapping[str, Downtime]:
    """Make the containers of these services anew from the files as they are now, and wait until they are up.

    Raises StackError; the steps behind the one that failed were not touched.
    """
    by_name = {record.name: record for record in records}
    hashes = _query_config_hashes(context, journal)
    measured: dict[str, Downtime] = {}
    for names in journal.steps:
        step = tuple(name for name in names if name in by_name)
        if step:
            others = _check_dependencies(context, engine, journal, step, hashes)
            measured |= _restart_step(context, engine, journal, step, by_name, build=build, others=others)
    return measured


def _query_config_hashes(context: RolloutContext, journal: Journal) -> Mapping[str, str]:
    """None of them where Compose cannot say: then nothing counts as undisturbed."""
    runtime = context.runtime
    result = runtime.runner.run(make_hashes_command(context.compose, journal.files, runtime.env, journal.run))
    return parse_hashes(result.out) if result.ok else {}


def _check_dependencies(
    context: RolloutContext, engine: ProjectEngine, journal: Journal, step: tuple[str, ...], hashes: Mapping[str, str]
) -> Mapping[str, int] | None:
    """What the step depends on, if Compose would leave all of it as it is; else None, and the person is shown why."""
    needs = sorted({need for name in step for need in journal.needs.get(name, ())} - set(step))
    found = check_undisturbed(needs, engine.list_containers(journal.project), hashes, engine.find_image_id)
    if not isinstance(found, str):
        return found
    context.runtime.progress.note(
        f"{found} is not touched, though its container is missing or older than its definition; so the next "
        f"`docker compose up` makes {', '.join(step)} anew once more"
    )
    return None


def _restart_step(
    context: RolloutContext,
    engine: ProjectEngine,
    journal: Journal,
    step: tuple[str, ...],
    records: Mapping[str, ServiceRecord],
    *,
    build: bool,
    others: Mapping[str, int] | None,
) -> Mapping[str, Downtime]:
    runtime = context.runtime
    chosen = tuple(records[name] for name in step)
    with (
        record_exit_times(engine, journal.project, context.clock) as deaths,
        runtime.progress.task(f"restarting {', '.join(step)}") as task,
    ):
        for up in plan_up_calls(step, records, build=build, others=others):
            command = make_up_command(context.compose, journal.files, up, runtime.env, journal.run)
            result = runtime.runner.run(command)
            if not result.ok:
                said = _format_error_tail(result.err, context.secrets_of(journal.files))
                raise StackError(f"{', '.join(up.services)} could not be started again: {said}")
        ready = wait_for_services(engine, journal.project, chosen, context.limits, context.clock, task=task)
    try:
        now = engine.list_containers(journal.project)
    except ToolError:  # they are up: a missing figure is not a reason to undo that
        now = ()
    return {record.name: _measure_downtime(record, now, deaths, ready[record.name]) for record in chosen}


def _measure_downtime(
    record: ServiceRecord, now: tuple[Container, ...], deaths: Mapping[str, float], ready: float
) -> Downtime:
    ended = [deaths[one.id] for one in record.containers if one.running and one.id in deaths]
    started = [one.started for one in now if one.service == record.name and one.started is not None]
    if not ended or not started or len(ended) < sum(one.running for one in record.containers):
        return Downtime()
    return Downtime(max(0.0, min(started) - max(ended)), max(0.0, ready - min(ended)))


def _format_error_tail(text: str, hidden: tuple[str, ...]) -> str:
    """Compose draws its progress in the same stream; the reason is at the end."""
    text = mask_output(text, hidden)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(" Container ")]
    return "; ".join(lines[-ERROR_LINES:]) or "Compose did not say why"
