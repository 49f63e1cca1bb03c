"""What ``optbuild clean`` does: read, plan, show; with ``--yes`` lock, back up, remove, measure, write down."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builder.core.errors import EngineFailedError
from builder.core.files import hold_lock
from builder.engine.buildcache import measure_idle_cache, prune_build_cache
from builder.engine.socket_client import connect_reader
from builder.operations.snapshot import SnapshotReader, StoreOptions
from builder.rollout.history import add_cleaned_images
from builder.rollout.journal_file import FOLDER, resolve_journal_path, write_journal
from builder.state import read_state, update_state
from builder.store.clean import CleanOptions, execute_clean_plan, make_clean_plan
from builder.store.history import read_journals
from builder.store.model import CacheCleanup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from builder.core.runtime import Runtime
    from builder.engine.protocols import ImageStore
    from builder.engine.socket_client import EngineReader
    from builder.state import State
    from builder.store.clean import CleanPlan, CleanResult
    from builder.store.model import ImageRow, InventorySnapshot

LOCK = "store.lock"
"""In the state folder. It is taken after the locks of projects, because optimize cleans up while it holds its own."""
BUILD_LOCKS = "locks"
"""Below the state folder; see :func:`builder.image.build.build.lock_project`."""


@dataclass(frozen=True)
class CleanRequest:
    """All that a person may choose."""

    store: StoreOptions = field(default_factory=StoreOptions)
    clean: CleanOptions = field(default_factory=CleanOptions)
    yes: bool = False
    build_cache: bool = False
    backup: Path | None = None


@dataclass(frozen=True)
class CleanReport:
    """``cleaned`` None: only a preview; then ``backup`` is where the images would be saved first."""

    plan: CleanPlan
    notes: tuple[str, ...] = ()
    cleaned: CleanResult | None = None
    backup: Path | None = None
    cache: CacheCleanup | None = None


def run_clean(runtime: Runtime, run: CleanRequest) -> CleanReport:
    """Raises UnknownProtectionError, EngineMissingError, EngineFailedError, and what a backup raises."""
    with connect_reader(runtime.env) as found:
        if not run.yes:
            store = SnapshotReader(runtime, run.store, found, strict=True)
            planned = make_clean_plan(store.read_snapshot(), run.clean)
            cache = _measure_cache(runtime, run, found)
            return CleanReport(planned, tuple(store.notes), backup=run.backup, cache=cache)
        with lock_all_projects(runtime), lock_store(runtime):
            return _execute_clean(runtime, run, found)


def _execute_clean(runtime: Runtime, run: CleanRequest, found: EngineReader) -> CleanReport:
    from builder.engine.client import connect_engine  # the SDK
    from builder.engine.compose_containers import StackEngine

    store = SnapshotReader(runtime, run.store, found, strict=True)
    planned = make_clean_plan(store.read_snapshot(), run.clean)
    saved = _back_up_images(runtime, run.backup, planned, found)
    with connect_engine(runtime.env) as engine:
        check_same_engine(found.identity, engine.info.identity)
        done = remove_images(runtime, found.identity, planned, StackEngine(engine), store.read_snapshot, saved=saved)
    cache = _measure_cache(runtime, run, found)
    pruned = None if cache is None else _prune_cache(runtime, run, found, cache)
    return CleanReport(planned, tuple(store.notes), done, run.backup, pruned)


def check_same_engine(judged: str, now: str) -> None:
    """A backup takes minutes, in which the Docker context can change: two engines may have images of the same ID."""
    if judged != now:
        raise EngineFailedError(
            "the engine that answers now is not the one whose images were judged, so nothing was removed",
            hint="run it again",
        )


def remove_images(
    runtime: Runtime,
    engine: str,
    planned: CleanPlan,
    shelf: ImageStore,
    read: Callable[[], InventorySnapshot],
    *,
    saved: Mapping[str, frozenset[str]] | None = None,
) -> CleanResult:
    """Carry a plan out, say so, and write down what is gone, also when something stops it half way."""
    gone: set[str] = set()

    def on_each(row: ImageRow, reason: str) -> None:
        name = row.image.title
        runtime.progress.note(f"{name} stays: {reason}" if reason else f"removed {name}")
        if not reason:
            gone.add(row.image.id)

    try:
        return execute_clean_plan(planned, shelf, read, on_each, saved)
    finally:
        forget_images(runtime, engine, frozenset(gone))


def _back_up_images(
    runtime: Runtime, folder: Path | None, planned: CleanPlan, found: EngineReader
) -> dict[str, frozenset[str]] | None:
    """Image ID → its names, of what was read back and found whole; None: no backup was asked for."""
    if folder is None:
        return None
    from builder.store.backup import save_images

    wanted = [choice.row.image.id for choice in planned.going]
    done = save_images(found, wanted, folder, runtime.progress) if wanted else ()
    return {one.id: frozenset(one.names) for one in done}


def _measure_cache(runtime: Runtime, run: CleanRequest, found: EngineReader) -> CacheCleanup | None:
    """What is idle; None: it was not asked for."""
    if not run.build_cache:
        return None
    idle = measure_idle_cache(found.api, runtime.runner, runtime.env, run.clean.min_age, time.time())
    return CacheCleanup(idle.builder, idle.bytes, idle.exact)


def _prune_cache(runtime: Runtime, run: CleanRequest, found: EngineReader, before: CacheCleanup) -> CacheCleanup:
    prune_build_cache(runtime.runner, runtime.env, before.builder, run.clean.min_age)
    after = measure_idle_cache(found.api, runtime.runner, runtime.env, run.clean.min_age, time.time())
    freed = None if before.idle is None or after.bytes is None else max(0, before.idle - after.bytes)
    return replace(before, done=True, freed=freed)


@contextlib.contextmanager
def lock_all_projects(runtime: Runtime) -> Iterator[None]:
    """No optimize, rollback or build of a project that is known begins meanwhile; one that goes on is waited for.

    In the order in which an optimize that builds takes them, so that none waits for the other.
    """
    folder = runtime.state_folder / FOLDER
    names = {path.name.split(".")[0] for path in folder.glob("*.json")} if folder.is_dir() else set()
    builds = sorted((runtime.state_folder / BUILD_LOCKS).glob("*.lock"))
    with contextlib.ExitStack() as held:
        for path in (*(folder / f"{name}.lock" for name in sorted(names)), *builds):
            held.enter_context(hold_lock(path, "clean", on_wait=_make_wait_notice(runtime)))
        yield


@contextlib.contextmanager
def lock_store(runtime: Runtime) -> Iterator[None]:
    with hold_lock(runtime.state_folder / LOCK, "clean", on_wait=_make_wait_notice(runtime)):
        yield


def _make_wait_notice(runtime: Runtime) -> Callable[[str], None]:
    return lambda holder: runtime.progress.note(
        f"waiting: images are removed only while no other run is active: {holder}"
    )


def forget_images(runtime: Runtime, engine: str, removed: frozenset[str]) -> None:
    """A removed image is not an old image any more, and a rollback must build it again."""
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
        now = add_cleaned_images(journal, removed)
        if journal.engine == engine and now != journal:
            write_journal(resolve_journal_path(runtime.state_folder, journal.files), now)
