"""How two images differ, as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from builder.report.imagediff import find_waste_title

if TYPE_CHECKING:
    from builder.inspect.diff import FileChange, ImageDiff, ImageSummary, LayerChange, PackageChange
    from builder.inspect.model import LayerEntry, LayerSummary, Package
    from builder.report.documents.image_diff import (
        FileChangeDocument,
        ImageDiffDocument,
        LayerChangeDocument,
        PackageChangeDocument,
        SideDocument,
        SideFileDocument,
        SideLayerDocument,
        SidePackageDocument,
    )
    from builder.report.imagediff import Names

SCHEMA_VERSION = 1


def format_image_diff_json(diff: ImageDiff, names: Names) -> str:
    """Everything, bytes as whole numbers; keys are only ever added within one schema version."""
    before, after = diff.before, diff.after
    document: ImageDiffDocument = {
        "schema_version": SCHEMA_VERSION,
        "changed": not diff.is_empty,
        "content_changed": diff.has_other_content,
        "before": _make_side_document(before, names[0]),
        "after": _make_side_document(after, names[1]),
        "growth": {
            "bytes": diff.growth,
            "visible_bytes": after.visible_bytes - before.visible_bytes,
            "files": after.files - before.files,
            "waste_bytes": after.waste_bytes - before.waste_bytes,
            "no_package_bytes": diff.unowned,
        },
        "base": {"name": diff.base_name or None, "layers": diff.base_layers},
        "shared": {"layers": diff.shared_layers, "bytes": diff.shared_bytes},
        "new_bytes": diff.new_bytes,
        "layers": [_make_layer_change_document(one) for one in diff.layers],
        "packages": [_make_package_change_document(one) for one in diff.packages],
        "files": [_make_file_change_document(one) for one in diff.files],
        "waste": [
            {
                "code": one.code,
                "title": find_waste_title(one.code),
                "growth": one.growth,
                "before": one.before,
                "after": one.after,
            }
            for one in diff.waste
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _make_layer_change_document(one: LayerChange) -> LayerChangeDocument:
    return {
        "change": one.change,
        "growth": one.growth,
        "before": _make_layer_document(one.before),
        "after": _make_layer_document(one.after),
    }


def _make_package_change_document(one: PackageChange) -> PackageChangeDocument:
    return {
        "kind": one.key.kind,
        "name": one.key.name,
        "change": one.change,
        "growth": one.growth,
        "before": _make_package_document(one.before),
        "after": _make_package_document(one.after),
    }


def _make_side_document(side: ImageSummary, name: str) -> SideDocument:
    return {
        "name": name,
        "id": side.id,
        "names": list(side.references),
        "platform": side.platform,
        "bytes": side.bytes,
        "visible_bytes": side.visible_bytes,
        "files": side.files,
        "waste_bytes": side.waste_bytes,
    }


def _make_layer_document(layer: LayerSummary | None) -> SideLayerDocument | None:
    if layer is None:
        return None
    return {"diff": layer.diff, "chain": layer.chain, "instruction": layer.instruction, "bytes": layer.bytes}


def _make_package_document(package: Package | None) -> SidePackageDocument | None:
    if package is None:
        return None
    return {
        "version": package.version,
        "bytes": package.bytes,
        "architecture": package.architecture or None,
        "folder": package.folder or None,
    }


def _make_file_change_document(one: FileChange) -> FileChangeDocument:
    return {
        "path": one.path,
        "owner": None if one.owner is None else {"kind": one.owner.kind, "name": one.owner.name},
        "change": one.change,
        "growth": one.growth,
        "before": _make_entry_document(one.before),
        "after": _make_entry_document(one.after),
    }


def _make_entry_document(entry: LayerEntry | None) -> SideFileDocument | None:
    if entry is None:
        return None
    return {
        "kind": entry.kind.name.lower(),
        "bytes": entry.size,
        "mode": f"{entry.mode & 0o7777:04o}",
        "uid": entry.uid,
        "gid": entry.gid,
        "link": entry.link or None,
        "sha256": entry.digest or None,
    }
