"""What ``optbuild images`` reads: engine, files and state, at the same time, and no longer than a person waits."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from builder.core.errors import OptbuildError
from builder.engine.socket_client import look
from builder.operations.background import in_background
from builder.operations.snapshot import StoreWorld
from builder.store.bytes import Ledger
from builder.store.history import last_optimize, read_journals
from builder.store.inventory import rows_of
from builder.store.model import Inventory
from builder.store.select import in_order, selected
from builder.store.usage import build_cache_of, volumes_of

if TYPE_CHECKING:
    from concurrent.futures import Future

    from builder.core.runtime import Runtime
    from builder.operations.snapshot import StoreOptions
    from builder.store.select import Filter, Sort

USAGE_SECONDS = 1.0
"""Since the start: how long the engine may add up volumes and build cache; it walks through all of their files."""
CONTAINERD = (
    "this engine keeps images in containerd's store: bytes are those of its unpacked snapshots, blocks and folders "
    "included, so they are a little more than the sum of the files; the compressed layers beside them "
    "are not counted"
)


def inventory_of(
    runtime: Runtime, options: StoreOptions, filters: tuple[Filter, ...], sort: Sort, *, patience: float = USAGE_SECONDS
) -> Inventory:
    """Raises EngineMissingError, EngineTooOldError, EngineFailedError, and ComposeError for files given by name."""
    end = time.monotonic() + patience
    with look(runtime.env) as found:
        api = found.api
        asked = {kind: in_background(partial(api.usage, kind)) for kind in ("volume", "build-cache")}
        store = StoreWorld(runtime, options, found, strict=False)
        snapshot = store.snapshot()
        rows = rows_of(snapshot)
        shown = in_order(selected(rows, filters), sort)
        volumes, cache = (_until(asked[kind], end) for kind in ("volume", "build-cache"))
        notes = [*store.notes, *snapshot.remembered.doubts, *([CONTAINERD] if found.containerd_store else [])]
    return Inventory(
        engine=snapshot.engine,
        rows=shown,
        totals=Ledger(snapshot.images).totals(),
        volumes=None if volumes is None else volumes_of(volumes, snapshot.users),
        build_cache=None if cache is None else build_cache_of(cache),
        last_optimize=last_optimize(snapshot.engine, read_journals(runtime.state_folder)),
        notes=tuple(notes),
        hidden=len(rows) - len(shown),
    )


def _until(asked: Future[dict[str, Any]], end: float) -> dict[str, Any] | None:
    """None: not in time, or the engine refuses."""
    try:
        return asked.result(timeout=max(0.0, end - time.monotonic()))
    except (TimeoutError, OptbuildError):
        return None
