"""What `inspect` and `diff` ask in the same words: how many rows, and where the result goes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from builder.core.errors import OptbuildError

Top = Annotated[str | None, typer.Option("--top", metavar="N", help="Rows of each table; 0: all. JSON always has all.")]
"""Typer gets it as a text: to convert one to a number takes it 0.13 s."""
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there, not to stdout.")]


def parse_row_count(top: str | None) -> dict[str, int]:
    """``top`` as reports take it, 0: all; empty: as many as the report chooses."""
    if top is None:
        return {}
    if not re.fullmatch(r"[0-9]{1,6}", top):
        raise OptbuildError(f"--top {top} is not a number of rows", hint="write it like --top 30; 0 shows all")
    return {"top": int(top)}
