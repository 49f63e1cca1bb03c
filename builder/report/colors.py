"""Words for a terminal that shows colours (ECMA-48, "Select Graphic Rendition"); plain where it does not."""

from __future__ import annotations

from dataclasses import dataclass

from builder.findings.catalog import Severity

_END = "\x1b[0m"
_SEVERITIES = {Severity.INFO: "36", Severity.WARNING: "33", Severity.ERROR: "1;31"}


@dataclass(frozen=True)
class Screen:
    """Where a text is shown. ``width``: characters in a line of the terminal; 0: it is none."""

    width: int = 0
    color: bool = False


PAPER = Screen()
"""A file, a pipe: no colours, prose in lines of ordinary length."""


def paint(text: str, code: str, *, color: bool) -> str:
    """``code``: the numbers of the escape sequence (``1;31``); empty: the text stays as it is."""
    return f"\x1b[{code}m{text}{_END}" if color and code else text


def make_bold(text: str, *, color: bool) -> str:
    return paint(text, "1", color=color)


def color_by_severity(text: str, severity: Severity, *, color: bool) -> str:
    return paint(text, _SEVERITIES[severity], color=color)
