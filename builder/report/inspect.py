"""An inspection as text for a person and as JSON: where an image's bytes are, and which of them are waste."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from builder.core.naming import shorten_id
from builder.findings.catalog import CATALOG
from builder.report.colors import color_by_severity, make_bold
from builder.report.prose import wrap_text
from builder.report.pruned import format_pruned, make_pruned_documents
from builder.report.table import Column, format_table
from builder.report.units import escape_to_one_line, format_size, pluralize
from builder.report.when import format_iso_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from builder.inspect.model import BudgetResult, FolderSize, Inspection, LayerSummary, Package, Waste
    from builder.report.documents.inspection import (
        FolderDocument,
        InspectedLayerDocument,
        InspectedPackageDocument,
        InspectionDocument,
        WasteDocument,
    )

_Item = TypeVar("_Item")
SCHEMA_VERSION = 1
TOP = 10
"""Rows of each table, where nothing else is asked for."""
_INSTRUCTION = 100
"""Characters of an instruction in a table."""
_UNTITLED = ("", "", "")
_MOSTLY = 0.9
"""A folder that has this share of its parent's bytes says all that the parent would say."""


def format_inspection_text(
    found: Inspection, name: str, verdicts: Sequence[BudgetResult] = (), *, top: int = TOP, color: bool = False
) -> str:
    """``top`` rows of each table; 0: all. ``name`` is what the person called the image."""
    sections = (
        _format_head(found, name),
        _format_layers(found, color=color),
        _format_packages(found, top, color=color),
        _format_folders(found, top, color=color),
        _format_unowned(found, top, color=color),
        _format_waste(found, top, color=color),
        format_pruned(found.pruned, top, color=color),
        _format_budget(verdicts, color=color),
    )
    return "".join(f"{line}\n" for section in sections for line in section)


def _format_head(found: Inspection, name: str) -> Iterator[str]:
    content = found.content
    percent = f" ({compute_percentage(found.waste_bytes, found.bytes):.1f} %)" if found.bytes else ""
    yield (
        f"{escape_to_one_line(name)} ({shorten_id(content.id)}, {escape_to_one_line(content.platform)}): "
        f"{format_size(found.bytes)} unpacked"
    )
    yield (
        f"  {pluralize(len(found.layers), 'layer')}; a container sees {format_size(found.visible_bytes)}; "
        f"{format_size(found.waste_bytes)} is waste{percent}"
    )
    if found.bytecode_bytes:
        yield f"  {_describe_bytecode(found)}"
    if content.base_layers:
        below = sum(layer.bytes for layer in found.layers[: content.base_layers])
        named = f" {escape_to_one_line(content.base_name)}" if content.base_name else ""
        lowest = "layer is" if content.base_layers == 1 else f"{content.base_layers} layers are"
        yield (f"  the lowest {lowest} the base's{named}: {format_size(below)}, in which only secrets count as waste")
        if content.base_why:
            yield from wrap_text(f"it counts as the base because {content.base_why}", "  ")
    elif content.base_why:
        yield f"  there is no base, because {content.base_why}: every layer counts"
    else:
        yield "  no base is known, so every layer counts; `--base IMAGE` names one"


def _describe_bytecode(found: Inspection) -> str:
    """Apart, because two images are compared by what was put into them; compiled Python follows from that."""
    if not found.content.base_layers:
        return f"{format_size(found.bytecode_bytes)} of it is bytecode"
    added = sum(layer.bytes for layer in found.added_layers)
    bytecode = sum(layer.bytecode for layer in found.added_layers)
    return f"{format_size(added)} are above the base, {format_size(bytecode)} of them bytecode"


def compute_percentage(part: int, whole: int) -> float:
    """In percent; 0 of nothing."""
    return 100 * part / whole if whole else 0.0


def _format_layers(found: Inspection, *, color: bool) -> Iterator[str]:
    yield from _format_title("Layers, lowest first", color=color)
    rows = [_make_layer_row(number, layer) for number, layer in enumerate(found.layers)]
    yield from _format_columns(("", "bytes", "hidden", "files", "instruction"), rows)


def _make_layer_row(number: int, layer: LayerSummary) -> tuple[str, ...]:
    instruction = escape_to_one_line(layer.instruction) or "(its instruction is not known)"
    if len(instruction) > _INSTRUCTION:
        instruction = f"{instruction[: _INSTRUCTION - 1]}…"
    base = " [base]" if layer.from_base else ""
    hidden = format_size(layer.hidden) if layer.hidden else ""
    return str(number), format_size(layer.bytes), hidden, f"{layer.files:,}", f"{instruction}{base}"


def _format_packages(found: Inspection, top: int, *, color: bool) -> Iterator[str]:
    python = sum(one.key.kind == "python" for one in found.packages)
    told = f"{python} Python, {len(found.packages) - python} Debian"
    yield from _format_title(f"Packages ({told})", color=color)
    chosen, rest = _split_first(found.packages, top)
    rows = [(format_size(one.bytes), f"{one.files:,}", str(one.layer), _format_package(one)) for one in chosen]
    yield from _format_columns(("bytes", "files", "layer", "package"), rows)
    if rest:
        yield f"  and {len(rest)} more: {format_size(sum(one.bytes for one in rest))}"


def _format_package(one: Package) -> str:
    kind = "" if one.key.kind == "python" else " (Debian)"
    return escape_to_one_line(f"{one.key.name} {one.version}{kind}")


def _format_folders(found: Inspection, top: int, *, color: bool) -> Iterator[str]:
    yield from _format_title("Folders, each with everything below it", color=color)
    chosen, _ = _split_first(_select_branching_folders(found.folders), top)
    yield from _format_columns(_UNTITLED, [(format_size(one.bytes), f"{one.files:,}", one.path) for one in chosen])


def _select_branching_folders(folders: Sequence[FolderSize]) -> list[FolderSize]:
    """Without those whose bytes are nearly all in one folder below them."""
    largest: dict[str, int] = {}
    for one in folders:
        parent = one.path.rpartition("/")[0] or "/"
        if one.path != "/":
            largest[parent] = max(largest.get(parent, 0), one.bytes)
    return [one for one in folders if one.bytes and largest.get(one.path, 0) < _MOSTLY * one.bytes]


def _format_unowned(found: Inspection, top: int, *, color: bool) -> Iterator[str]:
    told = f"{format_size(found.unowned.bytes)} in {pluralize(found.unowned.files, 'file')}"
    yield from _format_title(f"What belongs to no package: {told}", color=color)
    chosen, _ = _split_first(found.unowned_folders, top)
    yield from _format_columns(_UNTITLED, [(format_size(one.bytes), f"{one.files:,}", one.path) for one in chosen])


def _format_waste(found: Inspection, top: int, *, color: bool) -> Iterator[str]:
    if not found.waste:
        yield from _format_title("Waste: none was found", color=color)
        return
    yield from _format_title(
        f"Waste: {format_size(found.waste_bytes)} that a better Dockerfile would save", color=color
    )
    chosen, rest = _split_first(found.waste, top)
    for one in chosen:
        yield from _format_waste_entry(one, color=color)
    if rest:
        yield f"  and {len(rest)} more: {format_size(sum(one.bytes for one in rest))}; `--top 0` shows all"
    yield f"  `optbuild inspect --explain {chosen[0].code}` says more about a code."


def _format_waste_entry(one: Waste, *, color: bool) -> Iterator[str]:
    severity = CATALOG[one.code].severity
    code = color_by_severity(one.code, severity, color=color)
    amount = format_size(one.bytes) if one.bytes else "note"
    where = "" if one.layer is None else f"layer {one.layer}: "
    lines = list(wrap_text(f"{where}{one.message}", f"  {amount:>7}  {one.code}  ", " " * 11))
    yield lines[0].replace(one.code, code, 1)
    yield from lines[1:]
    yield from wrap_text(one.fix, " " * 11 + "fix: ", " " * 16)


def _format_budget(verdicts: Sequence[BudgetResult], *, color: bool) -> Iterator[str]:
    if verdicts:
        yield from _format_title("Budget", color=color)
    for one in verdicts:
        word = "ok" if one.passed else "exceeded"
        yield from wrap_text(f"{one.name}: {one.text}", f"  {word:<8}  ")


def _format_title(text: str, *, color: bool) -> Iterator[str]:
    yield ""
    yield make_bold(text, color=color)


def _format_columns(titles: Sequence[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """All columns but the last one to the right."""
    last = len(titles) - 1
    return format_table([Column(title, right=at < last) for at, title in enumerate(titles)], rows, width=0)


def _split_first(items: Sequence[_Item], top: int) -> tuple[Sequence[_Item], Sequence[_Item]]:
    return (items, ()) if not top else (items[:top], items[top:])


def format_inspection_json(found: Inspection, verdicts: Sequence[BudgetResult] = ()) -> str:
    """Everything; layers are named by their number, lowest first."""
    content = found.content
    document: InspectionDocument = {
        "schema_version": SCHEMA_VERSION,
        "image": {
            "id": content.id,
            "names": list(content.references),
            "platform": content.platform,
            "created": format_iso_time(content.created),
            "base": {
                "name": content.base_name or None,
                "layers": content.base_layers,
                "why": content.base_why or None,
            },
        },
        "bytes": found.bytes,
        "visible_bytes": found.visible_bytes,
        "bytecode_bytes": found.bytecode_bytes,
        "waste_bytes": found.waste_bytes,
        "waste_percent": round(compute_percentage(found.waste_bytes, found.bytes), 2),
        "layers": [_make_layer_document(one) for one in found.layers],
        "packages": [_make_package_document(one) for one in found.packages],
        "folders": [_make_folder_document(one) for one in found.folders],
        "nobody": {
            "bytes": found.unowned.bytes,
            "files": found.unowned.files,
            "folders": [_make_folder_document(one) for one in found.unowned_folders],
        },
        "waste": [_make_waste_document(one) for one in found.waste],
        "pruned": make_pruned_documents(found.pruned),
        "budget": [
            {
                "name": one.name,
                "passed": one.passed,
                "actual": one.actual,
                "limit": one.limit,
                "unit": one.unit,
                "text": one.text,
            }
            for one in verdicts
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _make_layer_document(one: LayerSummary) -> InspectedLayerDocument:
    return {
        "diff": one.diff,
        "chain": one.chain,
        "instruction": one.instruction or None,
        "bytes": one.bytes,
        "tar_bytes": one.tar_bytes,
        "files": one.files,
        "hidden_bytes": one.hidden,
        "bytecode_bytes": one.bytecode,
        "from_base": one.from_base,
    }


def _make_package_document(one: Package) -> InspectedPackageDocument:
    return {
        "kind": one.key.kind,
        "name": one.key.name,
        "version": one.version,
        "bytes": one.bytes,
        "files": one.files,
        "layer": one.layer,
        "architecture": one.architecture or None,
        "folder": one.folder or None,
        "requires": list(one.requires),
        "asked_for": one.asked_for,
    }


def _make_folder_document(one: FolderSize) -> FolderDocument:
    return {"path": one.path, "bytes": one.bytes, "files": one.files}


def _make_waste_document(one: Waste) -> WasteDocument:
    rule = CATALOG[one.code]
    return {
        "code": one.code,
        "name": rule.name,
        "severity": rule.severity.word,
        "title": rule.title,
        "bytes": one.bytes,
        "layer": one.layer,
        "message": one.message,
        "fix": one.fix,
        "files": [{"layer": file.layer, "path": file.path, "bytes": file.bytes} for file in one.files],
    }
