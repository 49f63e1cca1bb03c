"""The page of all images on an engine: each layer once, under the image that has it alone or those that share it."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from builder.report.amounts import at_least
from builder.report.html.mapdata import Dimension, Group, MapData, View, names
from builder.report.html.page import Page, as_page
from builder.report.html.table import Cell, Show, Table, bytes_cell
from builder.report.units import UNKNOWN, count, short_id, size
from builder.report.when import moment
from builder.store.model import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.engine.layers import Layer
    from builder.store.model import Inventory, Row, Volume

_IMAGE, _STANDING = range(2)
_BY_IMAGE = 0
_STANDINGS = tuple(Standing)
_NAMED = 2
"""So many of the images that share a layer are named in its title; all of them below it."""
_TONES = {
    Standing.IN_USE: "used",
    Standing.REFERENCED: "used",
    Standing.PROTECTED: "kept",
    Standing.KEPT: "kept",
    Standing.SUPERSEDED: "free",
    Standing.DANGLING: "free",
    Standing.UNUSED: "free",
}
_Owners = tuple[int, ...]
"""Numbers of the rows that have a layer."""


def images_page(inventory: Inventory) -> str:
    """One self-contained HTML page."""
    return as_page(
        Page(
            what="What lies on this engine",
            heading=f"{count(inventory.totals.images, 'image')}, {at_least(inventory.totals.real)} on disk",
            facts=" · ".join(_facts(inventory)),
            figures=_figures(inventory),
            tables=(_images(inventory), *_volumes(inventory.volumes)),
            map=_map(inventory),
            finds="image, layer",
        )
    )


def _facts(inventory: Inventory) -> Iterator[str]:
    if inventory.hidden:
        yield (
            f"the filter leaves out {count(inventory.hidden, 'image')}: a layer that only those share is shown as an "
            "image's own; the totals are of all"
        )
    unknown = sum(layer.bytes is None for layer in _layers(inventory))
    if unknown:
        yield f"{count(unknown, 'layer')} whose bytes the engine does not tell"
    last = inventory.last_optimize
    if last is not None:
        yield f"last optimize ({last.project}, {moment(last.at)}): {size(last.before)} before, {size(last.after)} after"
    yield from inventory.notes


def _figures(inventory: Inventory) -> tuple[tuple[str, str], ...]:
    totals, cache, volumes = inventory.totals, inventory.build_cache, inventory.volumes
    return (
        ("On disk", at_least(totals.real)),
        ("Of one image alone", at_least(totals.unique)),
        ("Shared by several", at_least(totals.shared)),
        ("`docker images` adds up to", at_least(totals.apparent)),
        ("Volumes", size(_sum(volumes))),
        ("Build cache", size(cache.bytes if cache else None)),
    )


def _sum(volumes: tuple[Volume, ...] | None) -> int | None:
    known = [one.bytes for one in volumes or () if one.bytes is not None]
    return sum(known) if volumes is not None and len(known) == len(volumes) else None


def _name(row: Row) -> str:
    named = row.image.names or row.image.digests
    return row.image.title if named else f"<none> {row.image.title}"


def _images(inventory: Inventory) -> Table:
    groups = _groups(inventory)
    rows = tuple(_image(row, groups.get(index)) for index, row in enumerate(inventory.rows))
    columns = ("Image", "ID", "Created", "Unpacked", "Unique", "Shared", "Deleting frees", "Standing", "")
    empty = "No image fits the filter." if inventory.hidden else "There is no image on this engine."
    return Table("Images", columns, rows, empty)


def _groups(inventory: Inventory) -> dict[int, int]:
    """Row → the group of the map that shows it: the layers that it has alone, else those that it shares with the
    fewest. An image without layers has none."""
    found: dict[int, int] = {}
    for number, owners in enumerate(_owners(inventory)):
        for index in owners:
            found.setdefault(index, number)
    return found


def _image(row: Row, group: int | None) -> tuple[Cell | Show, ...]:
    created = row.image.layers.created
    return (
        Cell(_name(row), wide=True, below=row.image.names[1:]),
        Cell(short_id(row.image.id), mono=True),
        Cell(moment(created) if created > 0 else UNKNOWN, _seconds(created)),
        *(bytes_cell(one) for one in (row.unpacked, row.unique, row.shared, row.frees)),
        Cell(row.verdict.standing.value, wide=True, below=(row.verdict.reason, *_users(row))),
        Cell("") if group is None else Show(_BY_IMAGE, _IMAGE, group, _name(row)),
    )


def _seconds(created: float) -> int:
    """What it is sorted by; a hostile image may say infinity."""
    return int(created) if math.isfinite(created) else 0


def _users(row: Row) -> tuple[str, ...]:
    """The reason names the first container already."""
    containers = [f"{one.name} ({one.state})" for one in row.containers] if len(row.containers) > 1 else []
    users = [*containers, *(f"project {name}" for name in row.projects)]
    return ("; ".join(users),) if users else ()


def _volumes(volumes: tuple[Volume, ...] | None) -> tuple[Table, ...]:
    """Without a table where the engine did not say."""
    if volumes is None:
        return ()
    rows = tuple(
        (
            Cell(one.name),
            bytes_cell(one.bytes),
            Cell(", ".join(one.users) or "no container"),
            Cell(", ".join(one.projects)),
        )
        for one in volumes
    )
    return (Table("Volumes, which optbuild never touches", ("Volume", "Bytes", "Used by", "Project"), rows, "None."),)


def _layers(inventory: Inventory) -> Iterator[Layer]:
    """Each once."""
    yield from {layer.chain: layer for row in inventory.rows for layer in row.image.layers.layers}.values()


def _having(inventory: Inventory) -> dict[str, _Owners]:
    """Chain of each layer → who has it."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(inventory.rows):
        for chain in dict.fromkeys(row.image.chains):
            found[chain].append(index)
    return {chain: tuple(owners) for chain, owners in found.items()}


def _owners(inventory: Inventory) -> list[_Owners]:
    """Each set of images that have a layer together: single images first."""
    return sorted(set(_having(inventory).values()), key=lambda owners: (len(owners), owners))


def _map(inventory: Inventory) -> MapData:
    having, owners = _having(inventory), _owners(inventory)
    numbers = {one: number for number, one in enumerate(owners)}
    standings = {one: _standing(inventory, one) for one in owners}
    files = (
        (_layer_name(layer), (layer.bytes, numbers[having[layer.chain]], standings[having[layer.chain]]))
        for layer in _layers(inventory)
    )
    return MapData(
        name="all images",
        leaf="layer",
        dimensions=(
            Dimension("image", tuple(_group(inventory, one, _STANDINGS[standings[one]]) for one in owners)),
            Dimension("standing", tuple(Group(one.value, _TONES[one]) for one in _STANDINGS)),
        ),
        views=(View("Image", (_IMAGE,)), View("Standing", (_STANDING, _IMAGE))),
        files=names(files),
        legend=(("used", "in use or referenced"), ("kept", "protected or kept"), ("free", "nothing keeps it")),
        above="",
    )


def _standing(inventory: Inventory, owners: _Owners) -> int:
    """The strongest of its images': a shared layer stays as long as one of them."""
    return min(_STANDINGS.index(inventory.rows[index].verdict.standing) for index in owners)


def _group(inventory: Inventory, owners: _Owners, standing: Standing) -> Group:
    shown = [_name(inventory.rows[index]) for index in owners]
    if len(owners) == 1:
        row = inventory.rows[owners[0]]
        return Group(
            shown[0], _TONES[standing], f"{standing.value}: {row.verdict.reason}; {' '.join(row.image.names[1:])}"
        )
    more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    title = f"shared by {', '.join(shown[:_NAMED])}{more}"
    return Group(title, _TONES[standing], f"freed only with all of them: {', '.join(shown)}")


def _layer_name(layer: Layer) -> str:
    return f"{layer.word or 'layer'} {short_id(layer.chain)}"
