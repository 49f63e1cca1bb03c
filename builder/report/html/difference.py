"""The page of two images: what grew and what shrank, by package and file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.inspect.diff import Change
from builder.report.html.mapdata import Dimension, Group, MapData, View
from builder.report.html.mapdata import names as tree_of_names
from builder.report.html.page import Page, as_page
from builder.report.html.table import Cell, Show, Table, bytes_cell, growth_cell
from builder.report.imagediff import base_words
from builder.report.units import UNKNOWN, short_id, size

if TYPE_CHECKING:
    from builder.inspect.diff import FileChange, ImageDiff, LayerChange, PackageChange, Side
    from builder.inspect.model import PackageKey

_OWNER, _CHANGE = range(2)
_BY_PACKAGE = 0
_LARGEST_FILES = 200
_KINDS = {"python": "Python", "debian": "Debian"}
_CHANGES = tuple(Change)
_WORDS = {
    Change.ADDED: "added",
    Change.REMOVED: "removed",
    Change.CHANGED: "changed",
    Change.METADATA: "mode or owner changed",
}


def diff_page(diff: ImageDiff, names: tuple[str, str] | None = None) -> str:
    """One self-contained HTML page. ``names``: what the two are called there; without them, as they call themselves."""
    before, after = names or (_name(diff.before), _name(diff.after))
    return as_page(
        Page(
            what="How two images differ",
            heading=f"{before} → {after}",
            facts=" · ".join((_ids(diff), diff.after.platform, f"waste {base_words(diff)}")),
            figures=_figures(diff),
            tables=(_packages(diff), _layers(diff), _waste(diff), _files(diff)),
            map=_map(diff, f"{before} → {after}"),
        )
    )


def _ids(diff: ImageDiff) -> str:
    return f"{short_id(diff.before.id)} → {short_id(diff.after.id)}"


def _name(side: Side) -> str:
    return side.references[0] if side.references else short_id(side.id)


def _growth(count: int) -> str:
    return growth_cell(count).text


def _figures(diff: ImageDiff) -> tuple[tuple[str, str], ...]:
    return (
        ("Unpacked", f"{size(diff.before.bytes)} → {size(diff.after.bytes)}"),
        ("Growth", _growth(diff.growth)),
        ("Visible in a container", _growth(diff.after.visible_bytes - diff.before.visible_bytes)),
        ("Waste", _growth(diff.after.waste_bytes - diff.before.waste_bytes)),
        ("Files that differ", f"{len(diff.files):,}"),
        ("Layers in both", f"{diff.shared_layers} ({size(diff.shared_bytes)})"),
    )


def _packages(diff: ImageDiff) -> Table:
    groups = _groups(diff)
    rows = tuple(
        (
            Cell(change.key.name),
            Cell(_KINDS[change.key.kind]),
            Cell(change.before.version if change.before else UNKNOWN),
            Cell(change.after.version if change.after else UNKNOWN),
            bytes_cell(change.before.bytes if change.before else None),
            bytes_cell(change.after.bytes if change.after else None),
            growth_cell(change.growth),
            Show(_BY_PACKAGE, _OWNER, groups[change.key], change.key.name),
        )
        for change in diff.packages
    )
    columns = ("Package", "Kind", "Version before", "after", "Bytes before", "after", "Growth", "")
    return Table("Packages that differ", columns, rows, "Every package has the same version and the same bytes.")


def _layers(diff: ImageDiff) -> Table:
    rows = tuple(
        (
            Cell(_WORDS[change.change] if change.change is not Change.METADATA else "same files, other layer below"),
            Cell(_instruction(change), mono=True, wide=True),
            bytes_cell(change.before.bytes if change.before else None),
            bytes_cell(change.after.bytes if change.after else None),
            growth_cell(change.growth),
        )
        for change in diff.layers
    )
    return Table(
        "Layers that differ",
        ("Change", "Made by", "Bytes before", "after", "Growth"),
        rows,
        "Both images have the same layers.",
    )


def _instruction(change: LayerChange) -> str:
    layer = change.after or change.before
    return (layer.instruction if layer else "") or "(the image does not say)"


def _waste(diff: ImageDiff) -> Table:
    rows = tuple(
        (Cell(one.code), bytes_cell(one.before), bytes_cell(one.after), growth_cell(one.growth)) for one in diff.waste
    )
    return Table("Waste that differs", ("Code", "Bytes before", "after", "Growth"), rows, "Waste is the same in both.")


def _files(diff: ImageDiff) -> Table:
    rows = tuple(
        (
            Cell(file.path, mono=True, wide=True),
            Cell(_WORDS[file.change]),
            Cell(file.owner.name if file.owner else UNKNOWN),
            bytes_cell(file.before.size if file.before else None),
            bytes_cell(file.after.size if file.after else None),
            growth_cell(file.growth),
        )
        for file in diff.files[:_LARGEST_FILES]
    )
    more = f": the {_LARGEST_FILES} largest of {len(diff.files):,}" if len(diff.files) > _LARGEST_FILES else ""
    columns = ("File", "Change", "Package", "Bytes before", "after", "Growth")
    return Table(f"Files that differ{more}", columns, rows, "A running container sees the same files in both.")


def _groups(diff: ImageDiff) -> dict[PackageKey, int]:
    """Key → its number among the owners; 0 is nobody."""
    listed = dict.fromkeys(change.key for change in diff.packages)
    others = sorted({file.owner for file in diff.files if file.owner is not None} - set(listed))
    return {key: index for index, key in enumerate((*listed, *others), 1)}


def _map(diff: ImageDiff, name: str) -> MapData:
    groups = _groups(diff)
    changes = {change.key: change for change in diff.packages}
    owners = (Group("files of no package"), *(_owner(key, changes.get(key)) for key in groups))
    return MapData(
        name=name,
        leaf="file",
        dimensions=(Dimension("package", owners), Dimension("change", tuple(Group(_WORDS[one]) for one in _CHANGES))),
        views=(View("Package", (_OWNER,)), View("Change", (_CHANGE, _OWNER)), View("Folder", ())),
        files=tree_of_names((file.path, _columns(file, groups)) for file in diff.files),
        legend=(("grew", "grew (+)"), ("shrank", "shrank (\u2212)")),
        signed=True,
    )


def _owner(key: PackageKey, change: PackageChange | None) -> Group:
    versions = ""
    if change is not None:
        old, new = (change.before.version if change.before else "", change.after.version if change.after else "")
        versions = f" {old} → {new}" if old and new and old != new else f" {new or old}"
    return Group(f"{key.name}{versions}", note=f"{_KINDS[key.kind]} package")


def _columns(file: FileChange, groups: dict[PackageKey, int]) -> tuple[int, int, int]:
    return (file.growth, groups[file.owner] if file.owner else 0, _CHANGES.index(file.change))
