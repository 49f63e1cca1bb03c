"""Findings as SARIF 2.1.0, which GitHub code scanning and most CI systems read (OASIS standard, sarif-v2.1.0).

Written by hand: the one library for it, sarif-om, has had no release since 2019, and what is needed is one document.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import builder
from builder.findings.catalog import CATALOG, Severity
from builder.findings.explain import REMEDY, read_explanation, split_explanation
from builder.report.github import Rename, format_finding_text
from builder.report.units import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.findings.catalog import Rule
    from builder.findings.model import Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "optbuild/v1"
_LEVELS = {Severity.INFO: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}


def format_sarif(findings: Iterable[Finding], version: str | None = None, rename: Rename = str) -> str:
    """``version`` of this program, None: this one; ``rename`` makes a finding's file relative to the repository."""
    rules = list(CATALOG.values())
    index = {rule.code: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "optbuild",
                "version": version or builder.__version__,
                "rules": [_make_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": _make_results(findings, index, rename),
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=1) + "\n"


def _make_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": dict(zip(("text", "markdown"), _make_help(rule), strict=True)),
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


@cache
def _make_help(rule: Rule) -> tuple[str, str]:
    """As plain text and as Markdown: in place of ``helpUri``, because what it would name has no address."""
    sections = split_explanation(read_explanation(rule.code))
    remedy = sections.get(REMEDY, "")
    more = f"`optbuild plan --explain {rule.code}` prints it in a terminal."
    text = "\n\n".join((rule.why, *([f"{REMEDY}:\n{remedy}"] if remedy else ()), more))
    blocks = (f"### {title}\n\n```text\n{body}\n```" for title, body in sections.items())
    return text, "\n\n".join((f"**{rule.title}**", *blocks, more))


def _make_results(findings: Iterable[Finding], index: dict[str, int], rename: Rename) -> list[dict[str, Any]]:
    seen: dict[str, int] = {}
    results = []
    for finding in findings:
        print_ = _compute_fingerprint(finding)
        seen[print_] = seen.get(print_, 0) + 1
        results.append(_make_result(finding, index[finding.code], rename, f"{print_}:{seen[print_]}"))
    return results


def _make_result(finding: Finding, rule: int, rename: Rename, fingerprint: str) -> dict[str, Any]:
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": escape_controls(format_finding_text(finding))},
        "locations": _make_locations(finding, rename),
        "partialFingerprints": {FINGERPRINT: fingerprint},
        **_make_fixes(finding, rename),
    }


def _make_fixes(finding: Finding, rename: Rename) -> dict[str, Any]:
    """The key ``fixes`` (section 3.27.30) where a program can apply what is advised; columns count from 1 there."""
    if not finding.edits or not finding.where.file:
        return {}
    replacements = [
        {
            "deletedRegion": {
                "startLine": edit.start.line,
                "startColumn": edit.start.column + 1,
                "endLine": edit.end.line,
                "endColumn": edit.end.column + 1,
            },
            "insertedContent": {"text": edit.text},
        }
        for edit in finding.edits
    ]
    change = {"artifactLocation": {"uri": _make_uri(finding.where.file, rename)}, "replacements": replacements}
    text = escape_controls(finding.fix or finding.message)
    return {"fixes": [{"description": {"text": text}, "artifactChanges": [change]}]}


def _make_locations(finding: Finding, rename: Rename) -> list[dict[str, Any]]:
    where = finding.where
    if not where.file:
        return []
    physical: dict[str, Any] = {"artifactLocation": {"uri": _make_uri(where.file, rename)}}
    if where.line is not None:
        physical["region"] = {"startLine": where.line}
    location: dict[str, Any] = {"physicalLocation": physical}
    if where.key:
        location["logicalLocations"] = [{"fullyQualifiedName": escape_controls(where.key), "kind": "member"}]
    return [location]


def _make_uri(file: str, rename: Rename) -> str:
    """Relative references keep no scheme: a colon in the first part would look like one, so it is escaped."""
    name = rename(file)
    return f"{'file://' if name.startswith('/') else ''}{quote(name, errors='surrogateescape')}"


def _compute_fingerprint(finding: Finding) -> str:
    """Of what stays the same when lines move: the code, the file, the key, the services."""
    facts = (finding.code, finding.where.file, finding.where.key or "", *finding.services)
    return hashlib.sha256("\0".join(facts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
