"""Findings as annotations of a GitHub workflow run: one workflow command per line.

Format and escaping: actions/toolkit, ``packages/core/src/command.ts`` (``escapeData``, ``escapeProperty``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from builder.findings.catalog import Severity
from builder.findings.model import merge_other_products
from builder.report.units import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.findings.model import Finding

Rename = Callable[[str], str]
_COMMANDS = {Severity.INFO: "notice", Severity.WARNING: "warning", Severity.ERROR: "error"}


def format_annotations(findings: Iterable[Finding], rename: Rename = str) -> str:
    """``rename`` makes a finding's file relative to the repository, as GitHub wants it.

    A page of GitHub shows ten notices of a step and drops the rest, so other products get one together.
    """
    return "".join(f"{_format_annotation(finding, rename)}\n" for finding in merge_other_products(findings))


def _format_annotation(finding: Finding, rename: Rename) -> str:
    where = finding.where
    properties = {
        "file": rename(where.file) if where.file else None,
        "line": None if where.line is None else str(where.line),
        "title": f"{finding.code} {finding.rule.title}",
    }
    listed = ",".join(f"{key}={_escape_property(value)}" for key, value in properties.items() if value)
    return f"::{_COMMANDS[finding.severity]} {listed}::{_escape_data(format_finding_text(finding))}"


def format_finding_text(finding: Finding) -> str:
    """Message, details and fix, a line each."""
    fix = [f"fix: {finding.fix}"] if finding.fix else []
    return "\n".join([finding.message, *finding.details, *fix])


def _escape_data(text: str) -> str:
    """A percent sign first: the others bring some."""
    return escape_controls(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
