"""How two images differ, as text for a person."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from builder.core.naming import shorten_id
from builder.findings.catalog import CATALOG
from builder.inspect.diff import ChangeKind
from builder.report.colors import make_bold
from builder.report.table import Column, format_table
from builder.report.units import UNKNOWN, escape_to_one_line, format_growth, format_size, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from builder.inspect.diff import FileChange, ImageDiff, PackageChange
    from builder.inspect.model import LayerEntry, LayerSummary, Package

TOP = 15
"""Rows of each table that a person gets without asking for more."""
_INSTRUCTION = 70
_RIGHT = frozenset({"before", "after", "growth"})
_FILE_WORDS = {
    ChangeKind.ADDED: "added",
    ChangeKind.REMOVED: "removed",
    ChangeKind.CHANGED: "changed",
    ChangeKind.METADATA: "with another mode or owner",
}

Names = tuple[str, str]
"""What the two images were called on the command line."""


def format_image_diff_text(diff: ImageDiff, names: Names, *, top: int = TOP, color: bool = False) -> str:
    """``top`` rows of each table at most; 0: all."""
    lines = [*_format_head(diff, names)]
    for title, rows in _format_tables(diff, top):
        lines += ["", make_bold(title, color=color), *rows]
    return "".join(f"{line}\n" for line in lines)


def _format_head(diff: ImageDiff, names: Names) -> Iterator[str]:
    before, after = diff.before, diff.after
    yield (
        f"{escape_to_one_line(names[0])} ({shorten_id(before.id)}) -> {escape_to_one_line(names[1])} "
        f"({shorten_id(after.id)})"
    )
    if diff.is_empty:
        yield "  nothing changed: both have the same layers"
        return
    if before.platform != after.platform:
        yield f"  platform  {before.platform} -> {after.platform}"
    yield f"  unpacked  {format_amount_change(before.bytes, after.bytes)}"
    yield f"  visible   {format_amount_change(before.visible_bytes, after.visible_bytes)}"
    yield (
        f"  waste     {format_amount_change(before.waste_bytes, after.waste_bytes)}; "
        f"{escape_to_one_line(describe_base(diff))}"
    )
    yield f"  files     {before.files if before.files == after.files else f'{before.files} -> {after.files}'}"
    shared = (
        f"{pluralize(diff.shared_layers, 'layer')} of {format_size(diff.shared_bytes)}"
        if diff.shared_layers
        else "none"
    )
    yield f"  layers    {shared} in both; {format_size(diff.new_bytes)} more to store and pull for the second"
    if not diff.has_other_content:
        yield "  the files are the same; layers were made again, and differ in time stamps or in what is below them"


def describe_base(diff: ImageDiff) -> str:
    """By which base the waste of both was judged."""
    if not diff.base_layers:
        return "without a base in both, so every layer counts"
    lowest = "layer" if diff.base_layers == 1 else f"{diff.base_layers} layers"
    named = f" {diff.base_name}" if diff.base_name else ""
    return f"not counted in the base{named}, the lowest {lowest} of both"


def format_amount_change(before: int, after: int) -> str:
    """``846 MB -> 852 MB (+6.1 MB, +0.7 %)``; no share where it would be of next to nothing."""
    if before == after:
        return format_size(before)
    share = f", {100 * (after - before) / before:+.1f} %" if after < 10 * before else ""
    return f"{format_size(before)} -> {format_size(after)} ({format_growth(after - before)}{share})"


def _format_tables(diff: ImageDiff, top: int) -> Iterator[tuple[str, list[str]]]:
    if diff.layers:
        yield "Layers", _format_columns(("change", "before", "after", "growth", "instruction"), _make_layer_rows(diff))
    if diff.packages or diff.unowned:
        yield "Packages", [*_format_package_table(diff, top)]
    if diff.files:
        yield f"Files: {format_file_counts(diff.files)}", [*_format_file_table(diff, top)]
    if diff.waste:
        rows = [
            (
                one.code,
                format_size(one.before),
                format_size(one.after),
                format_growth(one.growth),
                find_waste_title(one.code),
            )
            for one in diff.waste
        ]
        yield "Waste", _format_columns(("code", "before", "after", "growth", ""), rows)


def _make_layer_rows(diff: ImageDiff) -> list[tuple[str, ...]]:
    return [
        (
            describe_layer_change(one.change),
            *_format_sizes(one.before, one.after),
            format_growth(one.growth),
            format_instruction(one.before, one.after),
        )
        for one in diff.layers
    ]


def describe_layer_change(change: ChangeKind) -> str:
    return "same, stored again" if change is ChangeKind.METADATA else change.value


def format_instruction(before: LayerSummary | None, after: LayerSummary | None) -> str:
    """The newer one, on one line of at most 70 characters."""
    layer = after or before
    text = escape_to_one_line(layer.instruction).strip() if layer else ""
    text = text or "(the image does not say)"
    return text if len(text) <= _INSTRUCTION else f"{text[: _INSTRUCTION - 1]}…"


def find_waste_title(code: str) -> str:
    """Of a code of waste, in a line."""
    return CATALOG[code].title if code in CATALOG else ""


def _format_sizes(*sides: LayerSummary | Package | LayerEntry | None) -> tuple[str, ...]:
    """``—`` on a side where there is none."""
    return tuple(
        format_size(None if side is None else side.size if isinstance(side, tuple) else side.bytes) for side in sides
    )


def sort_by_interest(changes: Iterable[PackageChange]) -> list[PackageChange]:
    """Versions that came, went or changed before packages that only have other bytes."""
    return sorted(changes, key=lambda one: one.change is ChangeKind.METADATA)


def _format_package_table(diff: ImageDiff, top: int) -> Iterator[str]:
    changes = sort_by_interest(diff.packages)
    shown = changes[:top] if top else changes
    rows: list[tuple[str, ...]] = [
        (
            one.key.kind,
            one.key.name,
            format_version(one.before),
            format_version(one.after),
            format_growth(one.growth),
            describe_package_change(one),
        )
        for one in shown
    ]
    if diff.unowned:
        rows.append(("", "files of no package", "", "", format_growth(diff.unowned), ""))
    yield from _format_columns(("kind", "name", "version", "now", "growth", "change"), rows)
    yield from _format_remainder(len(changes) - len(shown), "package", sum(one.growth for one in changes[len(shown) :]))


def describe_package_change(change: PackageChange) -> str:
    return "same version, other bytes" if change.change is ChangeKind.METADATA else change.change.value


def format_version(package: Package | None) -> str:
    return UNKNOWN if package is None else escape_to_one_line(package.version)


def _format_file_table(diff: ImageDiff, top: int) -> Iterator[str]:
    shown = diff.files[:top] if top else diff.files
    rows = [
        (describe_file_change(one.change), *_format_sizes(one.before, one.after), format_growth(one.growth), one.path)
        for one in shown
    ]
    yield from _format_columns(("change", "before", "after", "growth", "path"), rows)
    yield from _format_remainder(
        len(diff.files) - len(shown), "file", sum(one.growth for one in diff.files[len(shown) :])
    )


def describe_file_change(change: ChangeKind) -> str:
    return "mode or owner" if change is ChangeKind.METADATA else change.value


def format_file_counts(files: Sequence[FileChange]) -> str:
    """``3 added, 2 changed``."""
    counted = Counter(one.change for one in files)
    return ", ".join(f"{counted[change]} {word}" for change, word in _FILE_WORDS.items() if counted[change])


def _format_remainder(number: int, noun: str, total: int) -> Iterator[str]:
    if number:
        yield f"  and {pluralize(number, f'more {noun}')}, {format_growth(total)} together (--top 0 shows all)"


def _format_columns(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns of figures end at the same place, others begin there."""
    return list(format_table([Column(name, right=name in _RIGHT) for name in head], rows, width=0))
