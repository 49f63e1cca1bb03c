"""What runs of a project, what of that must be started again, in which order, and with which words to Compose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from builder.compose.journal import ContainerRecord, ServiceRecord
from builder.process import Command

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from builder.compose.model import Project, ProjectFiles
    from builder.engine.stack import Container

COMPLETED = "service_completed_successfully"
RUN_VARIABLE = "OPTBUILD_RUN"
"""In the environment of every process that a run starts: a killed run's are found by it."""
REMOVE_ORPHANS = "COMPOSE_REMOVE_ORPHANS"


class Engine(Protocol):
    """The part of :class:`builder.engine.stack.StackEngine` that these stages use."""

    @property
    def identity(self) -> str: ...

    def containers(self, project: str) -> tuple[Container, ...]: ...

    def used_images(self) -> frozenset[str]: ...

    def all_images(self) -> frozenset[str]: ...

    def image_id(self, reference: str) -> str | None: ...

    def references(self, image_id: str) -> tuple[str, ...]: ...

    def tag(self, image_id: str, reference: str) -> None: ...

    def untag(self, reference: str) -> None: ...

    def remove(self, image_id: str) -> bool: ...

    def log(self, container: str, lines: int) -> tuple[str, ...]: ...

    def deaths(self, project: str, since: float, until: float) -> Mapping[str, float]: ...


@dataclass(frozen=True)
class Up:
    """One ``docker compose up``. ``scale``: service → how many, where that is not what the file says."""

    services: tuple[str, ...]
    start: bool = True
    scale: tuple[tuple[str, int], ...] = ()
    build: bool = False
    """Also build images that are missing."""


def records_of(
    containers: Iterable[Container], affected: Iterable[str], completing: Iterable[str]
) -> tuple[ServiceRecord, ...]:
    """Affected services that have containers, as they are now. What has none gets none."""
    found: dict[str, list[Container]] = {}
    for one in containers:
        found.setdefault(one.service, []).append(one)
    waited_for = set(completing)
    return tuple(_record(name, found[name], name in waited_for) for name in sorted(set(affected)) if name in found)


def completing_services(project: Project) -> frozenset[str]:
    """Services that do their work and end: somebody waits for that."""
    conditions = (item for service in project.services.values() for item in service.depends_on.items())
    return frozenset(name for name, condition in conditions if condition == COMPLETED)


def _record(name: str, containers: list[Container], completes: bool) -> ServiceRecord:
    """A finished job that others wait for runs again, as with ``up``. Whatever else stands still was stopped by
    somebody, or nobody needs its end, and stays so."""
    running = any(one.running for one in containers)
    done = completes and all(one.completed for one in containers)
    healthy = all(one.health != "unhealthy" for one in containers)
    boxes = tuple(ContainerRecord(one.id, one.image_id, one.running) for one in containers)
    return ServiceRecord(name, boxes, start=running or done, completes=completes, expects_health=healthy)


def steps_of(project: Project, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The services in groups: each group depends only on those before it, over other services too."""
    left = set(names)
    needs = {name: _reachable(project, name) & left - {name} for name in left}
    steps: list[tuple[str, ...]] = []
    while left:
        ready = {name for name in left if not needs[name] & left} or left  # a circle: Compose will say so
        steps.append(tuple(sorted(ready)))
        left -= ready
    return tuple(steps)


def _reachable(project: Project, name: str) -> set[str]:
    seen: set[str] = set()
    todo = [name]
    while todo:
        service = project.services.get(todo.pop())
        for need in service.depends_on if service else ():
            if need not in seen:
                seen.add(need)
                todo.append(need)
    return seen


def ups_of(step: tuple[str, ...], records: Mapping[str, ServiceRecord], *, build: bool = False) -> tuple[Up, ...]:
    """One call for the services of a step that start, one for those that are only made anew."""
    calls = []
    for start in (True, False):
        chosen = tuple(name for name in step if records[name].start is start)
        scale = tuple((name, records[name].replicas) for name in chosen if records[name].replicas > 1)
        calls.append(Up(chosen, start, scale, build))
    return tuple(call for call in calls if call.services)


def up_command(cli: tuple[str, ...], files: ProjectFiles, up: Up, env: Mapping[str, str], run: str) -> Command:
    """Nothing but these services is touched: no dependencies, no orphans, no registry."""
    options = ("--detach",) if up.start else ("--no-start",)
    build = () if up.build else ("--no-build",)
    scale = tuple(word for name, count in up.scale for word in ("--scale", f"{name}={count}"))
    words = ("up", *options, "--no-deps", "--pull", "never", *build, *scale, "--", *up.services)
    return compose_command(cli, files, words, env, run)


def compose_command(
    cli: tuple[str, ...],
    files: ProjectFiles,
    words: tuple[str, ...],
    env: Mapping[str, str],
    run: str,
    *,
    overlay: Path | None = None,
) -> Command:
    """``docker compose`` for this project; ``overlay`` is one more file, which counts most."""
    extra = () if overlay is None else ("--file", str(overlay))
    whole = {name: value for name, value in env.items() if name != REMOVE_ORPHANS} | {RUN_VARIABLE: run}
    return Command((*cli, *files.arguments, *extra, *words), cwd=files.directory, env=whole)
