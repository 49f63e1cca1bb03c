"""Findings for a person: what, where, why it was said, what to write instead."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from builder.findings.catalog import Severity
from builder.findings.model import sort_findings
from builder.report.colors import color_by_severity
from builder.report.units import escape_controls, escape_to_one_line, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.findings.model import Finding

WIDTH = 100
INDENT = "    "
_NOUNS = {Severity.INFO: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}


def format_totals(findings: Iterable[Finding]) -> str:
    """``1 error, 3 warnings, 2 notes``; ``none`` where nothing was found."""
    counted = Counter(finding.severity for finding in findings)
    return ", ".join(pluralize(counted[one], _NOUNS[one]) for one in sorted(counted, reverse=True)) or "none"


def format_finding_lines(findings: Iterable[Finding], *, color: bool = False) -> Iterator[str]:
    """The same rule at several places has its title once."""
    previous = ""
    for finding in sort_findings(findings):
        if finding.code != previous:
            yield ""
            yield _format_heading(finding, color=color)
        previous = finding.code
        yield from _format_body(finding)


def wrap_text(text: str, first: str, rest: str | None = None, *, width: int = 0) -> Iterator[str]:
    """Foreign text, harmless, in lines of at most WIDTH, and of ``width`` where that is said and less; a word that is
    longer stays whole, to be copied."""
    yield from textwrap.wrap(
        escape_to_one_line(text),
        min(width or WIDTH, WIDTH),
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def _format_heading(finding: Finding, *, color: bool) -> str:
    word = finding.severity.word
    shown = color_by_severity(word, finding.severity, color=color)
    return f"{shown} {finding.code}: {finding.rule.title}"


def _format_body(finding: Finding) -> Iterator[str]:
    place = f"{finding.where.file}:{finding.where.line}" if finding.where.line else finding.where.file
    yield from wrap_text(f"{place}: {finding.message}" if place else finding.message, "  ", INDENT)
    for detail in finding.details:
        yield from wrap_text(detail, f"{INDENT}- ")
    if finding.fix:
        yield from _format_fix(finding.fix)


def _format_fix(fix: str) -> Iterator[str]:
    """Text to paste stays as it is, however long its lines are."""
    lines = escape_controls(fix).rstrip("\n").split("\n")
    if len(lines) == 1:
        yield f"{INDENT}fix: {lines[0]}".rstrip()
        return
    yield f"{INDENT}fix:"
    yield from (f"{INDENT}  {line}".rstrip() for line in lines)
