"""Findings: what a look at a project's files or at an image brought up, by the rules of the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.findings.catalog import CATALOG, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.core.errors import Where


@dataclass(frozen=True)
class Finding:
    """What one rule found at one place. ``message`` names the facts at hand, ``fix`` the text to write or type."""

    code: str
    where: Where
    message: str
    services: tuple[str, ...] = ()
    fix: str | None = None
    details: tuple[str, ...] = ()
    """Further lines: one fact each (which build argument differs, what a layer holds)."""

    @property
    def rule(self) -> Rule:
        return CATALOG[self.code]

    @property
    def severity(self) -> Severity:
        return self.rule.severity


def find_worst_severity(findings: tuple[Finding, ...]) -> Severity | None:
    """The highest severity among them; None where there is none."""
    return max((finding.severity for finding in findings), default=None)


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first, then by code and place."""
    return sorted(findings, key=lambda one: (-one.severity, one.code, one.where.file, one.where.line or 0))
