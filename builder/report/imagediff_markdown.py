"""How two images differ, as a comment on a pull request: short, and nothing at all where nothing changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.inspect.diff import Change
from builder.report.imagediff import (
    amounts,
    by_interest,
    file_counts,
    file_word,
    instruction,
    layer_word,
    title,
)
from builder.report.units import count, growth, one_line, size

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


def as_markdown(diff: ImageDiff, names: Names, *, top: int = TOP) -> str:
    """Empty where both hold the same files, whatever their layers' time stamps; ``top`` 0: all rows."""
    if not diff.has_other_content:
        return ""
    parts = [
        f"{MARK}\n### Image: {amounts(diff.before.bytes, diff.after.bytes)}",
        f"{code(names[0])} → {code(names[1])}: {size(diff.new_bytes)} of layers are new{_waste_words(diff)}.",
        *_tables(diff, top),
    ]
    return "\n\n".join(parts) + "\n"


def code(text: str, width: int = _LONGEST) -> str:
    """Foreign text as a code span: no markup, no mention, no end of a cell. A long one keeps its end."""
    plain = _BREAKS.sub(lambda found: f"\\x{ord(found[0]):02x}", one_line(text)) or "—"
    return f"`{plain if len(plain) <= width else '…' + plain[1 - width :]}`"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    ruler = [":--", *("--:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ruler, *rows))


def folded(heading: str, content: str) -> str:
    return f"<details><summary>{heading}</summary>\n\n{content}\n\n</details>"


def _waste_words(diff: ImageDiff) -> str:
    if diff.before.waste_bytes == diff.after.waste_bytes:
        return ""
    return f"; waste {amounts(diff.before.waste_bytes, diff.after.waste_bytes)}"


def _tables(diff: ImageDiff, top: int) -> Iterator[str]:
    if diff.packages or diff.nobody:
        yield _packages(diff, top)
    if diff.waste:
        rows = [(f"{one.code} {title(one.code)}", *_three(one.before, one.after)) for one in diff.waste]
        yield table(("waste", "before", "after", "growth"), rows)
    if diff.layers:
        yield _layers(diff)
    if diff.files:
        yield _files(diff, top)


def _three(before: int | None, after: int | None) -> tuple[str, str, str]:
    return size(before), size(after), growth((after or 0) - (before or 0))


def _packages(diff: ImageDiff, top: int) -> str:
    """Only other bytes are no news for a reader of a pull request: they are one row."""
    changes = [one for one in by_interest(diff.packages) if one.change is not Change.METADATA]
    shown = changes[:top] if top else changes
    rows = [(f"{code(one.key.name)} ({one.key.kind})", *_versions(one), growth(one.growth)) for one in shown]
    rest = [*changes[len(shown) :], *(one for one in diff.packages if one.change is Change.METADATA)]
    if rest:
        rows.append((f"{count(len(rest), 'other package')}", "", "", growth(sum(one.growth for one in rest))))
    if diff.nobody:
        rows.append(("files of no package", "", "", growth(diff.nobody)))
    return table(("package", "before", "after", "growth"), rows)


def _versions(change: PackageChange) -> tuple[str, str]:
    before, after = (code(one.version) if one else "—" for one in (change.before, change.after))
    return before, after


def _layers(diff: ImageDiff) -> str:
    rows = [
        (
            f"{code(instruction(one.before, one.after))} {layer_word(one.change)}",
            *_three(one.before.bytes if one.before else None, one.after.bytes if one.after else None),
        )
        for one in diff.layers
    ]
    return folded(f"{count(len(rows), 'layer')}", table(("layer", "before", "after", "growth"), rows))


def _files(diff: ImageDiff, top: int) -> str:
    shown = diff.files[:top] if top else diff.files
    rows = [
        (
            f"{code(one.path)} {file_word(one.change)}",
            *_three(one.before.size if one.before else None, one.after.size if one.after else None),
        )
        for one in shown
    ]
    rest = diff.files[len(shown) :]
    if rest:
        rows.append((f"{count(len(rest), 'more file')}", "", "", growth(sum(one.growth for one in rest))))
    return folded(f"files: {file_counts(diff.files)}", table(("file", "before", "after", "growth"), rows))
