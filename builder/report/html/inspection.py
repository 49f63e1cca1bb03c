"""The page of one image: layer → package → file, and what of it is waste."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from builder.core.naming import shorten_id
from builder.core.phrases import format_moment
from builder.findings.catalog import CATALOG
from builder.inspect.filesystem import build_filesystem
from builder.report.html.mapdata import Dimension, MapData, MapGroup, MapView, build_name_tree, trim_columns
from builder.report.html.page import Page, render_page
from builder.report.html.table import Cell, MapButton, PageTable, make_bytes_cell, make_number_cell
from builder.report.units import format_size, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.inspect.model import Inspection, LayerSummary, Package, PackageKey, Waste

_LAYER, _OWNER, _WASTE = range(3)
_BY_LAYER, _BY_PACKAGE, _BY_FOLDER, _BY_WASTE = range(4)
_WASTED_BYTES = 5
"""Column: what of a file is waste, where that is not the whole file."""
_NOBODY, _GONE, _FIRST_PACKAGE = 0, 1, 2
"""The first owners; packages follow."""
_LARGEST_FILES = 20
_LARGEST_FOLDERS = 30
_KINDS = {"python": "Python", "debian": "Debian"}


def render_inspection_page(inspection: Inspection, name: str = "") -> str:
    """One self-contained HTML page. ``name``: what the image is called there; without it, as it calls itself."""
    content = inspection.content
    name = name or (content.references[0] if content.references else shorten_id(content.id))
    return render_page(
        Page(
            what="What is in this image",
            heading=name,
            facts=_format_facts(inspection, name),
            figures=_list_image_figures(inspection),
            tables=(
                _make_waste_table(inspection),
                _make_layer_table(inspection),
                _make_package_table(inspection),
                _make_unowned_table(inspection),
            ),
            map=_make_image_map(inspection, name),
        )
    )


def _format_facts(inspection: Inspection, name: str) -> str:
    content = inspection.content
    facts = [shorten_id(content.id), content.platform]
    if content.created is not None:
        facts.append(f"created {format_moment(content.created)}")
    if content.base_layers:
        why = f", because {content.base_why}" if content.base_why else ""
        facts.append(f"base {content.base_name or 'image'} ({pluralize(content.base_layers, 'layer')}){why}")
    facts.extend(reference for reference in content.references if reference != name)
    return " · ".join(facts)


def _list_image_figures(inspection: Inspection) -> tuple[tuple[str, str], ...]:
    hidden = sum(layer.hidden for layer in inspection.layers)
    percent = 100 * inspection.waste_bytes / inspection.bytes if inspection.bytes else 0
    return (
        ("Unpacked", format_size(inspection.bytes)),
        ("Visible in a container", format_size(inspection.visible_bytes)),
        ("Hidden by later layers", format_size(hidden)),
        ("Bytecode", format_size(inspection.bytecode_bytes)),
        ("Waste", f"{format_size(inspection.waste_bytes)} ({percent:.1f} %)"),
        ("Layers", f"{len(inspection.layers):,}"),
        ("Files", f"{sum(layer.files for layer in inspection.layers):,}"),
    )


def _make_waste_table(inspection: Inspection) -> PageTable:
    rows = tuple(
        (
            Cell(waste.code),
            Cell(CATALOG[waste.code].severity.word),
            Cell(
                waste.message,
                wide=True,
                below=(waste.fix,),
                items=tuple(f"{format_size(file.bytes)}  {file.path}" for file in waste.files[:_LARGEST_FILES]),
                items_title=_format_files_title(waste),
            ),
            make_bytes_cell(waste.bytes),
            make_number_cell(len(waste.files)),
            Cell("several" if waste.layer is None else str(waste.layer)),
            MapButton(_BY_WASTE, _WASTE, index, waste.message),
        )
        for index, waste in enumerate(inspection.waste)
    )
    columns = ("Code", "Severity", "What, and the change that avoids it", "Bytes", "Files", "Layer", "")
    return PageTable("Waste", columns, rows, "Nothing was found that could be left out.")


def _format_files_title(waste: Waste) -> str:
    return "Its files" if len(waste.files) <= _LARGEST_FILES else f"Its {_LARGEST_FILES} largest files"


def _make_layer_table(inspection: Inspection) -> PageTable:
    rows = tuple(
        (
            Cell(str(index), index),
            Cell(_format_instruction(layer), mono=True, wide=True, below=(_format_identity(layer),)),
            make_bytes_cell(layer.bytes),
            make_bytes_cell(layer.hidden),
            make_bytes_cell(layer.tar_bytes),
            make_number_cell(layer.files),
            MapButton(_BY_LAYER, _LAYER, index, f"layer {index}"),
        )
        for index, layer in enumerate(inspection.layers)
    )
    columns = ("Layer", "Made by", "Bytes", "Hidden later", "As tar", "Files", "")
    return PageTable("Layers", columns, rows, "This image has no layers.")


def _format_identity(layer: LayerSummary) -> str:
    return f"{shorten_id(layer.diff)}{', base image' if layer.from_base else ''}"


def _format_instruction(layer: LayerSummary) -> str:
    return layer.instruction or "(the image does not say)"


def _make_package_table(inspection: Inspection) -> PageTable:
    groups = _number_package_groups(inspection)
    rows = tuple(
        (
            Cell(package.key.name),
            Cell(package.version),
            Cell(_KINDS[package.key.kind]),
            make_bytes_cell(package.bytes),
            make_number_cell(package.files),
            Cell(str(package.layer), package.layer),
            Cell("yes" if package.asked_for else ""),
            MapButton(_BY_PACKAGE, _OWNER, groups[package.key], package.key.name),
        )
        for package in inspection.packages
    )
    columns = ("Package", "Version", "Kind", "Bytes", "Files", "Layer", "Asked for", "")
    return PageTable("Packages", columns, rows, "No Python distribution and no Debian package was found.")


def _make_unowned_table(inspection: Inspection) -> PageTable:
    rows = tuple(
        (Cell(folder.path, mono=True, wide=True), make_bytes_cell(folder.bytes), make_number_cell(folder.files))
        for folder in inspection.unowned_folders[:_LARGEST_FOLDERS]
    )
    nobody = inspection.unowned
    title = f"Files that belong to no package: {format_size(nobody.bytes)} in {pluralize(nobody.files, 'file')}"
    return PageTable(title, ("Folder", "Bytes", "Files"), rows, "Every file belongs to a package.")


def _make_image_map(inspection: Inspection, name: str) -> MapData:
    return MapData(
        name=name,
        leaf="file",
        dimensions=(
            Dimension("layer", tuple(_make_layer_group(index, layer) for index, layer in enumerate(inspection.layers))),
            Dimension("package", _make_owner_groups(inspection)),
            Dimension(
                "waste", tuple(MapGroup(f"{one.code} {one.message}", "waste", one.fix) for one in inspection.waste)
            ),
        ),
        views=(
            MapView("Layer", (_LAYER, _OWNER)),
            MapView("Package", (_OWNER,), visible=True),
            MapView("Folder", (), visible=True),
            MapView("Waste", (_WASTE,), column=_WASTED_BYTES),
        ),
        files=build_name_tree(_iterate_files(inspection)),
        legend=(
            ("python", "Python package"),
            ("debian", "Debian package"),
            ("nobody", "nobody's"),
            ("waste", "waste"),
            ("hidden", "hidden by a later layer"),
        ),
        wasted=_WASTED_BYTES,
    )


def _make_layer_group(index: int, layer: LayerSummary) -> MapGroup:
    return MapGroup(f"{index}: {_format_instruction(layer)}", note=_format_identity(layer))


def _number_package_groups(inspection: Inspection) -> dict[PackageKey, int]:
    """Key → its number among the owners. Two versions of one name share a key, so they share a group."""
    keys = dict.fromkeys(package.key for package in inspection.packages)
    return {key: index for index, key in enumerate((*keys, *_find_unlisted_owners(inspection, keys)), _FIRST_PACKAGE)}


def _find_unlisted_owners(inspection: Inspection, keys: dict[PackageKey, None]) -> list[PackageKey]:
    """Owners without a package of their own in the list; none, unless an analysis changes."""
    return sorted(set(inspection.owners.values()) - set(keys))


def _make_owner_groups(inspection: Inspection) -> tuple[MapGroup, ...]:
    versions: dict[PackageKey, list[Package]] = defaultdict(list)
    for package in inspection.packages:
        versions[package.key].append(package)
    first = (MapGroup("files of no package", "nobody"), MapGroup("hidden by later layers", "hidden", gone=True))
    packages = (_make_package_group(key, versions[key]) for key in _number_package_groups(inspection))
    return (*first, *packages)


def _make_package_group(key: PackageKey, packages: list[Package]) -> MapGroup:
    versions = ", ".join(sorted({package.version for package in packages}))
    note = f"{_KINDS[key.kind]} package{', asked for by name' if any(one.asked_for for one in packages) else ''}"
    return MapGroup(f"{key.name} {versions}".strip(), key.kind, note)


def _iterate_files(inspection: Inspection) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    """Path and columns (bytes, layer, owner, waste, wasted bytes) of every regular file of every layer."""
    filesystem = build_filesystem(inspection.content)
    groups = _number_package_groups(inspection)
    wasted = _index_wasted_files(inspection)
    gone = [(one.layer, one.entry, False) for one in filesystem.hidden]
    files = [*gone, *((placed.layer, placed.entry, True) for placed in filesystem.files.values())]
    for number, entry, seen in sorted(files, key=lambda one: one[0]):
        key = inspection.owners.get(entry.path) if seen else None
        owner = _GONE if not seen else _NOBODY if key is None else groups[key]
        wastes = wasted.get((number, entry.path), [(-1, entry.size)])
        for position, (waste, of_it) in enumerate(wastes):
            columns = (None if position else entry.size, number, owner, waste, of_it)
            yield entry.path, trim_columns(columns, {3: -1, 4: entry.size})


def _index_wasted_files(inspection: Inspection) -> dict[tuple[int, str], list[tuple[int, int]]]:
    """Layer and path of a file → number and bytes of its wastes."""
    found: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for number, waste in enumerate(inspection.waste):
        for file in waste.files:
            found[(file.layer, file.path)].append((number, file.bytes))
    return found
