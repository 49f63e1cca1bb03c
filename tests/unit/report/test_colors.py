"""Colours are there for a terminal that shows them, and for nobody else."""

from __future__ import annotations

import pytest

from builder.findings.catalog import Severity
from builder.report.colors import color_by_severity, make_bold


def test_bold_begins_and_ends() -> None:
    assert make_bold("x", color=True) == "\x1b[1mx\x1b[0m"
    assert make_bold("x", color=False) == "x"


@pytest.mark.parametrize("severity", Severity)
def test_each_severity_has_a_color_of_its_own(severity: Severity) -> None:
    shown = [color_by_severity("x", one, color=True) for one in Severity]
    assert len(set(shown)) == len(Severity)
    assert all(one.startswith("\x1b[") and one.endswith("mx\x1b[0m") for one in shown)
    assert color_by_severity("x", severity, color=False) == "x"
