"""What runs of a project, what of that must be started again, in which order, and with which words to Compose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.compose.services.dependencies import COMPLETED
from builder.core.limits import BUILD_LIMIT, CONFIG_LIMIT, STACK_LIMIT
from builder.core.process import Command
from builder.engine.compose import make_compose_environment
from builder.rollout.journal import ContainerRecord, ServiceRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from builder.compose.model import Project, ProjectFiles
    from builder.core.limits import TimeLimit
    from builder.engine.compose_containers import Container

CRASHING_SECONDS = 30.0
"""A container that the engine started again so short a time ago may be about to end once more."""
RUN_VARIABLE = "OPTBUILD_RUN"
"""In the environment of every process that a run starts: a killed run's are found by it."""
REMOVE_ORPHANS = "COMPOSE_REMOVE_ORPHANS"


@dataclass(frozen=True)
class UpCall:
    """One ``docker compose up``. ``scale``: service → how many, whatever the file says: somebody may have scaled it."""

    services: tuple[str, ...]
    start: bool = True
    scale: tuple[tuple[str, int], ...] = ()
    build: bool = False
    """Also build images that are missing."""
    alone: bool = True
    """Without what they depend on. Compose then keeps ``depends_on`` out of the container's labels and hash, and the
    next plain ``up`` makes it anew."""
    recreate: bool = True


def collect_service_records(
    containers: Iterable[Container], affected: Iterable[str], completing: Iterable[str], now: float
) -> tuple[ServiceRecord, ...]:
    """Affected services that have containers, as they are ``now``. What has none gets none."""
    found: dict[str, list[Container]] = {}
    for one in containers:
        found.setdefault(one.service, []).append(one)
    waited_for = set(completing)
    return tuple(
        _make_service_record(name, found[name], now, completes=name in waited_for)
        for name in sorted(set(affected))
        if name in found
    )


def find_completing_services(project: Project) -> frozenset[str]:
    """Services that do their work and end: somebody waits for that."""
    conditions = (item for service in project.services.values() for item in service.depends_on.items())
    return frozenset(name for name, condition in conditions if condition == COMPLETED)


def _make_service_record(name: str, containers: list[Container], now: float, *, completes: bool) -> ServiceRecord:
    """A finished job that others wait for runs again, as with ``up``. Whatever else does not run was stopped by
    somebody, or nobody needs its end, and stays so."""
    running = any(one.running for one in containers)
    done = completes and all(one.completed for one in containers)
    healthy = not any(one.health == "unhealthy" or _is_crashing(one, now) for one in containers)
    boxes = tuple(ContainerRecord(one.id, one.image_id, one.running) for one in containers)
    return ServiceRecord(name, boxes, start=running or done, completes=completes, expects_health=healthy)


def _is_crashing(one: Container, now: float) -> bool:
    """Whether it ends and is started again, and that goes on."""
    lately = one.started is not None and now - one.started < CRASHING_SECONDS
    return one.status == "restarting" or (one.restarts > 0 and one.health != "healthy" and lately)


def split_into_steps(project: Project, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The services in groups: each group depends only on those before it, over other services too."""
    left = set(names)
    needs = {name: set(find_dependencies(project, name)) & left - {name} for name in left}
    steps: list[tuple[str, ...]] = []
    while left:
        ready = {name for name in left if not needs[name] & left} or left  # a circle: Compose will say so
        steps.append(tuple(sorted(ready)))
        left -= ready
    return tuple(steps)


def find_dependencies(project: Project, name: str) -> tuple[str, ...]:
    """All that a service depends on, over others too."""
    seen: set[str] = set()
    todo = [name]
    while todo:
        service = project.services.get(todo.pop())
        for need in service.depends_on if service else ():
            if need not in seen:
                seen.add(need)
                todo.append(need)
    return tuple(sorted(seen))


def plan_up_calls(
    step: tuple[str, ...],
    records: Mapping[str, ServiceRecord],
    *,
    build: bool = False,
    others: Mapping[str, int] | None = None,
) -> tuple[UpCall, ...]:
    """The calls for the services of a step.

    ``others``: what they depend on → how many containers, where Compose would leave those as they are. Then the
    containers are made with their whole definition first and started after, so that the next plain ``up`` finds
    nothing to do. None: each by itself.
    """
    started = tuple(name for name in step if records[name].start)
    standing = tuple(name for name in step if not records[name].start)
    if others is None:
        calls = (
            UpCall(started, scale=_count_replicas(started, records), build=build),
            UpCall(standing, start=False, scale=_count_replicas(standing, records), build=build),
        )
    else:
        scale = (*_count_replicas(step, records), *sorted(others.items()))
        calls = (
            UpCall(step, start=False, scale=scale, build=build, alone=False),
            UpCall(started, scale=_count_replicas(started, records), recreate=False),
        )
    return tuple(call for call in calls if call.services)


def _count_replicas(names: tuple[str, ...], records: Mapping[str, ServiceRecord]) -> tuple[tuple[str, int], ...]:
    return tuple((name, records[name].replicas) for name in names)


def check_undisturbed(
    needs: Iterable[str],
    containers: Iterable[Container],
    hashes: Mapping[str, str],
    images: Callable[[str], str | None],
) -> Mapping[str, int] | str:
    """How many containers each of ``needs`` has, if Compose would touch none of them; else the first that it would.

    It makes a container anew when its definition's hash is another, or when its image's name points elsewhere, and
    makes missing ones. ``images``: name → ID.
    """
    found: dict[str, list[Container]] = {}
    for one in containers:
        found.setdefault(one.service, []).append(one)
    for name in needs:
        if name not in found or not all(
            one.config_hash == hashes.get(name) and images(one.image_name) == one.image_id for one in found[name]
        ):
            return name
    return {name: len(found[name]) for name in needs}


def make_hashes_command(cli: tuple[str, ...], files: ProjectFiles, env: Mapping[str, str], run: str) -> Command:
    """Each service and the hash of its definition, a line each."""
    return make_compose_command(cli, files, ("config", "--hash", "*"), env, run, limit=CONFIG_LIMIT)


def parse_hashes(text: str) -> dict[str, str]:
    """The output of :func:`make_hashes_command`."""
    pairs = (line.split() for line in text.splitlines())
    return {words[0]: words[1] for words in pairs if len(words) == 2}


def make_up_command(cli: tuple[str, ...], files: ProjectFiles, up: UpCall, env: Mapping[str, str], run: str) -> Command:
    """Nothing but these services is touched: no dependencies that run, no orphans, no registry."""
    options = (("--detach",) if up.start else ("--no-start",)) + (("--no-deps",) if up.alone else ())
    options += () if up.recreate else ("--no-recreate",)
    build = () if up.build else ("--no-build",)
    scale = tuple(word for name, count in up.scale for word in ("--scale", f"{name}={count}"))
    words = ("up", *options, "--pull", "never", *build, *scale, "--", *up.services)
    return make_compose_command(cli, files, words, env, run, limit=BUILD_LIMIT if up.build else STACK_LIMIT)


def make_compose_command(
    cli: tuple[str, ...],
    files: ProjectFiles,
    words: tuple[str, ...],
    env: Mapping[str, str],
    run: str,
    *,
    limit: TimeLimit,
    overlay: Path | None = None,
) -> Command:
    """``docker compose`` for this project; ``overlay`` is one more file, which counts most.

    With all profiles: what runs was started with those that it needs, and only named services are ever started.
    """
    extra = () if overlay is None else ("--file", str(overlay))
    given = make_compose_environment(env, remote=True) if files.remote else env
    whole = {name: value for name, value in given.items() if name != REMOVE_ORPHANS} | {RUN_VARIABLE: run}
    argv = (*cli, *files.arguments, *extra, "--profile", "*", *words)
    return Command(argv, cwd=files.directory, env=whole, timeout=limit.read(env))
