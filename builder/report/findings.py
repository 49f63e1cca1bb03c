"""Findings for a person: what, where, why it was said, what to write instead."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from builder.findings.catalog import Severity
from builder.findings.model import merge_other_products
from builder.report.colors import PAPER, color_by_severity
from builder.report.prose import wrap_text
from builder.report.units import escape_controls, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from builder.findings.model import Finding
    from builder.report.colors import Screen

INDENT = "    "
_NOUNS = {Severity.INFO: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}
_PROSE = re.compile(r"(?!(?:optbuild|docker|pip|python|uv|sudo|env|xargs|apt-get|airflow) )(?:`|[a-z]+ )")
"""How a fix of one line begins that is said in words. Others are to be pasted: an instruction, a key, a command."""


def format_totals(findings: Iterable[Finding]) -> str:
    """``1 error, 3 warnings, 2 notes``; ``none`` where nothing was found."""
    counted = Counter(finding.severity for finding in findings)
    return ", ".join(pluralize(counted[one], _NOUNS[one]) for one in sorted(counted, reverse=True)) or "none"


def format_finding_lines(findings: Iterable[Finding], screen: Screen = PAPER) -> Iterator[str]:
    """The same rule at several places has its title once, and what it says at all of them is said once."""
    for _, of_rule in groupby(merge_other_products(findings), key=lambda finding: finding.code):
        alike: dict[tuple[object, ...], list[Finding]] = {}
        for finding in of_rule:
            alike.setdefault((finding.details, finding.fix), []).append(finding)
        yield ""
        yield from _format_heading(next(iter(alike.values()))[0], screen)
        for same in alike.values():
            yield from _format_body(same, screen.width)


def _format_heading(finding: Finding, screen: Screen) -> Iterator[str]:
    word = finding.severity.word
    first, *rest = wrap_text(f"{word} {finding.code}: {finding.rule.title}", "", INDENT, width=screen.width)
    yield color_by_severity(word, finding.severity, color=screen.color) + first.removeprefix(word)
    yield from rest


def _format_body(alike: Sequence[Finding], width: int) -> Iterator[str]:
    """Findings with the same details and the same fix."""
    for finding in alike:
        place = f"{finding.where.file}:{finding.where.line}" if finding.where.line else finding.where.file
        yield from wrap_text(f"{place}: {finding.message}" if place else finding.message, "  ", INDENT, width=width)
    for detail in alike[0].details:
        yield from wrap_text(detail, f"{INDENT}- ", width=width)
    if alike[0].fix:
        yield from _format_fix(alike[0].fix, width)


def _format_fix(fix: str, width: int) -> Iterator[str]:
    """Text to paste stays as it is, however long its lines are."""
    lines = escape_controls(fix).rstrip("\n").split("\n")
    if len(lines) > 1:
        yield f"{INDENT}fix:"
        yield from (f"{INDENT}  {line}".rstrip() for line in lines)
    elif _PROSE.match(fix):
        yield from wrap_text(fix, f"{INDENT}fix: ", width=width)
    else:
        yield f"{INDENT}fix: {lines[0]}".rstrip()
