"""An image against a lock, as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from builder.inspect.lock_diff import Standing
from builder.report.imagediff_markdown import MARK, code, table
from builder.report.table import Column, as_table
from builder.report.units import UNKNOWN, count, one_line, short_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.inspect.lock_diff import Difference, LockDiff
    from builder.report.imagediff import Names

SCHEMA_VERSION = 1
_COLUMNS = (Column("kind"), Column("name"), Column("lock"), Column("image"), Column(""))
TOP = 20
"""Rows that a comment on a pull request has at most."""


def as_text(diff: LockDiff, names: Names) -> str:
    return "".join(f"{line}\n" for line in _lines(diff, names))


def _lines(diff: LockDiff, names: Names) -> Iterator[str]:
    yield f"{one_line(names[0])} ({short_id(diff.image_id)}) against {one_line(names[1])}"
    if diff.platform:
        yield f"  the image is for {one_line(diff.platform)}, the lock for {diff.locked_platform}"
    yield f"  {verdict(diff)}"
    if diff.differences:
        yield from as_table(_COLUMNS, (_row(one) for one in diff.differences), width=0)


def _row(one: Difference) -> tuple[str, str, str, str, str]:
    place = f"{one.standing}: {one.folder}" if one.folder else one.standing.value
    return one.kind, one.name, one.locked or UNKNOWN, one.found or UNKNOWN, place


def verdict(diff: LockDiff) -> str:
    """``75 Python and 110 Debian packages of the lock: 2 other version, 1 missing, 3 not in the lock``."""
    debian = f" and {diff.debian} Debian packages" if diff.debian else " packages (its Debian packages are the base's)"
    counted = Counter(one.standing for one in diff.differences)
    found = ", ".join(f"{counted[one]} {_plural(one, counted[one])}" for one in Standing if counted[one])
    return f"{diff.python} Python{debian} in the lock: {found or 'the image has just these'}"


def _plural(standing: Standing, number: int) -> str:
    return "other versions" if standing is Standing.OTHER_VERSION and number > 1 else standing.value


def as_json(diff: LockDiff, names: Names) -> str:
    document = {
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
                "standing": one.standing.value,
                "locked": one.locked,
                "found": one.found,
                "folder": one.folder or None,
            }
            for one in diff.differences
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def as_markdown(diff: LockDiff, names: Names) -> str:
    """Empty where the image is what the lock says."""
    if not diff.differs:
        return ""
    parts = [f"{MARK}\n### {code(names[0])} is not what {code(names[1])} says", f"{verdict(diff)}."]
    if diff.platform:
        parts.append(f"The image is for {code(diff.platform)}, the lock for {code(diff.locked_platform)}.")
    if diff.differences:
        rows = [
            (f"{code(one.name)} ({one.kind}) {one.standing}", *(code(text or "") for text in (one.locked, one.found)))
            for one in diff.differences[:TOP]
        ]
        rest = len(diff.differences) - len(rows)
        rows += [(count(rest, "more difference"), "", "")] if rest else []
        parts.append(table(("package", "lock", "image"), rows))
    return "\n\n".join(parts) + "\n"
