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

    from builder.core.runtime import Runtime
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


def clean(runtime: Runtime, run: CleanRun) -> CleanOutcome:
    """Raises UnknownProtectionError, EngineMissingError, EngineFailedError, and what a backup raises."""
    with look(runtime.env) as found:
        if not run.yes:
            store = StoreWorld(runtime, run.store, found, strict=True)
            planned = plan(store.snapshot(), run.clean)
            cache = _cache(runtime, run, found)
            return CleanOutcome(planned, tuple(store.notes), backup=run.backup, cache=cache)
        with all_projects(runtime), one_cleaner(runtime):
            return _cleaned(runtime, run, found)


def _cleaned(runtime: Runtime, run: CleanRun, found: EngineReader) -> CleanOutcome:
    from builder.engine.client import connect  # the SDK
    from builder.engine.compose_containers import StackEngine

    store = StoreWorld(runtime, run.store, found, strict=True)
    planned = plan(store.snapshot(), run.clean)
    saved = _saved(runtime, run.backup, planned, found)
    with connect(runtime.env) as engine:
        check_same(found.identity, engine.info.identity)
        done = removed(runtime, found.identity, planned, StackEngine(engine), store.snapshot, saved=saved)
    cache = _cache(runtime, run, found)
    pruned = None if cache is None else _pruned(runtime, run, found, cache)
    return CleanOutcome(planned, tuple(store.notes), done, run.backup, pruned)


def check_same(judged: str, now: str) -> None:
    """A backup takes minutes, in which the Docker context can change: two engines may have images of the same ID."""
    if judged != now:
        raise EngineFailedError(
            "another engine answers now than the one whose images were judged, so nothing was removed",
            hint="run it again",
        )


def removed(
    runtime: Runtime,
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
        runtime.progress.note(f"{name} stays: {reason}" if reason else f"removed {name}")
        if not reason:
            gone.add(row.image.id)

    try:
        return carry_out(planned, shelf, read, on_each, saved)
    finally:
        forget(runtime, engine, frozenset(gone))


def _saved(
    runtime: Runtime, folder: Path | None, planned: CleanPlan, found: EngineReader
) -> dict[str, frozenset[str]] | None:
    """Image ID → its names, of what was read back and found whole; None: no backup was asked for."""
    if folder is None:
        return None
    from builder.store.backup import save_images

    wanted = [choice.row.image.id for choice in planned.going]
    done = save_images(found, wanted, folder, runtime.progress) if wanted else ()
    return {one.id: frozenset(one.names) for one in done}


def _cache(runtime: Runtime, run: CleanRun, found: EngineReader) -> CacheOutcome | None:
    """What lies idle; None: it was not asked for."""
    if not run.build_cache:
        return None
    idle = idle_cache(found.api, runtime.runner, runtime.env, run.clean.min_age, time.time())
    return CacheOutcome(idle.builder, idle.bytes, idle.exact)


def _pruned(runtime: Runtime, run: CleanRun, found: EngineReader, before: CacheOutcome) -> CacheOutcome:
    prune(runtime.runner, runtime.env, before.builder, run.clean.min_age)
    after = idle_cache(found.api, runtime.runner, runtime.env, run.clean.min_age, time.time())
    freed = None if before.idle is None or after.bytes is None else max(0, before.idle - after.bytes)
    return replace(before, done=True, freed=freed)


@contextlib.contextmanager
def all_projects(runtime: Runtime) -> Iterator[None]:
    """No optimize, rollback or build of a project that is known begins meanwhile; one that goes on is waited for.

    In the order in which an optimize that builds takes them, so that none waits for the other.
    """
    folder = runtime.state_folder / FOLDER
    names = {path.name.split(".")[0] for path in folder.glob("*.json")} if folder.is_dir() else set()
    builds = sorted((runtime.state_folder / BUILD_LOCKS).glob("*.lock"))
    with contextlib.ExitStack() as held:
        for path in (*(folder / f"{name}.lock" for name in sorted(names)), *builds):
            held.enter_context(exclusive(path, "clean", on_wait=_waiting(runtime)))
        yield


@contextlib.contextmanager
def one_cleaner(runtime: Runtime) -> Iterator[None]:
    with exclusive(runtime.state_folder / LOCK, "clean", on_wait=_waiting(runtime)):
        yield


def _waiting(runtime: Runtime) -> Callable[[str], None]:
    return lambda holder: runtime.progress.note(
        f"waiting: images are only removed while no other run goes on: {holder}"
    )


def forget(runtime: Runtime, engine: str, removed: frozenset[str]) -> None:
    """What is gone is no old image any more, and a rollback has to build it again."""
    if not removed:
        return

    def change(state: State) -> State:
        for project in state.projects:
            left = tuple(one for one in project.superseded if one.image_id not in removed)
            if project.engine == engine and left != project.superseded:
                state = state.with_project(replace(project, superseded=left))
        return state

    if change(before := read_state(runtime.state_folder)) != before:
        update_state(runtime.state_folder, change, warn=runtime.progress.note)
    for journal in read_journals(runtime.state_folder).committed:
        now = with_cleaned(journal, removed)
        if journal.engine == engine and now != journal:
            write_journal(journal_path(runtime.state_folder, journal.files), now)
