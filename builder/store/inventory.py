"""What the engine holds: its images with their layers; and a snapshot as rows with bytes, users and standing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from builder.engine.layers import WORKERS, make_image_layers, query_layers
from builder.engine.timestamps import is_set_date, parse_timestamp
from builder.inspect.lookup import find_image
from builder.store.bytes import LayerUsage
from builder.store.match import find_listed_name, may_mean
from builder.store.model import ImageRow, StoredImage
from builder.store.retention import decide_retention, group_users_by_image
from builder.store.unknown_sizes import complete_layer_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.engine.layers import Layer
    from builder.engine.protocols import StoreApi
    from builder.store.model import InventorySnapshot


def read_images(api: StoreApi, known: Mapping[str, tuple[Layer, ...]], *, sized: bool) -> tuple[StoredImage, ...]:
    """All images. ``known``: layers by image ID; only what it lacks is asked for. What vanishes
    meanwhile is left out. ``sized``: the size of an image that the engine lists is that of its layers, and no more."""
    listed = list({str(entry["Id"]): entry for entry in api.images(all=True)}.values())
    new = [str(entry["Id"]) for entry in listed if entry["Id"] not in known]
    found: dict[str, tuple[Layer, ...] | None] = dict(known)
    if new:
        with ThreadPoolExecutor(min(WORKERS, len(new))) as pool:
            found |= dict(zip(new, pool.map(lambda image: query_layers(api, image), new), strict=True))
    every = [(entry, found.get(str(entry["Id"]))) for entry in listed]
    return complete_layer_bytes(
        [_make_stored_image(entry, layers, sized=sized) for entry, layers in every if layers is not None]
    )


def add_name_times(api: StoreApi, images: Iterable[StoredImage]) -> tuple[StoredImage, ...]:
    """The same with ``named_at`` and ``has_set_date``, one request for each."""
    every = tuple(images)
    with ThreadPoolExecutor(WORKERS) as pool:
        return tuple(pool.map(lambda image: _add_times(api, image), every))


def _add_times(api: StoreApi, image: StoredImage) -> StoredImage:
    found = find_image(api, image.id)
    if found is None:  # it vanished meanwhile
        return image
    named_at = parse_timestamp((found.get("Metadata") or {}).get("LastTagTime")) or 0.0
    return replace(image, named_at=max(0.0, named_at), has_set_date=is_set_date(found.get("Created")))


def _make_stored_image(entry: Mapping[str, Any], layers: tuple[Layer, ...], *, sized: bool) -> StoredImage:
    tags = [str(name) for name in entry.get("RepoTags") or () if not str(name).startswith("<none>")]
    digests = [str(name) for name in entry.get("RepoDigests") or () if not str(name).startswith("<none>")]
    return StoredImage(
        make_image_layers({**entry, "RepoTags": sorted(tags)}, layers),
        tuple(sorted(digests)),
        str(entry.get("ParentId") or ""),
        entry.get("Size") if sized else None,
    )


def make_image_rows(snapshot: InventorySnapshot, *, steps: bool = False) -> tuple[ImageRow, ...]:
    """One per image, in the engine's order. ``steps``: with what the classic builder keeps between its steps."""
    verdicts, containers = decide_retention(snapshot), group_users_by_image(snapshot)
    ledger = LayerUsage(snapshot.images)
    shown = snapshot.images if steps else ledger.visible
    wanted = {image.id: _iterate_projects(snapshot, image) for image in shown}
    rows = []
    for image in shown:
        own = ledger.count_own(image)
        users = containers.get(image.id, ())
        projects = tuple(sorted({*wanted[image.id], *(user.project for user in users if user.project)}))
        rows.append(
            ImageRow(image, verdicts[image.id], own.unpacked, own.unique, own.shared, own.frees, users, projects)
        )
    return tuple(rows)


def _iterate_projects(snapshot: InventorySnapshot, image: StoredImage) -> Iterable[str]:
    for mention in snapshot.mentions:
        if find_listed_name(image, mention.names) or any(may_mean(pattern, image) for pattern in mention.patterns):
            yield mention.project
