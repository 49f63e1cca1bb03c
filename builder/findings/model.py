"""Findings: what a look at a project's files or at an image brought up, by the rules of the catalog."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.core.phrases import join_names
from builder.findings.catalog import CATALOG, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.core.errors import Where
    from builder.core.text_edits import TextEdit

_OTHER_PRODUCT = "OB104"


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
    edits: tuple[TextEdit, ...] = ()
    """``fix`` for a program, in ``where.file``; empty where a person has something to decide."""

    @property
    def rule(self) -> Rule:
        return CATALOG[self.code]

    @property
    def severity(self) -> Severity:
        return self.rule.severity


def find_worst_severity(findings: tuple[Finding, ...]) -> Severity | None:
    """The highest severity among those that somebody can mend; None where there is none."""
    return max((finding.severity for finding in findings if not finding.rule.is_remark), default=None)


def merge_other_products(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted, with one OB104 for all other products together, at the place of the first."""
    found = sort_findings(findings)
    others = [finding for finding in found if finding.code == _OTHER_PRODUCT]
    if len(others) < 2:
        return found
    names = tuple(dict.fromkeys(name for finding in others for name in finding.services))
    merged = replace(
        others[0],
        message=f"{join_names(names)} are other programs than Airflow; `optbuild plan --explain {_OTHER_PRODUCT}` "
        "says why each stays apart",
        services=names,
        details=(),
    )
    first = found.index(others[0])
    rest = [finding for finding in found[first:] if finding.code != _OTHER_PRODUCT]
    return [*found[:first], merged, *rest]


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first, then by code and place."""
    return sorted(findings, key=lambda one: (-one.severity, one.code, one.where.file, one.where.line or 0))
