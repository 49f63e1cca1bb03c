"""How two images differ, as text for a person and as JSON; both are made from the same value."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from builder.findings.catalog import CATALOG
from builder.inspect.diff import Change
from builder.report.colors import make_bold
from builder.report.table import Column, as_table
from builder.report.units import UNKNOWN, count, growth, one_line, short_id, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from builder.inspect.diff import FileChange, ImageDiff, PackageChange, Side
    from builder.inspect.model import Entry, LayerSummary, Package

SCHEMA_VERSION = 1
TOP = 15
"""Rows of each table that a person gets without asking for more."""
_INSTRUCTION = 70
_RIGHT = frozenset({"before", "after", "growth"})
_FILE_WORDS = {
    Change.ADDED: "added",
    Change.REMOVED: "removed",
    Change.CHANGED: "changed",
    Change.METADATA: "with another mode or owner",
}

Names = tuple[str, str]
"""What the two images were called on the command line."""


def as_text(diff: ImageDiff, names: Names, *, top: int = TOP, color: bool = False) -> str:
    """``top`` rows of each table at most; 0: all."""
    lines = [*_head(diff, names)]
    for title, rows in _tables(diff, top):
        lines += ["", make_bold(title, color=color), *rows]
    return "".join(f"{line}\n" for line in lines)


def _head(diff: ImageDiff, names: Names) -> Iterator[str]:
    before, after = diff.before, diff.after
    yield f"{one_line(names[0])} ({short_id(before.id)}) -> {one_line(names[1])} ({short_id(after.id)})"
    if diff.is_empty:
        yield "  nothing changed: both have the same layers"
        return
    if before.platform != after.platform:
        yield f"  platform  {before.platform} -> {after.platform}"
    yield f"  unpacked  {amounts(before.bytes, after.bytes)}"
    yield f"  visible   {amounts(before.visible_bytes, after.visible_bytes)}"
    yield f"  waste     {amounts(before.waste_bytes, after.waste_bytes)}; {one_line(base_words(diff))}"
    yield f"  files     {before.files if before.files == after.files else f'{before.files} -> {after.files}'}"
    shared = f"{count(diff.shared_layers, 'layer')} of {size(diff.shared_bytes)}" if diff.shared_layers else "none"
    yield f"  layers    {shared} in both; {size(diff.new_bytes)} more to store and pull for the second"
    if not diff.has_other_content:
        yield "  the files are the same; layers were made again, and differ in time stamps or in what is below them"


def base_words(diff: ImageDiff) -> str:
    """By which base the waste of both was judged."""
    if not diff.base_layers:
        return "without a base in both, so every layer counts"
    lowest = "layer" if diff.base_layers == 1 else f"{diff.base_layers} layers"
    named = f" {diff.base_name}" if diff.base_name else ""
    return f"not counted in the base{named}, the lowest {lowest} of both"


def amounts(before: int, after: int) -> str:
    """``846 MB -> 852 MB (+6.1 MB, +0.7 %)``; no share where it would be of next to nothing."""
    if before == after:
        return size(before)
    share = f", {100 * (after - before) / before:+.1f} %" if after < 10 * before else ""
    return f"{size(before)} -> {size(after)} ({growth(after - before)}{share})"


def _tables(diff: ImageDiff, top: int) -> Iterator[tuple[str, list[str]]]:
    if diff.layers:
        yield "Layers", _table(("change", "before", "after", "growth", "instruction"), _layer_rows(diff))
    if diff.packages or diff.nobody:
        yield "Packages", [*_package_table(diff, top)]
    if diff.files:
        yield f"Files: {file_counts(diff.files)}", [*_file_table(diff, top)]
    if diff.waste:
        rows = [
            (one.code, size(one.before), size(one.after), growth(one.growth), title(one.code)) for one in diff.waste
        ]
        yield "Waste", _table(("code", "before", "after", "growth", ""), rows)


def _layer_rows(diff: ImageDiff) -> list[tuple[str, ...]]:
    return [
        (layer_word(one.change), *_sizes(one.before, one.after), growth(one.growth), instruction(one.before, one.after))
        for one in diff.layers
    ]


def layer_word(change: Change) -> str:
    return "same, stored again" if change is Change.METADATA else change.value


def instruction(before: LayerSummary | None, after: LayerSummary | None, width: int = _INSTRUCTION) -> str:
    """The newer one, on one line of at most ``width`` characters."""
    layer = after or before
    text = one_line(layer.instruction).strip() if layer else ""
    return cut(text or "(the image does not say)", width)


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def title(code: str) -> str:
    """Of a code of waste, in a line."""
    return CATALOG[code].title if code in CATALOG else ""


def _sizes(*sides: LayerSummary | Package | Entry | None) -> tuple[str, ...]:
    """``—`` on a side where there is none."""
    return tuple(size(None if side is None else side.size if isinstance(side, tuple) else side.bytes) for side in sides)


def by_interest(changes: Iterable[PackageChange]) -> list[PackageChange]:
    """Versions that came, went or changed before packages that only have other bytes."""
    return sorted(changes, key=lambda one: one.change is Change.METADATA)


def _package_table(diff: ImageDiff, top: int) -> Iterator[str]:
    changes = by_interest(diff.packages)
    shown = changes[:top] if top else changes
    rows: list[tuple[str, ...]] = [
        (one.key.kind, one.key.name, version(one.before), version(one.after), growth(one.growth), package_word(one))
        for one in shown
    ]
    if diff.nobody:
        rows.append(("", "files of no package", "", "", growth(diff.nobody), ""))
    yield from _table(("kind", "name", "version", "now", "growth", "change"), rows)
    yield from _more(len(changes) - len(shown), "package", sum(one.growth for one in changes[len(shown) :]))


def package_word(change: PackageChange) -> str:
    return "same version, other bytes" if change.change is Change.METADATA else change.change.value


def version(package: Package | None) -> str:
    return UNKNOWN if package is None else one_line(package.version)


def _file_table(diff: ImageDiff, top: int) -> Iterator[str]:
    shown = diff.files[:top] if top else diff.files
    rows = [(file_word(one.change), *_sizes(one.before, one.after), growth(one.growth), one.path) for one in shown]
    yield from _table(("change", "before", "after", "growth", "path"), rows)
    yield from _more(len(diff.files) - len(shown), "file", sum(one.growth for one in diff.files[len(shown) :]))


def file_word(change: Change) -> str:
    return "mode or owner" if change is Change.METADATA else change.value


def file_counts(files: Sequence[FileChange]) -> str:
    """``3 added, 2 changed``."""
    counted = Counter(one.change for one in files)
    return ", ".join(f"{counted[change]} {word}" for change, word in _FILE_WORDS.items() if counted[change])


def _more(number: int, noun: str, total: int) -> Iterator[str]:
    if number:
        yield f"  and {count(number, f'more {noun}')}, {growth(total)} together (--top 0 shows all)"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns of figures end at the same place, others begin there."""
    return list(as_table([Column(name, right=name in _RIGHT) for name in head], rows, width=0))


def as_json(diff: ImageDiff, names: Names) -> str:
    """Everything, bytes as whole numbers; keys are only ever added within one schema version."""
    before, after = diff.before, diff.after
    document = {
        "schema_version": SCHEMA_VERSION,
        "changed": not diff.is_empty,
        "content_changed": diff.has_other_content,
        "before": _side(before, names[0]),
        "after": _side(after, names[1]),
        "growth": {
            "bytes": diff.growth,
            "visible_bytes": after.visible_bytes - before.visible_bytes,
            "files": after.files - before.files,
            "waste_bytes": after.waste_bytes - before.waste_bytes,
            "no_package_bytes": diff.nobody,
        },
        "base": {"name": diff.base_name or None, "layers": diff.base_layers},
        "shared": {"layers": diff.shared_layers, "bytes": diff.shared_bytes},
        "new_bytes": diff.new_bytes,
        "layers": [_change(one, _layer(one.before), _layer(one.after)) for one in diff.layers],
        "packages": [
            {"kind": one.key.kind, "name": one.key.name, **_change(one, _package(one.before), _package(one.after))}
            for one in diff.packages
        ],
        "files": [_file(one) for one in diff.files],
        "waste": [
            {
                "code": one.code,
                "title": title(one.code),
                "growth": one.growth,
                "before": one.before,
                "after": one.after,
            }
            for one in diff.waste
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _change(one: Any, before: Any, after: Any) -> dict[str, Any]:
    return {"change": one.change.value, "growth": one.growth, "before": before, "after": after}


def _side(side: Side, name: str) -> dict[str, Any]:
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


def _layer(layer: LayerSummary | None) -> dict[str, Any] | None:
    if layer is None:
        return None
    return {"diff": layer.diff, "chain": layer.chain, "instruction": layer.instruction, "bytes": layer.bytes}


def _package(package: Package | None) -> dict[str, Any] | None:
    if package is None:
        return None
    return {
        "version": package.version,
        "bytes": package.bytes,
        "architecture": package.architecture or None,
        "folder": package.folder or None,
    }


def _file(one: FileChange) -> dict[str, Any]:
    owner = None if one.owner is None else {"kind": one.owner.kind, "name": one.owner.name}
    return {"path": one.path, "owner": owner, **_change(one, _entry(one.before), _entry(one.after))}


def _entry(entry: Entry | None) -> dict[str, Any] | None:
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
