"""The page of all images on an engine: each layer once, under the image that has it alone or those that share it."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from builder.core.naming import shorten_id
from builder.core.phrases import format_moment, format_short_list
from builder.report.amounts import format_amount
from builder.report.html.mapdata import Dimension, MapData, MapGroup, MapView, build_name_tree
from builder.report.html.page import Page, render_page
from builder.report.html.table import Cell, MapButton, PageTable, make_bytes_cell
from builder.report.units import UNKNOWN, format_size, pluralize
from builder.store.model import RetentionReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.engine.layers import Layer
    from builder.store.model import ImageRow, Inventory, Volume

_IMAGE, _STANDING = range(2)
_BY_IMAGE = 0
_STANDINGS = tuple(RetentionReason)
_NAMED = 2
"""So many of the images that share a layer are named in its title; all of them below it."""
_TONES = {
    RetentionReason.IN_USE: "used",
    RetentionReason.REFERENCED: "used",
    RetentionReason.PROTECTED: "kept",
    RetentionReason.KEPT: "kept",
    RetentionReason.SUPERSEDED: "free",
    RetentionReason.DANGLING: "free",
    RetentionReason.UNUSED: "free",
}
_Owners = tuple[int, ...]
"""Numbers of the rows that have a layer."""


def render_images_page(inventory: Inventory) -> str:
    """One self-contained HTML page."""
    return render_page(
        Page(
            what="What is on this engine",
            heading=f"{pluralize(inventory.totals.images, 'image')}, {format_amount(inventory.totals.real)} on disk",
            facts=" · ".join(_iterate_facts(inventory)),
            figures=_list_engine_figures(inventory),
            tables=(_make_image_table(inventory), *_make_volume_tables(inventory.volumes)),
            map=_make_inventory_map(inventory),
            finds="image, layer",
        )
    )


def _iterate_facts(inventory: Inventory) -> Iterator[str]:
    if inventory.hidden:
        yield (
            f"the filter leaves out {pluralize(inventory.hidden, 'image')}: a layer that only those share is "
            "shown as an "
            "image's own; the totals are of all"
        )
    unknown = sum(layer.bytes is None for layer in _iterate_layers(inventory))
    if unknown:
        yield f"{pluralize(unknown, 'layer')} whose bytes the engine does not report"
    last = inventory.last_optimize
    if last is not None:
        yield (
            f"last optimize ({last.project}, {format_moment(last.at)}): {format_size(last.before)} before, "
            f"{format_size(last.after)} after"
        )
    yield from inventory.notes


def _list_engine_figures(inventory: Inventory) -> tuple[tuple[str, str], ...]:
    totals, cache, volumes = inventory.totals, inventory.build_cache, inventory.volumes
    return (
        ("On disk", format_amount(totals.real)),
        ("Of one image alone", format_amount(totals.unique)),
        ("Shared by several", format_amount(totals.shared)),
        ("`docker images` adds up to", format_amount(totals.apparent)),
        ("Volumes", format_size(_sum_volumes(volumes))),
        ("Build cache", format_size(cache.bytes if cache else None)),
    )


def _sum_volumes(volumes: tuple[Volume, ...] | None) -> int | None:
    known = [one.bytes for one in volumes or () if one.bytes is not None]
    return sum(known) if volumes is not None and len(known) == len(volumes) else None


def _format_row_name(row: ImageRow) -> str:
    named = row.image.names or row.image.digests
    return row.image.title if named else f"<none> {row.image.title}"


def _make_image_table(inventory: Inventory) -> PageTable:
    groups = _number_groups(inventory)
    rows = tuple(_make_image_row(row, groups.get(index)) for index, row in enumerate(inventory.rows))
    columns = ("Image", "ID", "Created", "Unpacked", "Unique", "Shared", "Deleting frees", "Standing", "")
    empty = "No image fits the filter." if inventory.hidden else "There is no image on this engine."
    return PageTable("Images", columns, rows, empty)


def _number_groups(inventory: Inventory) -> dict[int, int]:
    """Row → the group of the map that shows it: the layers that it has alone, else those that it shares with the
    fewest. An image without layers has none."""
    found: dict[int, int] = {}
    for number, owners in enumerate(_list_owner_sets(inventory)):
        for index in owners:
            found.setdefault(index, number)
    return found


def _make_image_row(row: ImageRow, group: int | None) -> tuple[Cell | MapButton, ...]:
    return (
        Cell(_format_row_name(row), wide=True, below=row.image.names[1:]),
        Cell(shorten_id(row.image.id), mono=True),
        Cell(_format_time(row), _make_sort_key(row.image.came_at)),
        *(make_bytes_cell(one) for one in (row.unpacked, row.unique, row.shared, row.frees)),
        Cell(row.verdict.standing.value, wide=True, below=(row.verdict.reason, *_format_users(row))),
        Cell("") if group is None else MapButton(_BY_IMAGE, _IMAGE, group, _format_row_name(row)),
    )


def _format_time(row: ImageRow) -> str:
    if row.image.came_at <= 0:
        return UNKNOWN
    return f"{'named ' if row.image.shows_name_time else ''}{format_moment(row.image.came_at)}"


def _make_sort_key(created: float) -> int:
    """What it is sorted by; a hostile image may say infinity."""
    return int(created) if math.isfinite(created) else 0


def _format_users(row: ImageRow) -> tuple[str, ...]:
    """The reason names the first container already."""
    containers = [f"{one.name} ({one.state})" for one in row.containers] if len(row.containers) > 1 else []
    users = [*containers, *(f"project {name}" for name in row.projects)]
    return ("; ".join(users),) if users else ()


def _make_volume_tables(volumes: tuple[Volume, ...] | None) -> tuple[PageTable, ...]:
    """Without a table where the engine did not say."""
    if volumes is None:
        return ()
    rows = tuple(
        (
            Cell(one.name),
            make_bytes_cell(one.bytes),
            Cell(", ".join(one.users) or "no container"),
            Cell(", ".join(one.projects)),
        )
        for one in volumes
    )
    return (
        PageTable("Volumes, which optbuild never touches", ("Volume", "Bytes", "Used by", "Project"), rows, "None."),
    )


def _iterate_layers(inventory: Inventory) -> Iterator[Layer]:
    """Each once."""
    yield from {layer.chain: layer for row in inventory.rows for layer in row.image.layers.layers}.values()


def _index_layer_owners(inventory: Inventory) -> dict[str, _Owners]:
    """Chain of each layer → who has it."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(inventory.rows):
        for chain in dict.fromkeys(row.image.chains):
            found[chain].append(index)
    return {chain: tuple(owners) for chain, owners in found.items()}


def _list_owner_sets(inventory: Inventory) -> list[_Owners]:
    """Each set of images that have a layer together: single images first."""
    return sorted(set(_index_layer_owners(inventory).values()), key=lambda owners: (len(owners), owners))


def _make_inventory_map(inventory: Inventory) -> MapData:
    having, owners = _index_layer_owners(inventory), _list_owner_sets(inventory)
    numbers = {one: number for number, one in enumerate(owners)}
    standings = {one: _find_strongest_standing(inventory, one) for one in owners}
    files = (
        (_format_layer_name(layer), (layer.bytes, numbers[having[layer.chain]], standings[having[layer.chain]]))
        for layer in _iterate_layers(inventory)
    )
    return MapData(
        name="all images",
        leaf="layer",
        dimensions=(
            Dimension("image", tuple(_make_owner_group(inventory, one, _STANDINGS[standings[one]]) for one in owners)),
            Dimension("standing", tuple(MapGroup(one.value, _TONES[one]) for one in _STANDINGS)),
        ),
        views=(MapView("Image", (_IMAGE,)), MapView("Standing", (_STANDING, _IMAGE))),
        files=build_name_tree(files),
        legend=(("used", "in use or referenced"), ("kept", "protected or kept"), ("free", "nothing keeps it")),
        above="",
    )


def _find_strongest_standing(inventory: Inventory, owners: _Owners) -> int:
    """The strongest of its images': a shared layer stays as long as one of them."""
    return min(_STANDINGS.index(inventory.rows[index].verdict.standing) for index in owners)


def _make_owner_group(inventory: Inventory, owners: _Owners, standing: RetentionReason) -> MapGroup:
    shown = [_format_row_name(inventory.rows[index]) for index in owners]
    if len(owners) == 1:
        row = inventory.rows[owners[0]]
        return MapGroup(
            shown[0], _TONES[standing], f"{standing.value}: {row.verdict.reason}; {' '.join(row.image.names[1:])}"
        )
    title = f"shared by {format_short_list(shown, _NAMED)}"
    return MapGroup(title, _TONES[standing], f"freed only with all of them: {', '.join(shown)}")


def _format_layer_name(layer: Layer) -> str:
    return f"{layer.word or 'layer'} {shorten_id(layer.chain)}"
