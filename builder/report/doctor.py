"""What this machine can do, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from builder.doctor.machine import is_ready
from builder.doctor.model import FindingState
from builder.report.colors import Screen, paint
from builder.report.prose import wrap_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.doctor.model import MachineFinding
    from builder.report.documents.doctor import DoctorDocument, DoctorFindingDocument

SCHEMA_VERSION = 1
_MARKS = {FindingState.OK: ("✓", "32"), FindingState.WARNING: ("!", "33"), FindingState.MISSING: ("✗", "31")}
"""Sign and colour of each state."""
_BESIDE = 40
"""So many characters must be left beside the names, else the text goes below."""


def format_findings_text(findings: tuple[MachineFinding, ...], *, color: bool = False, width: int = 0) -> str:
    """A line per finding, the advice below it, and a last line that says whether a build can start. ``width`` of the
    terminal in characters; 0: it is none."""
    names = max(len(finding.name) for finding in findings)
    margin = names + 4 if not width or width - names - 4 >= _BESIDE else 4
    lines = [line for finding in findings for line in _format_finding(finding, margin, Screen(width, color))]
    missing = [finding.name for finding in findings if finding.state is FindingState.MISSING]
    last = f"Missing: {', '.join(missing)}." if missing else "This machine can build, verify and promote."
    return "\n".join((*lines, *wrap_text(last, "", "  ", width=width))) + "\n"


def _format_finding(finding: MachineFinding, margin: int, screen: Screen) -> Iterator[str]:
    sign, code = _MARKS[finding.state]
    beside, indent = f"{sign} {finding.name}", " " * margin
    found = list(wrap_text(finding.found, beside.ljust(margin), indent, width=screen.width))
    if len(beside) > margin:
        found = [beside, *wrap_text(finding.found, indent, width=screen.width)]
    yield paint(sign, code, color=screen.color) + found[0].removeprefix(sign)
    yield from found[1:]
    if finding.advice:
        yield from wrap_text(finding.advice, f"{indent}next: ", width=screen.width)


def format_findings_json(findings: tuple[MachineFinding, ...]) -> str:
    """The machine-readable form; ``schema_version`` changes when a key does."""
    document: DoctorDocument = {
        "schema_version": SCHEMA_VERSION,
        "ready": is_ready(findings),
        "findings": [_make_finding_document(finding) for finding in findings],
    }
    return json.dumps(document, indent=2) + "\n"


def _make_finding_document(finding: MachineFinding) -> DoctorFindingDocument:
    return {"name": finding.name, "state": finding.state, "found": finding.found, "advice": finding.advice}
