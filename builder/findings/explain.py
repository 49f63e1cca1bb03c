"""What one rule teaches, and what many believe."""

from __future__ import annotations

import re

from builder.core.resources import read_template
from builder.findings.catalog import CATALOG

WIDTH = 100
"""Columns."""


BELIEFS = "beliefs"


CODES = (*CATALOG, BELIEFS)


_DIGITS = str.maketrans("OIL", "011")


def suggest_code(code: str) -> str:
    """``did you mean OB401? ``: where a letter is written for a digit, or the letters are missing; else empty."""
    near = f"OB{re.sub('[^0-9]', '', code.upper().translate(_DIGITS))[-3:]}"
    return f"did you mean {near}? " if near in CATALOG else ""


def read_explanation(name: str) -> str:
    return read_template(f"explain/{name}.txt").decode()
