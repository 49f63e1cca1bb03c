"""What a build left out of an image, by rule: a table for a person, and the same for a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.report.colors import make_bold
from builder.report.table import Column, format_table
from builder.report.units import escape_to_one_line, format_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from builder.inspect.model import PrunedFiles
    from builder.report.documents.inspection import PrunedRuleDocument

_NAMED = 3
"""Packages that a row names."""


def format_pruned(pruned: Sequence[PrunedFiles], top: int, *, color: bool) -> Iterator[str]:
    """``top`` rules, largest first; 0: all. Nothing where nothing was left out."""
    if not pruned:
        return
    yield ""
    yield make_bold(
        f"Left out when it was built: {format_size(_sum_bytes(pruned))} ([slim] in optbuild.toml)", color=color
    )
    groups = _group_by_rule(pruned)
    chosen, rest = (groups[:top], groups[top:]) if top else (groups, [])
    rows = [
        (format_size(_sum_bytes(ones)), f"{_sum_files(ones):,}", rule, _name_largest(ones)) for rule, ones in chosen
    ]
    columns = (Column("bytes", right=True), Column("files", right=True), Column("rule"), Column("most of it from"))
    yield from format_table(columns, rows, width=0)
    if rest:
        yield f"  and {len(rest)} more: {format_size(sum(_sum_bytes(ones) for _, ones in rest))}; `--top 0` shows all"


def make_pruned_documents(pruned: Sequence[PrunedFiles]) -> list[PrunedRuleDocument]:
    """For JSON: one per rule, with its packages; one without a name stands for Debian's."""
    return [
        {
            "rule": rule,
            "bytes": _sum_bytes(ones),
            "files": _sum_files(ones),
            "packages": [{"name": one.package, "bytes": one.bytes, "files": one.files} for one in ones],
        }
        for rule, ones in _group_by_rule(pruned)
    ]


def _group_by_rule(pruned: Iterable[PrunedFiles]) -> list[tuple[str, list[PrunedFiles]]]:
    found: dict[str, list[PrunedFiles]] = {}
    for one in pruned:
        found.setdefault(one.rule, []).append(one)
    return sorted(found.items(), key=lambda item: (-_sum_bytes(item[1]), item[0]))


def _sum_bytes(pruned: Iterable[PrunedFiles]) -> int:
    return sum(one.bytes for one in pruned)


def _sum_files(pruned: Iterable[PrunedFiles]) -> int:
    return sum(one.files for one in pruned)


def _name_largest(pruned: Sequence[PrunedFiles]) -> str:
    names = [f"{escape_to_one_line(one.package or 'Debian')} {format_size(one.bytes)}" for one in pruned[:_NAMED]]
    return ", ".join(names) + (f" and {len(pruned) - _NAMED} more" if len(pruned) > _NAMED else "")
