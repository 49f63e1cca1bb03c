"""What ``optbuild clean`` does: read, plan, show; with ``--yes`` lock, back up, remove, measure, write down."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builder.core.errors import EngineFailedError
from builder.core.files import exclusive
from builder.engine.buildcache import idle_cache, prune
from builder.engine.socket_client import look
from builder.operations.snapshot import StoreOptions, StoreWorld
from builder.rollout.history import with_cleaned
from builder.rollout.journal_file import FOLDER, journal_path, write_journal
from builder.state import read_state, update_state
from builder.store.clean import CleanOptions, carry_out, plan
from builder.store.history import read_journals
from builder.store.model import CacheOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from builder.cli.world import World
    from builder.engine.protocols import ImageStore
    from builder.engine.socket_client import EngineReader
    from builder.state import State
    from builder.store.clean import Cleaned, CleanPlan
    from builder.store.model import Row, Snapshot

LOCK = "store.lock"
"""In the state folder. Whoever takes it holds the locks of projects first: optimize cleans up inside of its own."""
BUILD_LOCKS = "locks"
"""Below the state folder; see :func:`builder.image.build.build.project_lock`."""


@dataclass(frozen=True)
class CleanRun:
    """All that a person may choose."""

    store: StoreOptions = field(default_factory=StoreOptions)
    clean: CleanOptions = field(default_factory=CleanOptions)
    yes: bool = False
    build_cache: bool = False
    backup: Path | None = None


@dataclass(frozen=True)
class CleanOutcome:
    """``cleaned`` None: only a preview; then ``backup`` is where the images would be saved first."""

    plan: CleanPlan
    notes: tuple[str, ...] = ()
    cleaned: Cleaned | None = None
    backup: Path | None = None
    cache: CacheOutcome | None = None


def clean(world: World, run: CleanRun) -> CleanOutcome:
    """Raises UnknownProtectionError, EngineMissingError, EngineFailedError, and what a backup raises."""
    with look(world.env) as found:
        if not run.yes:
            store = StoreWorld(world, run.store, found, strict=True)
            planned = plan(store.snapshot(), run.clean)
            cache = _cache(world, run, found)
            return CleanOutcome(planned, tuple(store.notes), backup=run.backup, cache=cache)
        with all_projects(world), one_cleaner(world):
            return _cleaned(world, run, found)


def _cleaned(world: World, run: CleanRun, found: EngineReader) -> CleanOutcome:
    from builder.engine.client import connect  # the SDK
    from builder.engine.compose_containers import StackEngine

    store = StoreWorld(world, run.store, found, strict=True)
    planned = plan(store.snapshot(), run.clean)
    saved = _saved(world, run.backup, planned, found)
    with connect(world.env) as engine:
        check_same(found.identity, engine.info.identity)
        done = removed(world, found.identity, planned, StackEngine(engine), store.snapshot, saved=saved)
    cache = _cache(world, run, found)
    pruned = None if cache is None else _pruned(world, run, found, cache)
    return CleanOutcome(planned, tuple(store.notes), done, run.backup, pruned)


def check_same(judged: str, now: str) -> None:
    """A backup takes minutes, in which the Docker context can change: two engines may have images of the same ID."""
    if judged != now:
        raise EngineFailedError(
            "another engine answers now than the one whose images were judged, so nothing was removed",
            hint="run it again",
        )


def removed(
    world: World,
    engine: str,
    planned: CleanPlan,
    shelf: ImageStore,
    read: Callable[[], Snapshot],
    *,
    saved: Mapping[str, frozenset[str]] | None = None,
) -> Cleaned:
    """Carry a plan out, say so, and write down what is gone, also when something stops it half way."""
    gone: set[str] = set()

    def on_each(row: Row, reason: str) -> None:
        name = row.image.title
        world.progress.note(f"{name} stays: {reason}" if reason else f"removed {name}")
        if not reason:
            gone.add(row.image.id)

    try:
        return carry_out(planned, shelf, read, on_each, saved)
    finally:
        forget(world, engine, frozenset(gone))


def _saved(
    world: World, folder: Path | None, planned: CleanPlan, found: EngineReader
) -> dict[str, frozenset[str]] | None:
    """Image ID → its names, of what was read back and found whole; None: no backup was asked for."""
    if folder is None:
        return None
    from builder.store.backup import save_images

    wanted = [choice.row.image.id for choice in planned.going]
    done = save_images(found, wanted, folder, world.progress) if wanted else ()
    return {one.id: frozenset(one.names) for one in done}


def _cache(world: World, run: CleanRun, found: EngineReader) -> CacheOutcome | None:
    """What lies idle; None: it was not asked for."""
    if not run.build_cache:
        return None
    idle = idle_cache(found.api, world.runner, world.env, run.clean.min_age, time.time())
    return CacheOutcome(idle.builder, idle.bytes, idle.exact)


def _pruned(world: World, run: CleanRun, found: EngineReader, before: CacheOutcome) -> CacheOutcome:
    prune(world.runner, world.env, before.builder, run.clean.min_age)
    after = idle_cache(found.api, world.runner, world.env, run.clean.min_age, time.time())
    freed = None if before.idle is None or after.bytes is None else max(0, before.idle - after.bytes)
    return replace(before, done=True, freed=freed)


@contextlib.contextmanager
def all_projects(world: World) -> Iterator[None]:
    """No optimize, rollback or build of a project that is known begins meanwhile; one that goes on is waited for.

    In the order in which an optimize that builds takes them, so that none waits for the other.
    """
    folder = world.state_folder / FOLDER
    names = {path.name.split(".")[0] for path in folder.glob("*.json")} if folder.is_dir() else set()
    builds = sorted((world.state_folder / BUILD_LOCKS).glob("*.lock"))
    with contextlib.ExitStack() as held:
        for path in (*(folder / f"{name}.lock" for name in sorted(names)), *builds):
            held.enter_context(exclusive(path, "clean", on_wait=_waiting(world)))
        yield


@contextlib.contextmanager
def one_cleaner(world: World) -> Iterator[None]:
    with exclusive(world.state_folder / LOCK, "clean", on_wait=_waiting(world)):
        yield


def _waiting(world: World) -> Callable[[str], None]:
    return lambda holder: world.progress.note(f"waiting: images are only removed while no other run goes on: {holder}")


def forget(world: World, engine: str, removed: frozenset[str]) -> None:
    """What is gone is no old image any more, and a rollback has to build it again."""
    if not removed:
        return

    def change(state: State) -> State:
        for project in state.projects:
            left = tuple(one for one in project.superseded if one.image_id not in removed)
            if project.engine == engine and left != project.superseded:
                state = state.with_project(replace(project, superseded=left))
        return state

    if change(before := read_state(world.state_folder)) != before:
        update_state(world.state_folder, change, warn=world.progress.note)
    for journal in read_journals(world.state_folder).committed:
        now = with_cleaned(journal, removed)
        if journal.engine == engine and now != journal:
            write_journal(journal_path(world.state_folder, journal.files), now)
