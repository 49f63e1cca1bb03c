"""What one rule teaches, and what many believe."""

from __future__ import annotations

import re
import textwrap

from builder.core.resources import read_template
from builder.findings.catalog import CATALOG

WIDTH = 100
"""Columns."""


BELIEFS = "beliefs"


REMEDY = "What to do"
"""The section of an explanation that says it."""


CODES = (*CATALOG, BELIEFS)


_DIGITS = str.maketrans("OIL", "011")


def suggest_code(code: str) -> str:
    """``did you mean OB401? ``: where a letter is written for a digit, or the letters are missing; else empty."""
    near = f"OB{re.sub('[^0-9]', '', code.upper().translate(_DIGITS))[-3:]}"
    return f"did you mean {near}? " if near in CATALOG else ""


def read_explanation(name: str) -> str:
    return read_template(f"explain/{name}.txt").decode()


def split_explanation(text: str) -> dict[str, str]:
    """Title of each section → what stands below it, no longer indented."""
    parts = re.split(r"^(\S.*)\n", text, flags=re.MULTILINE)[1:]
    return {title: textwrap.dedent(body).strip("\n") for title, body in zip(parts[::2], parts[1::2], strict=True)}
