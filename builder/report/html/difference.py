"""The page of two images: what grew and what shrank, by package and file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.naming import shorten_id
from builder.inspect.diff import ChangeKind
from builder.report.html.mapdata import Dimension, MapData, MapGroup, MapView
from builder.report.html.mapdata import build_name_tree as tree_of_names
from builder.report.html.page import Page, render_page
from builder.report.html.table import Cell, MapButton, PageTable, make_bytes_cell, make_growth_cell
from builder.report.imagediff import describe_base
from builder.report.units import UNKNOWN, format_size

if TYPE_CHECKING:
    from builder.inspect.diff import FileChange, ImageDiff, ImageSummary, LayerChange, PackageChange
    from builder.inspect.model import PackageKey

_OWNER, _CHANGE = range(2)
_BY_PACKAGE = 0
_LARGEST_FILES = 200
_KINDS = {"python": "Python", "debian": "Debian"}
_CHANGES = tuple(ChangeKind)
_WORDS = {
    ChangeKind.ADDED: "added",
    ChangeKind.REMOVED: "removed",
    ChangeKind.CHANGED: "changed",
    ChangeKind.METADATA: "mode or owner changed",
}


def render_diff_page(diff: ImageDiff, names: tuple[str, str] | None = None) -> str:
    """One self-contained HTML page. ``names``: what the two are called there; without them, as they call themselves."""
    before, after = names or (_choose_side_name(diff.before), _choose_side_name(diff.after))
    return render_page(
        Page(
            what="How two images differ",
            heading=f"{before} → {after}",
            facts=" · ".join((_format_both_ids(diff), diff.after.platform, f"waste {describe_base(diff)}")),
            figures=_list_diff_figures(diff),
            tables=(
                _make_package_table(diff),
                _make_layer_table(diff),
                _make_waste_table(diff),
                _make_file_table(diff),
            ),
            map=_make_diff_map(diff, f"{before} → {after}"),
        )
    )


def _format_both_ids(diff: ImageDiff) -> str:
    return f"{shorten_id(diff.before.id)} → {shorten_id(diff.after.id)}"


def _choose_side_name(side: ImageSummary) -> str:
    return side.references[0] if side.references else shorten_id(side.id)


def _format_growth_cell(count: int) -> str:
    return make_growth_cell(count).text


def _list_diff_figures(diff: ImageDiff) -> tuple[tuple[str, str], ...]:
    return (
        ("Unpacked", f"{format_size(diff.before.bytes)} → {format_size(diff.after.bytes)}"),
        ("Growth", _format_growth_cell(diff.growth)),
        ("Visible in a container", _format_growth_cell(diff.after.visible_bytes - diff.before.visible_bytes)),
        ("Waste", _format_growth_cell(diff.after.waste_bytes - diff.before.waste_bytes)),
        ("Files that differ", f"{len(diff.files):,}"),
        ("Layers in both", f"{diff.shared_layers} ({format_size(diff.shared_bytes)})"),
    )


def _make_package_table(diff: ImageDiff) -> PageTable:
    groups = _number_owners(diff)
    rows = tuple(
        (
            Cell(change.key.name),
            Cell(_KINDS[change.key.kind]),
            Cell(change.before.version if change.before else UNKNOWN),
            Cell(change.after.version if change.after else UNKNOWN),
            make_bytes_cell(change.before.bytes if change.before else None),
            make_bytes_cell(change.after.bytes if change.after else None),
            make_growth_cell(change.growth),
            MapButton(_BY_PACKAGE, _OWNER, groups[change.key], change.key.name),
        )
        for change in diff.packages
    )
    columns = ("Package", "Kind", "Version before", "after", "Bytes before", "after", "Growth", "")
    return PageTable("Packages that differ", columns, rows, "Every package has the same version and the same bytes.")


def _make_layer_table(diff: ImageDiff) -> PageTable:
    rows = tuple(
        (
            Cell(
                _WORDS[change.change] if change.change is not ChangeKind.METADATA else "same files, other layer below"
            ),
            Cell(_format_instruction(change), mono=True, wide=True),
            make_bytes_cell(change.before.bytes if change.before else None),
            make_bytes_cell(change.after.bytes if change.after else None),
            make_growth_cell(change.growth),
        )
        for change in diff.layers
    )
    return PageTable(
        "Layers that differ",
        ("Change", "Made by", "Bytes before", "after", "Growth"),
        rows,
        "Both images have the same layers.",
    )


def _format_instruction(change: LayerChange) -> str:
    layer = change.after or change.before
    return (layer.instruction if layer else "") or "(the image does not say)"


def _make_waste_table(diff: ImageDiff) -> PageTable:
    rows = tuple(
        (Cell(one.code), make_bytes_cell(one.before), make_bytes_cell(one.after), make_growth_cell(one.growth))
        for one in diff.waste
    )
    return PageTable(
        "Waste that differs", ("Code", "Bytes before", "after", "Growth"), rows, "Waste is the same in both."
    )


def _make_file_table(diff: ImageDiff) -> PageTable:
    rows = tuple(
        (
            Cell(file.path, mono=True, wide=True),
            Cell(_WORDS[file.change]),
            Cell(file.owner.name if file.owner else UNKNOWN),
            make_bytes_cell(file.before.size if file.before else None),
            make_bytes_cell(file.after.size if file.after else None),
            make_growth_cell(file.growth),
        )
        for file in diff.files[:_LARGEST_FILES]
    )
    more = f": the {_LARGEST_FILES} largest of {len(diff.files):,}" if len(diff.files) > _LARGEST_FILES else ""
    columns = ("File", "Change", "Package", "Bytes before", "after", "Growth")
    return PageTable(f"Files that differ{more}", columns, rows, "A running container sees the same files in both.")


def _number_owners(diff: ImageDiff) -> dict[PackageKey, int]:
    """Key → its number among the owners; 0: no owner."""
    listed = dict.fromkeys(change.key for change in diff.packages)
    others = sorted({file.owner for file in diff.files if file.owner is not None} - set(listed))
    return {key: index for index, key in enumerate((*listed, *others), 1)}


def _make_diff_map(diff: ImageDiff, name: str) -> MapData:
    groups = _number_owners(diff)
    changes = {change.key: change for change in diff.packages}
    owners = (MapGroup("files of no package"), *(_make_owner_group(key, changes.get(key)) for key in groups))
    return MapData(
        name=name,
        leaf="file",
        dimensions=(
            Dimension("package", owners),
            Dimension("change", tuple(MapGroup(_WORDS[one]) for one in _CHANGES)),
        ),
        views=(MapView("Package", (_OWNER,)), MapView("Change", (_CHANGE, _OWNER)), MapView("Folder", ())),
        files=tree_of_names((file.path, _make_file_columns(file, groups)) for file in diff.files),
        legend=(("grew", "grew (+)"), ("shrank", "shrank (\u2212)")),
        signed=True,
    )


def _make_owner_group(key: PackageKey, change: PackageChange | None) -> MapGroup:
    versions = ""
    if change is not None:
        old, new = (change.before.version if change.before else "", change.after.version if change.after else "")
        versions = f" {old} → {new}" if old and new and old != new else f" {new or old}"
    return MapGroup(f"{key.name}{versions}", note=f"{_KINDS[key.kind]} package")


def _make_file_columns(file: FileChange, groups: dict[PackageKey, int]) -> tuple[int, int, int]:
    return (file.growth, groups[file.owner] if file.owner else 0, _CHANGES.index(file.change))
