"""How two images differ, as a comment on a pull request: short, and nothing at all where nothing changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.inspect.diff import ChangeKind
from builder.report.imagediff import (
    describe_file_change,
    describe_layer_change,
    find_waste_title,
    format_amount_change,
    format_file_counts,
    format_instruction,
    sort_by_interest,
)
from builder.report.units import escape_to_one_line, format_growth, format_size, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.inspect.diff import ImageDiff, PackageChange
    from builder.report.imagediff import Names

TOP = 10
MARK = "<!-- optbuild diff -->"
"""The first line, by which a bot finds its own comment and replaces it."""
_BREAKS = re.compile(r"[`|]")
"""What ends a code span or a cell of a table."""
_LONGEST = 120


def format_image_diff_markdown(diff: ImageDiff, names: Names, *, top: int = TOP) -> str:
    """Empty where both hold the same files, whatever their layers' time stamps; ``top`` 0: all rows."""
    if not diff.has_other_content:
        return ""
    parts = [
        f"{MARK}\n### Image: {format_amount_change(diff.before.bytes, diff.after.bytes)}",
        (
            f"{format_code(names[0])} → {format_code(names[1])}: {format_size(diff.new_bytes)} of layers are "
            f"new{_describe_waste(diff)}."
        ),
        *_iterate_tables(diff, top),
    ]
    return "\n\n".join(parts) + "\n"


def format_code(text: str) -> str:
    """Foreign text as a code span: no markup, no mention, no end of a cell. A long one keeps its end."""
    plain = _BREAKS.sub(lambda found: f"\\x{ord(found[0]):02x}", escape_to_one_line(text)) or "—"
    return f"`{plain if len(plain) <= _LONGEST else '…' + plain[1 - _LONGEST :]}`"


def format_markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    ruler = [":--", *("--:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ruler, *rows))


def format_collapsed(heading: str, content: str) -> str:
    return f"<details><summary>{heading}</summary>\n\n{content}\n\n</details>"


def _describe_waste(diff: ImageDiff) -> str:
    if diff.before.waste_bytes == diff.after.waste_bytes:
        return ""
    return f"; waste {format_amount_change(diff.before.waste_bytes, diff.after.waste_bytes)}"


def _iterate_tables(diff: ImageDiff, top: int) -> Iterator[str]:
    if diff.packages or diff.unowned:
        yield _format_packages(diff, top)
    if diff.waste:
        rows = [
            (f"{one.code} {find_waste_title(one.code)}", *_format_growth_cells(one.before, one.after))
            for one in diff.waste
        ]
        yield format_markdown_table(("waste", "before", "after", "growth"), rows)
    if diff.layers:
        yield _format_layers(diff)
    if diff.files:
        yield _format_files(diff, top)


def _format_growth_cells(before: int | None, after: int | None) -> tuple[str, str, str]:
    return format_size(before), format_size(after), format_growth((after or 0) - (before or 0))


def _format_packages(diff: ImageDiff, top: int) -> str:
    """Packages that only have other bytes are not news in a pull request: they share one row."""
    changes = [one for one in sort_by_interest(diff.packages) if one.change is not ChangeKind.METADATA]
    shown = changes[:top] if top else changes
    rows = [
        (f"{format_code(one.key.name)} ({one.key.kind})", *_format_versions(one), format_growth(one.growth))
        for one in shown
    ]
    rest = [*changes[len(shown) :], *(one for one in diff.packages if one.change is ChangeKind.METADATA)]
    if rest:
        rows.append(
            (f"{pluralize(len(rest), 'other package')}", "", "", format_growth(sum(one.growth for one in rest)))
        )
    if diff.unowned:
        rows.append(("files of no package", "", "", format_growth(diff.unowned)))
    return format_markdown_table(("package", "before", "after", "growth"), rows)


def _format_versions(change: PackageChange) -> tuple[str, str]:
    before, after = (format_code(one.version) if one else "—" for one in (change.before, change.after))
    return before, after


def _format_layers(diff: ImageDiff) -> str:
    rows = [
        (
            f"{format_code(format_instruction(one.before, one.after))} {describe_layer_change(one.change)}",
            *_format_growth_cells(one.before.bytes if one.before else None, one.after.bytes if one.after else None),
        )
        for one in diff.layers
    ]
    return format_collapsed(
        f"{pluralize(len(rows), 'layer')}", format_markdown_table(("layer", "before", "after", "growth"), rows)
    )


def _format_files(diff: ImageDiff, top: int) -> str:
    shown = diff.files[:top] if top else diff.files
    rows = [
        (
            f"{format_code(one.path)} {describe_file_change(one.change)}",
            *_format_growth_cells(one.before.size if one.before else None, one.after.size if one.after else None),
        )
        for one in shown
    ]
    rest = diff.files[len(shown) :]
    if rest:
        rows.append((f"{pluralize(len(rest), 'more file')}", "", "", format_growth(sum(one.growth for one in rest))))
    return format_collapsed(
        f"files: {format_file_counts(diff.files)}", format_markdown_table(("file", "before", "after", "growth"), rows)
    )
