"""Findings as one line each, as compilers write theirs: ``FILE:LINE: CODE severity message``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.findings.model import merge_other_products
from builder.report.units import escape_to_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.findings.model import Finding


def format_findings_concise(findings: Iterable[Finding]) -> str:
    """Nothing where nothing was found. Files are relative to the project's folder."""
    return "".join(f"{_format_line(finding)}\n" for finding in merge_other_products(findings))


def _format_line(finding: Finding) -> str:
    where = finding.where
    place = where.file if where.line is None else f"{where.file}:{where.line}"
    text = f"{finding.code} {finding.severity.word} {finding.message}"
    return escape_to_one_line(f"{place}: {text}" if place else text)
