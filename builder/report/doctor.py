"""What this machine can do, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from builder.doctor import FindingState, is_ready

if TYPE_CHECKING:
    from builder.doctor import MachineFinding

SCHEMA_VERSION = 1
_MARKS = {FindingState.OK: ("✓", "32"), FindingState.WARNING: ("!", "33"), FindingState.MISSING: ("✗", "31")}
"""Sign and ANSI colour of each state."""


def format_findings_text(findings: tuple[MachineFinding, ...], *, color: bool = False) -> str:
    """A line per finding, the advice below it, and a last line that says whether a build can start."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        sign, code = _MARKS[finding.state]
        sign = f"\033[{code}m{sign}\033[0m" if color else sign
        lines.append(f"{sign} {finding.name:<{width}}  {finding.found}")
        if finding.advice:
            lines.append(f"  {'':<{width}}  next: {finding.advice}")
    missing = [finding.name for finding in findings if finding.state is FindingState.MISSING]
    lines.append(f"Missing: {', '.join(missing)}." if missing else "This machine can build, verify and promote.")
    return "\n".join(lines) + "\n"


def format_findings_json(findings: tuple[MachineFinding, ...]) -> str:
    """The machine-readable form; ``schema_version`` changes when a key does."""
    lines = [{"name": f.name, "state": f.state.value, "found": f.found, "advice": f.advice} for f in findings]
    return (
        json.dumps({"schema_version": SCHEMA_VERSION, "ready": is_ready(findings), "findings": lines}, indent=2) + "\n"
    )
