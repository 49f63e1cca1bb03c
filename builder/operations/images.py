"""What ``optbuild images`` reads: engine, files and state, at the same time, and no longer than a person waits."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from builder.core.errors import OptbuildError
from builder.engine.socket_client import connect_reader
from builder.operations.background import start_in_background
from builder.operations.snapshot import SnapshotReader
from builder.store.bytes import LayerUsage
from builder.store.history import find_last_optimize, read_journals
from builder.store.inventory import make_image_rows
from builder.store.model import Inventory
from builder.store.select import filter_rows, sort_rows
from builder.store.usage import parse_build_cache, parse_volumes

if TYPE_CHECKING:
    from concurrent.futures import Future

    from builder.core.runtime import Runtime
    from builder.operations.snapshot import StoreOptions
    from builder.store.select import RowFilter, SortKey

USAGE_SECONDS = 1.0
"""Since the start: how long the engine may add up volumes and build cache; it walks through all of their files."""
CONTAINERD = (
    "this engine keeps images in containerd's store: bytes are those of its unpacked snapshots, blocks and folders "
    "included, so they are a little more than the sum of the files; the compressed layers beside them "
    "are not counted"
)


def read_inventory(
    runtime: Runtime,
    options: StoreOptions,
    filters: tuple[RowFilter, ...],
    sort: SortKey,
) -> Inventory:
    """Raises EngineMissingError, EngineTooOldError, EngineFailedError, and ComposeError for files given by name."""
    end = time.monotonic() + USAGE_SECONDS
    with connect_reader(runtime.env) as found:
        api = found.api
        asked = {kind: start_in_background(partial(api.usage, kind)) for kind in ("volume", "build-cache")}
        store = SnapshotReader(runtime, options, found, strict=False)
        snapshot = store.read_snapshot()
        rows = make_image_rows(snapshot)
        shown = sort_rows(filter_rows(rows, filters), sort)
        volumes, cache = (_wait_for_answer(asked[kind], end) for kind in ("volume", "build-cache"))
        notes = [*store.notes, *snapshot.remembered.doubts, *([CONTAINERD] if found.containerd_store else [])]
    return Inventory(
        engine=snapshot.engine,
        rows=shown,
        totals=LayerUsage(snapshot.images).count_totals(),
        volumes=None if volumes is None else parse_volumes(volumes, snapshot.users),
        build_cache=None if cache is None else parse_build_cache(cache),
        last_optimize=find_last_optimize(snapshot.engine, read_journals(runtime.state_folder)),
        notes=tuple(notes),
        hidden=len(rows) - len(shown),
    )


def _wait_for_answer(asked: Future[dict[str, Any]], end: float) -> dict[str, Any] | None:
    """None: not in time, or the engine refuses."""
    try:
        return asked.result(timeout=max(0.0, end - time.monotonic()))
    except (TimeoutError, OptbuildError):
        return None
