"""Words for a terminal that shows colours (ECMA-48, "Select Graphic Rendition"); plain where it does not."""

from __future__ import annotations

from builder.findings.catalog import Severity

_END = "\x1b[0m"
_SEVERITIES = {Severity.INFO: "\x1b[36m", Severity.WARNING: "\x1b[33m", Severity.ERROR: "\x1b[1;31m"}


def make_bold(text: str, *, color: bool) -> str:
    return f"\x1b[1m{text}{_END}" if color else text


def color_by_severity(text: str, severity: Severity, *, color: bool) -> str:
    return f"{_SEVERITIES[severity]}{text}{_END}" if color else text
