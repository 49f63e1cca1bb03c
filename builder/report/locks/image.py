"""An image against a lock, as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from builder.core.naming import shorten_id
from builder.inspect.lock_diff import LockStatus
from builder.report.imagediff_markdown import MARK, format_code, format_markdown_table
from builder.report.table import Column, format_table
from builder.report.units import UNKNOWN, escape_to_one_line, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.inspect.lock_diff import LockDiff, LockDifference
    from builder.report.documents.lock_diff import LockDiffDocument
    from builder.report.imagediff import Names

SCHEMA_VERSION = 1
_COLUMNS = (Column("kind"), Column("name"), Column("lock"), Column("image"), Column(""))
TOP = 20
"""Rows that a comment on a pull request has at most."""


def format_lock_diff_text(diff: LockDiff, names: Names) -> str:
    return "".join(f"{line}\n" for line in _format_lines(diff, names))


def _format_lines(diff: LockDiff, names: Names) -> Iterator[str]:
    yield f"{escape_to_one_line(names[0])} ({shorten_id(diff.image_id)}) against {escape_to_one_line(names[1])}"
    if diff.platform:
        yield f"  the image is for {escape_to_one_line(diff.platform)}, the lock for {diff.locked_platform}"
    yield f"  {summarize_differences(diff)}"
    if diff.differences:
        yield from format_table(_COLUMNS, (_make_difference_row(one) for one in diff.differences), width=0)


def _make_difference_row(one: LockDifference) -> tuple[str, str, str, str, str]:
    place = f"{one.standing}: {one.folder}" if one.folder else one.standing.value
    return one.kind, one.name, one.locked or UNKNOWN, one.found or UNKNOWN, place


def summarize_differences(diff: LockDiff) -> str:
    """``75 Python and 110 Debian packages of the lock: 2 other version, 1 missing, 3 not in the lock``."""
    debian = f" and {diff.debian} Debian packages" if diff.debian else " packages (its Debian packages are the base's)"
    counted = Counter(one.standing for one in diff.differences)
    found = ", ".join(f"{counted[one]} {_format_standing(one, counted[one])}" for one in LockStatus if counted[one])
    return f"{diff.python} Python{debian} in the lock: {found or 'the image has exactly these'}"


def _format_standing(standing: LockStatus, number: int) -> str:
    return "other versions" if standing is LockStatus.OTHER_VERSION and number > 1 else standing.value


def format_lock_diff_json(diff: LockDiff, names: Names) -> str:
    document: LockDiffDocument = {
        "schema_version": SCHEMA_VERSION,
        "image": names[0],
        "image_id": diff.image_id,
        "lock": names[1],
        "platform": {"image": diff.platform or diff.locked_platform, "lock": diff.locked_platform},
        "locked": {"python": diff.python, "debian": diff.debian},
        "differs": diff.differs,
        "differences": [
            {
                "kind": one.kind,
                "name": one.name,
                "standing": one.standing,
                "locked": one.locked,
                "found": one.found,
                "folder": one.folder or None,
            }
            for one in diff.differences
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def format_lock_diff_markdown(diff: LockDiff, names: Names) -> str:
    """Empty where the image is what the lock says."""
    if not diff.differs:
        return ""
    parts = [
        f"{MARK}\n### {format_code(names[0])} is not what {format_code(names[1])} says",
        f"{summarize_differences(diff)}.",
    ]
    if diff.platform:
        parts.append(
            f"The image is for {format_code(diff.platform)}, the lock for {format_code(diff.locked_platform)}."
        )
    if diff.differences:
        rows = [
            (
                f"{format_code(one.name)} ({one.kind}) {one.standing}",
                *(format_code(text or "") for text in (one.locked, one.found)),
            )
            for one in diff.differences[:TOP]
        ]
        rest = len(diff.differences) - len(rows)
        rows += [(pluralize(rest, "more difference"), "", "")] if rest else []
        parts.append(format_markdown_table(("package", "lock", "image"), rows))
    return "\n\n".join(parts) + "\n"
